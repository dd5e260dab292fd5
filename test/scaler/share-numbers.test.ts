/** How many replicas each share of a set has. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { wantedByShare } from '#scaler/share-wishes';

function wanted(awake: number, ...shares: readonly (readonly [weight: number, replicas: number | null])[]): number[] {
  const all = shares.map(([weight, replicas], i) => ({ revision: `r${i + 1}`, weight, replicas, held: false }));
  return [...wantedByShare(all, { awake }).values()];
}

test('one that names no number has what the set is to have', () => {
  assert.deepEqual(wanted(5, [100, null]), [5]);
  assert.deepEqual(wanted(0, [100, null]), [0]);
  assert.deepEqual(wanted(5, [100, null], [0, 2]), [5, 2]);
  assert.deepEqual(wanted(5, [50, 3], [50, 0]), [3, 0]);
});

test('several have it between them by weight, and no more than that', () => {
  assert.deepEqual(wanted(10, [90, null], [10, null]), [9, 1]);
  assert.deepEqual(wanted(10, [50, null], [50, null]), [5, 5]);
  assert.deepEqual(wanted(4, [75, null], [25, null]), [3, 1]);
  for (let awake = 3; awake < 40; awake++) {
    const counts = wanted(awake, [70, null], [20, null], [10, null]);
    assert.equal(
      counts.reduce((sum, one) => sum + one, 0),
      awake,
    );
  }
});

test('each has one at least, also where matches alone lead', () => {
  assert.deepEqual(wanted(1, [99, null], [1, null]), [1, 1]);
  assert.deepEqual(wanted(6, [100, null], [0, null]), [5, 1]);
});
