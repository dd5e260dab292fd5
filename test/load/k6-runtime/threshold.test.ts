/** Thresholds and metrics of k6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from '../../../load/k6-runtime/duration.ts';
import { Metric, type MetricKind } from '../../../load/k6-runtime/metric.ts';
import { holds, parseSelector, parseThreshold } from '../../../load/k6-runtime/threshold.ts';

function metric(kind: MetricKind, ...values: number[]): Metric {
  const made = new Metric('m', kind);
  for (const value of values) made.add(value, {});
  return made;
}

test('a threshold is an aggregate, a comparison and a bound', () => {
  assert.deepEqual(parseThreshold('p(99.9) < 250'), { aggregate: 'p(99.9)', comparison: '<', bound: 250 });
  assert.deepEqual(parseThreshold('rate==0'), { aggregate: 'rate', comparison: '==', bound: 0 });
  assert.throws(() => parseThreshold('p99<5'), /no threshold/);
  assert.throws(() => parseThreshold('med<'), /no threshold/);
});

test('comparisons compare', () => {
  const cases = [
    ['med<5', 5, false],
    ['med<=5', 5, true],
    ['med>5', 6, true],
    ['med>=5', 4, false],
    ['med==5', 5, true],
    ['med===5', 6, false],
    ['med!=5', 6, true],
  ] as const;
  for (const [text, value, expected] of cases) assert.equal(holds(value, parseThreshold(text)), expected, text);
});

test('a selector may name tags', () => {
  assert.deepEqual(parseSelector('http_reqs'), { metric: 'http_reqs', tags: {} });
  assert.deepEqual(parseSelector('d{scenario:crowd, kind:x}'), { metric: 'd', tags: { scenario: 'crowd', kind: 'x' } });
  assert.throws(() => parseSelector('d{'), /no metric/);
});

test('each kind of metric has its own aggregates', () => {
  assert.equal(metric('counter', 2, 3).aggregate('count'), 5);
  assert.equal(metric('rate', 1, 0, 0, 1).aggregate('rate'), 0.5);
  assert.equal(metric('gauge', 4, 9, 7).aggregate('value'), 7);
  const trend = metric('trend', 40, 10, 30, 20);
  assert.deepEqual(
    ['count', 'min', 'max', 'avg', 'med', 'p(90)'].map((name) => trend.aggregate(name)),
    [4, 10, 40, 25, 25, 37],
  );
  assert.throws(() => metric('counter').aggregate('p(95)'), /has no p\(95\)/);
});

test('a metric without samples counts nothing', () => {
  assert.equal(metric('counter').aggregate('count'), 0);
  assert.equal(metric('rate').aggregate('rate'), 0);
  assert.equal(metric('trend').aggregate('p(99)'), 0);
});

test('tags choose samples', () => {
  const made = new Metric('m', 'trend');
  const crowd = parseSelector('m{scenario:crowd}');
  made.select(crowd);
  made.add(1, { scenario: 'alone' });
  made.add(9, { scenario: 'crowd', check: 'x' });
  assert.equal(made.aggregate('max', crowd), 9);
  assert.equal(made.aggregate('min', crowd), 9);
  assert.equal(made.aggregate('min'), 1);
});

test('durations are read as k6 writes them', () => {
  assert.equal(parseDuration('1m30s'), 90_000);
  assert.equal(parseDuration('250ms'), 250);
  assert.equal(parseDuration('1.5s'), 1500);
  for (const wrong of ['', '10', '5x', '1m 30s']) assert.throws(() => parseDuration(wrong), /no duration/);
});
