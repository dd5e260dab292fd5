/**
 * Numbers that Knative's autoscaler is tested with (knative/serving, pkg/autoscaler/scaling/autoscaler_test.go and
 * pkg/autoscaler/aggregation/max/timewindow_test.go), held against our rules, where we keep its semantics. Each step gives
 * the averages over both windows and the ready replicas at a time, and says what is wanted then. Where we differ, and why:
 * docs/decisions/0017.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DeciderMemory, type DeciderPolicy, decide, memoryOf, NO_MEMORY } from '#scaler/decider/decider';

/** newTestAutoscaler there: growth and shrinking by ten times, panic at twice, a window of a minute, no delay. */
const POLICY: DeciderPolicy = {
  ...{
    min: 0,
    max: 100_000,
    concurrency: 10,
    limit: 10 / 0.7,
    rps: null,
    cpu: null,
    memory: null,
    windowMs: 60_000,
    cooldownMs: 0,
  },
  ...{ tolerance: 0, panicRatio: 2, growthRatio: 10, shrinkRatio: 1 / 10 },
};
/** The delay of TestAutoscalerScaleDownDelay; its panic threshold is out of reach. */
const DELAYED: Partial<DeciderPolicy> = { cooldownMs: 300_000, panicRatio: 100 };
const MINUTE_MS = 60_000;

interface Step {
  readonly at?: number;
  readonly ready?: number;
  readonly stable: number;
  readonly panic: number;
  /** Another target from here on. */
  readonly target?: number;
  readonly wanted: number;
  readonly panicAt?: number | null;
}

interface Vector {
  readonly of: string;
  /** What it says, as a sentence. */
  readonly says: string;
  readonly policy?: Partial<DeciderPolicy>;
  readonly metric?: 'rps';
  readonly memory?: DeciderMemory;
  readonly steps: readonly Step[];
}

const PANICKING: DeciderMemory = { panicAt: -5000, panicPeak: 5, peaks: [] };

