/** What the decider asks for, case by case. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type DeciderMemory,
  type DeciderPolicy,
  type DeciderStats,
  decide,
  memoryOf,
  NO_MEMORY,
} from '#scaler/decider/decider';

const POLICY: DeciderPolicy = {
  ...{ min: 1, max: 100, concurrency: 10, limit: 14, rps: null, cpu: null, memory: null },
  ...{ windowMs: 60_000, cooldownMs: 0, tolerance: 0, panicRatio: 2, growthRatio: 1000, shrinkRatio: 0.5 },
};

function stats(load: number, changes: Partial<DeciderStats> = {}): DeciderStats {
  return {
    ...{ ready: 1, concurrency: { stable: load, panic: load }, rps: { stable: 0, panic: 0 } },
    ...{ cpu: null, memory: null, isSaturated: false, climb: 0, peak: 0, backlog: 0, foreseen: 0, ...changes },
  };
}

/** Decides one after the other; what was wanted each time. */
function run(
  steps: readonly (readonly [at: number, stats: DeciderStats])[],
  policy = POLICY,
  memory = NO_MEMORY,
): number[] {
  let kept: DeciderMemory = memory;
  return steps.map(([at, seen]) => {
    const { desired, memory: next } = decide(seen, policy, kept, at);
    kept = next;
    return desired;
  });
}

test('as many replicas as the load needs at the concurrency that is aimed at', () => {
  assert.deepEqual(run([[0, stats(35, { ready: 4 })]]), [4]);
  assert.deepEqual(run([[0, stats(41, { ready: 4 })]]), [5]);
});

test('never fewer than min, never more than max', () => {
  assert.deepEqual(run([[0, stats(0)]], { ...POLICY, min: 3 }), [3]);
  assert.deepEqual(run([[0, stats(990, { ready: 9 })]], { ...POLICY, max: 12 }), [12]);
});

test('a load that climbs counts as what it will be, within what one step may do, and is no panic', () => {
  const climbing = stats(35, { ready: 4, climb: 62 });
  assert.deepEqual(run([[0, climbing]]), [7]);
  assert.deepEqual(run([[0, climbing]], { ...POLICY, max: 5 }), [5]);
  assert.deepEqual(run([[0, climbing]], { ...POLICY, growthRatio: 1.5 }), [6]);
  assert.deepEqual(run([[0, stats(35, { ready: 4, climb: 42 })]], { ...POLICY, tolerance: 0.1 }), [4]);
  assert.equal(decide(climbing, POLICY, NO_MEMORY, 0).isPanicking, false);
  assert.deepEqual(
    run([
      [0, climbing],
      [1000, stats(35, { ready: 7, climb: 0 })],
    ]),
    [7, 4],
  );
});

test('twice what there is in the short window is panic: it grows at once and holds until a window has been calm', () => {
  const burst = stats(0, { ready: 2, concurrency: { stable: 15, panic: 50 } });
  const calm = stats(0, { ready: 5, concurrency: { stable: 15, panic: 5 } });
  assert.deepEqual(
    run([
      [0, burst],
      [2000, calm],
      [60_000, calm],
      [60_001, calm],
    ]),
    [5, 5, 5, 2],
  );
});

test('less than twice leaves the pace to the long window', () => {
  assert.deepEqual(run([[0, stats(0, { ready: 4, concurrency: { stable: 30, panic: 70 } })]]), [3]);
});

test('requests that wait before replicas that are up count whatever the ratio is', () => {
  const load = { stable: 15, panic: 35 };
  assert.deepEqual(run([[0, stats(0, { ready: 2, concurrency: load, isSaturated: true })]]), [4]);
});

test('a few that wait by chance are no reason to grow', () => {
  const load = { stable: 15, panic: 29 };
  assert.deepEqual(run([[0, stats(0, { ready: 2, concurrency: load, isSaturated: true })]]), [2]);
});

test('a load just above what there is changes nothing', () => {
  const policy = { ...POLICY, tolerance: 0.1 };
  assert.deepEqual(run([[0, stats(33, { ready: 3 })]], policy), [3]);
  assert.deepEqual(run([[0, stats(34, { ready: 3 })]], policy), [4]);
});

test('it keeps what the highest load of the window would fill', () => {
  assert.deepEqual(run([[0, stats(15, { ready: 4, peak: 38 })]]), [4]);
  assert.deepEqual(run([[0, stats(15, { ready: 4, peak: 37 })]]), [3]);
  // No reason to have more than there are.
  assert.deepEqual(run([[0, stats(15, { ready: 4, peak: 100 })]]), [4]);
});

test('load that is foreseen adds to what the present load asks for, and takes nothing from it', () => {
  assert.deepEqual(run([[0, stats(15, { ready: 2, foreseen: 6 })]]), [6]);
  assert.deepEqual(run([[0, stats(55, { ready: 5, foreseen: 2 })]]), [6]);
});

test('it halves at most in one step', () => {
  assert.deepEqual(run([[0, stats(10, { ready: 20 })]]), [10]);
});

test('a lower number counts when it was enough for the whole cool-down', () => {
  const policy = { ...POLICY, cooldownMs: 30_000 };
  const steps = [0, 10_000, 20_000, 29_999, 30_000].map((at) => [at, stats(at === 0 ? 45 : 15, { ready: 4 })] as const);
  assert.deepEqual(run(steps, policy), [5, 5, 5, 5, 2]);
});

test('a backlog of a set at zero asks for what it needs, whatever the windows say', () => {
  assert.deepEqual(run([[0, stats(0, { ready: 0, backlog: 5 })]]), [5]);
});

test('the metric that asks for most decides, and is named', () => {
  const policy = { ...POLICY, rps: 100, cpu: 50 };
  const seen = stats(10, { ready: 4, rps: { stable: 620, panic: 620 }, cpu: 70 });
  const decision = decide(seen, policy, NO_MEMORY, 0);
  assert.deepEqual([decision.desired, decision.metric], [7, 'rps']);
  const busy = decide({ ...seen, cpu: 95 }, policy, NO_MEMORY, 0);
  assert.deepEqual([busy.desired, busy.metric], [8, 'cpu']);
});

test('a use near its aim changes nothing', () => {
  const policy = { ...POLICY, memory: 80 };
  for (const memory of [73, 80, 87]) assert.deepEqual(run([[0, stats(10, { ready: 4, memory })]], policy), [4]);
});

test('one that begins with replicas up keeps them for a window: it does not know the load yet', () => {
  const memory = memoryOf(6, 1000);
  const seen = stats(0, { ready: 6 });
  assert.deepEqual(
    run(
      [
        [1000, seen],
        [61_000, seen],
        [61_001, seen],
      ],
      POLICY,
      memory,
    ),
    [6, 6, 3],
  );
});
