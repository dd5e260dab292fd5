/**
 * Who decides how many replicas there are: Tidegate's own loop, fed by the simulated counts; one that feeds the same rules
 * as Knative's autoscaler does (test/scaler/decider/knative-vectors.test.ts holds them to its published vectors); and nobody.
 */
import { DEFAULT_POLICY } from '#core/set';
import { Autoscaler } from '#scaler/autoscaler';
import { type DeciderMemory, type DeciderPolicy, decide, NO_MEMORY } from '#scaler/decider/decider';
import { spareCount } from '#scaler/decider/spares';
import type { StartWatch } from '#scaler/decider/starts';
import type { Fleet } from './fleet.ts';
import type { SimulatedClock } from './simulated-clock.ts';

export interface Scene {
  readonly clock: SimulatedClock;
  readonly fleet: Fleet;
  readonly min: number;
  readonly max: number;
}

export interface Candidate {
  readonly name: string;
  readonly title: string;
  readonly isOurs: boolean;
  /** Requests held at most. */
  readonly queue: number;
  /** Begins to decide; says how many replicas are wanted when asked. */
  readonly follow: (scene: Scene) => () => number;
}

/** Knative 1.x: config-autoscaler's defaults. */
const TICK_MS = 2000;
const BUCKET_MS = 1000;
const STABLE_BUCKETS = 60;
const PANIC_BUCKETS = 6;
const UTILIZATION = 0.7;
const KNATIVE_QUEUE = 10_000;
const KNATIVE_RATIOS = { tolerance: 0, panicRatio: 2, growthRatio: 1000, shrinkRatio: 0.5 };

export const tidegate: Candidate = {
  name: 'Tidegate',
  title: "Tidegate's decider",
  isOurs: true,
  queue: DEFAULT_POLICY.wakeQueue,
  follow: (scene) => followLoad(scene),
};

/** Tidegate as it was before it knew that its own starts slow what it looks at. */
export const heedless: Candidate = {
  ...tidegate,
  name: 'heedless',
  title: "Tidegate's decider without heed of its starts",
  isOurs: false,
  follow: (scene) =>
    followLoad(scene, { starts: { timeMs: null, look: () => {}, slows: () => false, rest: () => {} } }),
};

/** With `scale.spare: auto`. */
export const withSpares: Candidate = {
  ...tidegate,
  name: 'spares',
  title: "Tidegate's decider with frozen spares (`auto`)",
  follow: (scene) => followLoad(scene, { spares: 'auto' }),
};

interface FollowOptions {
  readonly starts?: StartWatch;
  readonly spares?: 'auto';
}

function followLoad({ clock, fleet, min, max }: Scene, { starts, spares }: FollowOptions = {}): () => number {
  const bounds = { min: Math.max(1, min), max };
  let isAwake = fleet.count > 0;
  const scaler = new Autoscaler({
    ...{ pool: fleet, clock, use: () => ({ cpu: null, memory: null }) },
    ...(starts === undefined ? {} : { starts }),
    onChange: ({ to }) => fleet.scaleTo(to),
    onLook: () => {
      if (spares === undefined) return;
      const awake = scaler.desired ?? fleet.count;
      fleet.spareTo(spareCount({ wish: spares, burst: scaler.burst, max, awake, room: null }).count);
    },
  });
  const look = (): void => scaler.follow(bounds, { isAwake, isFixed: false, replicas: fleet.count });
  fleet.onArrival = () => {
    if (fleet.held === 0) return;
    if (isAwake) {
      scaler.poke();
      return;
    }
    isAwake = true;
    look();
    fleet.scaleTo(scaler.desired ?? 1);
  };
  look();
  return () => scaler.desired ?? fleet.count;
}

export const knative: Candidate = {
  name: 'Knative',
  title: "Knative's rules (2 s tick, 60 s and 6 s windows, what is queued counts as load)",
  isOurs: false,
  queue: KNATIVE_QUEUE,
  follow({ clock, fleet, min, max }) {
    const policy: DeciderPolicy = {
      ...{ min, max, rps: null, cpu: null, memory: null, windowMs: STABLE_BUCKETS * BUCKET_MS, cooldownMs: 0 },
      ...{
        ...KNATIVE_RATIOS,
        limit: fleet.policy.concurrency,
        concurrency: Math.max(0.01, fleet.policy.concurrency * UTILIZATION),
      },
    };
    const buckets: number[] = [];
    let seenMs = 0;
    let memory: DeciderMemory = NO_MEMORY;
    let desired = fleet.count;
    const mean = (count: number): number => {
      const last = buckets.slice(-count);
      return last.length === 0 ? 0 : last.reduce((sum, one) => sum + one, 0) / last.length;
    };
    const apply = (wanted: number): void => {
      desired = wanted;
      fleet.scaleTo(wanted);
    };
    const gather = (): void => {
      fleet.settle();
      buckets.push((fleet.concurrencyMs - seenMs) / BUCKET_MS);
      seenMs = fleet.concurrencyMs;
      clock.after(BUCKET_MS, gather);
    };
    const tick = (): void => {
      const stats = {
        ...{
          ready: fleet.readyCount,
          cpu: null,
          memory: null,
          isSaturated: false,
          climb: 0,
          peak: 0,
          foreseen: 0,
          backlog: 0,
        },
        concurrency: { stable: mean(STABLE_BUCKETS), panic: mean(PANIC_BUCKETS) },
        rps: { stable: 0, panic: 0 },
      };
      const next = decide(stats, policy, memory, clock.now());
      memory = next.memory;
      if (buckets.length > 0) apply(next.desired);
      clock.after(TICK_MS, tick);
    };
    // The activator says at once that the first request has come; all else waits for the next tick.
    fleet.onArrival = () => {
      if (fleet.count === 0) apply(1);
    };
    clock.after(BUCKET_MS, gather);
    clock.after(TICK_MS, tick);
    return () => desired;
  },
};

/** As many replicas as the peak needs, all the time. */
export const fixed: Candidate = {
  name: 'fixed',
  title: 'a fixed fleet for the peak',
  isOurs: false,
  queue: DEFAULT_POLICY.wakeQueue,
  follow({ fleet, max }) {
    fleet.scaleTo(max);
    return () => max;
  },
};