const VECTORS: readonly Vector[] = [
  {
    of: 'TestAutoscalerScaleDownDelay/simple',
    says: 'a lower number counts once it was enough for the whole delay',
    policy: DELAYED,
    steps: [
      { at: 2000, stable: 40, panic: 40, wanted: 4 },
      { at: 5 * MINUTE_MS, stable: 0, panic: 0, wanted: 4 },
      { at: 5 * MINUTE_MS + 2000, stable: 0, panic: 0, wanted: 0 },
    ],
  },
  {
    of: 'TestAutoscalerScaleDownDelay/gradual',
    says: 'each number that was wanted within the delay holds until it is as old as the delay',
    policy: DELAYED,
    steps: [
      { at: 9 * MINUTE_MS, stable: 40, panic: 40, wanted: 4 },
      { at: 10 * MINUTE_MS, stable: 30, panic: 30, wanted: 4 },
      { at: 11 * MINUTE_MS, stable: 0, panic: 0, wanted: 4 },
      { at: 14 * MINUTE_MS, stable: 0, panic: 0, wanted: 3 },
      { at: 15 * MINUTE_MS, stable: 0, panic: 0, wanted: 0 },
    ],
  },
  {
    of: 'TestAutoscalerScaleDownDelayZero',
    says: 'without a delay the set shrinks with the next look',
    policy: { panicRatio: 100 },
    steps: [
      { stable: 40, panic: 40, wanted: 4 },
      { at: 500, stable: 20, panic: 20, wanted: 2 },
    ],
  },
  {
    of: 'TestAutoscalerMetrics',
    says: 'load over target is what is wanted',
    steps: [{ stable: 50, panic: 50, wanted: 5 }],
  },
  {
    of: 'TestAutoscalerMetricsWithRPS',
    says: 'requests a second count the same way',
    metric: 'rps',
    steps: [{ at: 61_000, stable: 100, panic: 99, wanted: 10 }],
  },
  {
    of: 'TestAutoscalerStableModeIncreaseWithConcurrencyDefault',
    says: 'the stable window alone makes it grow',
    steps: [
      { stable: 50, panic: 10, wanted: 5 },
      { stable: 100, panic: 10, wanted: 10 },
    ],
  },
  {
    of: 'TestAutoscalerStableModeIncreaseWithRPS',
    says: 'requests a second make it grow, step by step',
    metric: 'rps',
    steps: [
      { stable: 50, panic: 50, wanted: 5 },
      { stable: 100, panic: 99, wanted: 10 },
    ],
  },
  {
    of: 'TestAutoscalerUnpanicAfterSlowIncrease',
    says: 'a slow growth ends a panic when the window is over',
    policy: { concurrency: 1 },
    steps: [
      { ready: 10, stable: 11, panic: 25, wanted: 25, panicAt: 0 },
      { at: 30_000, ready: 40, stable: 30, panic: 41, wanted: 41, panicAt: 0 },
      { at: 62_000, ready: 55, stable: 50, panic: 56, wanted: 50, panicAt: null },
    ],
  },
  {
    of: 'TestAutoscalerExtendPanicWindow',
    says: 'a surge in a panic makes it last longer',
    policy: { concurrency: 1 },
    steps: [
      { ready: 10, stable: 11, panic: 25, wanted: 25, panicAt: 0 },
      { at: 30_000, ready: 40, stable: 30, panic: 80, wanted: 80, panicAt: 30_000 },
    ],
  },
  {
    of: 'TestAutoscalerStableModeDecrease',
    says: 'without a panic it shrinks with the load',
    steps: [
      { ready: 8, stable: 100, panic: 100, wanted: 10 },
      { ready: 8, stable: 50, panic: 50, wanted: 5 },
    ],
  },
  {
    of: 'TestAutoscalerStableModeNoTrafficScaleToZero',
    says: 'no load needs no replica (where it sleeps is not decided here)',
    steps: [
      { stable: 1, panic: 0, wanted: 1 },
      { stable: 0, panic: 0, wanted: 0 },
    ],
  },
  {
    of: 'TestAutoscalerPanicModeExponentialTrackAndStabilize',
    says: 'a load that grows by six times with each step is followed at once',
    policy: { concurrency: 1 },
    steps: [
      { stable: 6, panic: 6, wanted: 6 },
      { ready: 6, stable: 36, panic: 36, wanted: 36, panicAt: 0 },
      { at: 1000, ready: 36, stable: 216, panic: 216, wanted: 216, panicAt: 1000 },
      { at: 1000, ready: 216, stable: 1296, panic: 1296, wanted: 1296, panicAt: 1000 },
      { at: 2000, ready: 1296, stable: 1296, panic: 1296, wanted: 1296, panicAt: 1000 },
    ],
  },
  {
    of: 'TestAutoscalerScale/AutoscalerNoDataAtZeroNoAutoscale',
    says: 'without load none is wanted',
    steps: [{ stable: 0, panic: 0, wanted: 0 }],
  },
  {
    of: 'TestAutoscalerScale/AutoscalerStableModeUnlimitedTBC',
    says: 'a load far below the target needs one',
    policy: { concurrency: 181 },
    steps: [{ stable: 21, panic: 26, wanted: 1 }],
  },
  {
    of: 'TestAutoscalerScale/Autoscaler0TBC',
    says: 'the larger window counts in a panic',
    steps: [{ stable: 50, panic: 49, wanted: 5 }],
  },
  {
    of: 'TestAutoscalerScale/AutoscalerPanicStableLargerThanPanic',
    says: 'in a panic the stable window counts where it is larger',
    policy: { concurrency: 1 },
    memory: PANICKING,
    steps: [{ ready: 5, stable: 50, panic: 30, wanted: 50 }],
  },
  {
    of: 'TestAutoscalerScale/AutoscalerPanicStableLessThanPanic',
    says: 'in a panic the short window counts where it is larger',
    policy: { concurrency: 1 },
    memory: PANICKING,
    steps: [{ ready: 5, stable: 20, panic: 30, wanted: 30 }],
  },
  {
    of: 'TestAutoscalerScale/AutoscalerStableModeNoChangeAlreadyScaled',
    says: 'enough is enough',
    steps: [{ ready: 5, stable: 50, panic: 50, wanted: 5 }],
  },
  {
    of: 'TestAutoscalerScale/AutoscalerStableModeIncreaseWithSmallScaleUpRate',
    says: 'a small rate of growth still grows by one',
    policy: { concurrency: 1, growthRatio: 1.1 },
    steps: [{ ready: 2, stable: 3, panic: 3.1, wanted: 3 }],
  },
  {
    of: 'TestAutoscalerScale/AutoscalerStableModeDecreaseWithSmallScaleDownRate',
    says: 'a small rate of shrinking is rounded down',
    policy: { shrinkRatio: 1 / 1.1 },
    steps: [{ ready: 100, stable: 1, panic: 1, wanted: 90 }],
  },
  {
    of: 'TestAutoscalerScale/AutoscalerPanicModeDoublePodCount',
    says: 'the short window wins in a panic',
    steps: [{ stable: 50, panic: 100, wanted: 10 }],
  },
  {
    of: 'TestAutoscalerPanicThenUnPanicScaleDown',
    says: 'never down in a panic, and down when a window has passed since',
    steps: [
      { stable: 100, panic: 100, wanted: 10 },
      { ready: 10, stable: 100, panic: 1000, wanted: 100 },
      { at: 30_000, ready: 10, stable: 1, panic: 1, wanted: 100 },
      { at: 61_000, ready: 10, stable: 1, panic: 1, wanted: 1 },
    ],
  },
  {
    of: 'TestAutoscalerRateLimitScaleUp',
    says: 'one step grows by ten times at most',
    steps: [
      { stable: 1000, panic: 1001, wanted: 10 },
      { ready: 10, stable: 1000, panic: 1001, wanted: 100 },
    ],
  },
  {
    of: 'TestAutoscalerRateLimitScaleDown',
    says: 'one step shrinks to a tenth at least',
    steps: [
      { ready: 100, stable: 1, panic: 1, wanted: 10 },
      { ready: 10, stable: 1, panic: 1, wanted: 1 },
    ],
  },
  {
    of: 'TestAutoscalerUseOnePodAsMinimumIfEndpointsNotFound',
    says: 'rates count from one replica where there is none',
    steps: [{ ready: 0, stable: 1000, panic: 888, wanted: 10 }],
  },
  {
    of: 'TestAutoscalerUpdateTarget',
    says: 'another target counts with the next look',
    steps: [
      { stable: 100, panic: 101, wanted: 10 },
      { ready: 10, stable: 100, panic: 101, target: 1, wanted: 100 },
    ],
  },
  {
    of: 'TestTimedWindowMax/two values in same second',
    says: 'the larger of two numbers within the delay counts',
    policy: { cooldownMs: 5000, panicRatio: 100, concurrency: 1 },
    steps: [
      { ready: 10, stable: 6, panic: 6, wanted: 6 },
      { at: 500, ready: 10, stable: 5, panic: 5, wanted: 6 },
    ],
  },
  {
    of: 'TestTimedWindowMax/two values',
    says: 'a larger number counts at once',
    policy: { cooldownMs: 5000, panicRatio: 100, concurrency: 1 },
    steps: [
      { ready: 10, stable: 5, panic: 5, wanted: 5 },
      { at: 1000, ready: 10, stable: 8, panic: 8, wanted: 8 },
    ],
  },
  {
    of: 'TestTimedWindowMax/time gap',
    says: 'a number older than the delay counts no more',
    policy: { cooldownMs: 5000, panicRatio: 100, concurrency: 1 },
    steps: [
      { ready: 10, stable: 5, panic: 5, wanted: 5 },
      { at: 6000, ready: 10, stable: 4, panic: 4, wanted: 4 },
    ],
  },
];

