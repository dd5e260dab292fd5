/** Medians, spreads and percentiles of repeated measurements. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, percentile, spread } from '../../load/statistics.ts';

const fifty = Array.from({ length: 50 }, (_, i) => 50 - i);
const hundred = Array.from({ length: 100 }, (_, i) => i + 1);

test('the median is the middle value, or the mean of the two in the middle', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('a spread holds median, smallest and largest value, whatever the order', () => {
  assert.deepEqual(spread([9, 2, 4]), { median: 4, min: 2, max: 9, count: 3 });
});

test('a percentile is a value that was seen: of 50 runs p99 is the slowest, of 100 the second slowest', () => {
  assert.equal(percentile(fifty, 99), 50);
  assert.equal(percentile(fifty, 50), 25);
  assert.equal(percentile(hundred, 99), 99);
  assert.equal(percentile(hundred, 100), 100);
  assert.equal(percentile([7], 50), 7);
});

test('ranks are not rounded up for the sake of floating point', () => {
  assert.equal(percentile(hundred, 7), 7); // 0.07 * 100 is 7.000000000000001
  assert.equal(percentile(hundred, 29), 29);
});

test('figures of nothing are refused', () => {
  assert.throws(() => percentile([], 50), RangeError);
  assert.throws(() => spread([]), RangeError);
});
