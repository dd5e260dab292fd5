/** Counts of all workers in one: no counter goes backwards, whoever dies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setKey } from '#core/set';
import { newTally } from '#gateway/door-counts';
import { SetMetrics } from '#gateway/metrics';
import { FakeClock } from '#test/support/fake-clock';
import type { TrafficCounts } from '#workers/messages';
import { TrafficSums } from '#workers/traffic-sums';

const KEY = setKey('default', 'shop', 'web');

function counts(revisions: Readonly<Record<string, readonly [requests: number, errors: number]>>): TrafficCounts {
  return {
    sets: [],
    doors: newTally(),
    revisions: Object.entries(revisions).map(([revision, [requests, errors]]) => ({
      ...{ key: KEY, revision, requests, errors, latency: [requests, 0], latencySumS: requests / 10 },
    })),
  };
}

test('revisions are summed over workers, and what a dead worker counted stays', async () => {
  const answers = new Map([
    [1, counts({ r1: [10, 1], r2: [2, 2] })],
    [2, counts({ r1: [20, 0] })],
  ]);
  const sums: TrafficSums = new TrafficSums({
    clock: new FakeClock(),
    ask: (worker, round) => {
      const answer = answers.get(worker);
      if (answer !== undefined) sums.answered(worker, round, answer);
    },
  });
  const collect = async (workers: readonly number[]) =>
    (await sums.collect(workers, () => true)).revisions.map((one) => [
      one.revision,
      one.requests,
      one.errors,
      one.latency,
    ]);
  const both = [
    ['r1', 30, 1, [30, 0]],
    ['r2', 2, 2, [2, 0]],
  ];
  assert.deepEqual(await collect([1, 2]), both);
  sums.leave(1);
  answers.set(3, counts({ r2: [5, 0] }));
  assert.deepEqual(await collect([2, 3]), [
    ['r1', 30, 1, [30, 0]],
    ['r2', 7, 2, [7, 0]],
  ]);
  assert.deepEqual((await sums.collect([2, 3], () => false)).revisions, []);
});

test('first octets after wakes are summed over workers, tier by tier', async () => {
  const one = new SetMetrics();
  const other = new SetMetrics();
  one.firstByte('frozen', 0.5);
  other.firstByte('frozen', 0.5);
  other.firstByte('stopped', 2000);
  const sums: TrafficSums = new TrafficSums({
    clock: new FakeClock(),
    ask: (worker, round) =>
      sums.answered(worker, round, { ...counts({}), sets: [(worker === 1 ? one : other).collect(KEY)] }),
  });
  const { sets } = await sums.collect([1, 2], () => true);
  const { frozen, stopped } = sets[0]?.firstBytes ?? {};
  assert.equal(frozen?.latency[0], 2);
  assert.equal(frozen?.latencySumS, 0.001);
  assert.equal(
    stopped?.latency.reduce((sum, count) => sum + count),
    1,
  );
  assert.equal(stopped?.latencySumS, 2);
});