describe("numbers of Knative's autoscaler", () => {
  for (const { of, says, steps, policy: changed, metric, memory: before } of VECTORS) {
    test(`${of}: ${says}`, () => {
      let memory = before ?? NO_MEMORY;
      for (const [i, { at = 0, ready = 1, stable, panic, target, wanted, panicAt }] of steps.entries()) {
        const aimed = { ...POLICY, ...changed, ...(target === undefined ? {} : { concurrency: target }) };
        const policy = metric === undefined ? aimed : { ...aimed, rps: aimed.concurrency };
        const none = { stable: 0, panic: 0 };
        const load = { stable, panic };
        const stats = {
          ...{ ready, cpu: null, memory: null, isSaturated: false, climb: 0, peak: 0, foreseen: 0, backlog: 0 },
          ...(metric === undefined ? { concurrency: load, rps: none } : { concurrency: none, rps: load }),
        };
        const decision = decide(stats, policy, memory, at);
        memory = decision.memory;
        assert.equal(decision.desired, wanted, `step ${i + 1}`);
        if (panicAt !== undefined) assert.equal(memory.panicAt, panicAt, `panic of step ${i + 1}`);
      }
    });
  }

  test('TestStartInPanicMode: one that begins with more than one replica begins in a panic, and keeps them', () => {
    assert.equal(memoryOf(0, 7).panicAt, null);
    assert.equal(memoryOf(1, 7).panicAt, null);
    assert.deepEqual([memoryOf(2, 7).panicAt, memoryOf(2, 7).panicPeak], [7, 2]);
  });
});
