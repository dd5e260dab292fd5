/** Trends of readings: settled or not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasSettled } from '../../load/trend.ts';

test('values have settled when as many of the last as asked for are close together', () => {
  assert.equal(hasSettled([90, 10, 10.2, 10.1], 3, 0.5), true);
  assert.equal(hasSettled([10, 10.2, 11], 3, 0.5), false);
  assert.equal(hasSettled([10, 10], 3, 0.5), false);
});
