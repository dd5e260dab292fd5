/**
 * How many replicas a set should have, from what was asked of it: a pure function of averages, policy, what it decided
 * before, and the time.
 *
 * It goes by two windows, as Knative's autoscaler does. The stable one follows the load at ease. The panic one is short:
 * when it asks for twice what there is, or when requests wait for room on a set that is up, the set grows by it at once,
 * and does not shrink before that has been over for a whole stable window. The mean of a stable window that climbs is that of
 * half a window ago: what climbs all the while counts as it will be when a start is over. A lower number counts only after it has been
 * enough for the whole cool-down, and if the highest load of the window would have had room in it: the set shrinks late, in steps, and never to and fro.
 */

export const METRICS = ['concurrency', 'rps', 'cpu', 'memory'] as const;
export type Metric = (typeof METRICS)[number];

export interface DeciderPolicy {
  readonly min: number;
  readonly max: number;
  /** Requests at a time that a replica should have. */
  readonly concurrency: number;
  /** Requests at a time that a replica can have: a hard limit, or what the aim leaves room for. */
  readonly limit: number;
  /** Requests a second that a replica should serve; null: of no account. */
  readonly rps: number | null;
  /** Percent of its limit that a replica should use; null: of no account. */
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly windowMs: number;
  readonly cooldownMs: number;
  /** Load that asks for more than there is by less than this part changes nothing: it is chance. */
  readonly tolerance: number;
  /** How many times what there is the short window has to ask for. */
  readonly panicRatio: number;
  /** One step grows to so many times the ready replicas at most. */
  readonly growthRatio: number;
  /** One step shrinks to this part of them at least. */
  readonly shrinkRatio: number;
}

export const PANIC_RATIO = 2;
export const GROWTH_RATIO = 1000;
export const SHRINK_RATIO = 0.5;
export const TOLERANCE = 0.1;

/** Replicas are not given up while the highest load of the window fills those that are left by more than this part. */
const FULL_PART = 0.9;
/** What waits for room by chance is no reason to grow: there has to be so many times what has room. */
const OVERFULL_PART = 1.2;
/** Within this part of its aim a use of processor or memory changes nothing: it is never exact. */
const USE_TOLERANCE = 0.1;

/** A mean over the stable window, and one over the panic window. */
export interface Means {
  readonly stable: number;
  readonly panic: number;
}

export interface DeciderStats {
  /** Replicas that take requests now. */
  readonly ready: number;
  readonly concurrency: Means;
  readonly rps: Means;
  /** Requests at a time that there will be when a start is over, if they go on climbing as they did for a whole window; 0: they do not. */
  readonly climb: number;
  /** The highest mean of a few seconds within the stable window, requests at a time. */
  readonly peak: number;
  /** Mean percent over the ready replicas; null: not known. */
  readonly cpu: number | null;
  readonly memory: number | null;
  /** Requests wait for room on replicas that are up: the panic window counts whatever its ratio. */
  readonly isSaturated: boolean;
  /** Replicas that a backlog of a set at zero asks for; 0: there is none. */
  readonly backlog: number;
  /** Replicas that load asks for which is foreseen; 0: none is. */
  readonly foreseen: number;
}

/** What was decided before. */
export interface DeciderMemory {
  /** Monotonic ms at which panic was last justified; null: there is none. */
  readonly panicAt: number | null;
  /** The most that was asked for in this panic. */
  readonly panicPeak: number;
  /** What was asked for within the cool-down, each greater than all that follow it. */
  readonly peaks: readonly { readonly at: number; readonly replicas: number }[];
}

export interface Decision {
  readonly desired: number;
  readonly memory: DeciderMemory;
  /** The metric that asked for most. */
  readonly metric: Metric;
  readonly isPanicking: boolean;
}

export const NO_MEMORY: DeciderMemory = { panicAt: null, panicPeak: 0, peaks: [] };

/** Of a set that already has replicas while nothing is known of its load: it keeps them for one window. */
export function memoryOf(replicas: number, now: number): DeciderMemory {
  if (replicas <= 1) return NO_MEMORY;
  return { panicAt: now, panicPeak: replicas, peaks: [] };
}

export function decide(stats: DeciderStats, policy: DeciderPolicy, memory: DeciderMemory, now: number): Decision {
  const ready = Math.max(1, stats.ready);
  const ceiling = Math.ceil(policy.growthRatio * ready);
  const filled = Math.min(stats.ready, Math.ceil(stats.peak / (policy.limit * FULL_PART)));
  const floor = Math.max(Math.floor(policy.shrinkRatio * ready), filled);
  const asked = askedBy(stats, policy);
  const stable = clamp(asked.stable, floor, ceiling);
  const burst = clamp(asked.panic, floor, ceiling);
  const isOver =
    asked.panic / ready >= policy.panicRatio ||
    (stats.isSaturated && stats.concurrency.panic > ready * policy.limit * OVERFULL_PART);
  const panic = panicOf({ isOver, wanted: Math.max(stable, burst) }, policy, memory, now);
  const wanted = Math.max(panic.panicAt === null ? stable : panic.panicPeak, stats.backlog, stats.foreseen);
  const peaks = [
    ...memory.peaks.filter((one) => one.at > now - policy.cooldownMs && one.replicas > wanted),
    { at: now, replicas: wanted },
  ];
  const highest = peaks.reduce((most, one) => Math.max(most, one.replicas), wanted);
  return {
    desired: clamp(highest, policy.min, policy.max),
    memory: { ...panic, peaks },
    metric: asked.metric,
    isPanicking: panic.panicAt !== null,
  };
}

interface Asked extends Means {
  readonly metric: Metric;
}

/** What the metric that asks for most asks for. */
function askedBy(stats: DeciderStats, policy: DeciderPolicy): Asked {
  const room = stats.ready * (1 + policy.tolerance);
  const replicas = (load: number, aim: number): number =>
    load / aim > stats.ready && load / aim <= room ? stats.ready : Math.ceil(load / aim);
  const byLoad = (metric: 'concurrency' | 'rps', aim: number): Asked => {
    const { stable, panic } = stats[metric];
    return { metric, stable: replicas(stable, aim), panic: replicas(panic, aim) };
  };
  const wishes: Asked[] = [byLoad('concurrency', policy.concurrency)];
  // The mean of a window that climbs is that of half a window ago.
  const climb = replicas(stats.climb, policy.concurrency);
  if (climb > 0) wishes.push({ metric: 'concurrency', stable: climb, panic: 0 });
  if (policy.rps !== null) wishes.push(byLoad('rps', policy.rps));
  for (const metric of ['cpu', 'memory'] as const) {
    const aim = policy[metric];
    const use = stats[metric];
    if (aim !== null && use !== null) wishes.push(byUse(metric, { use, aim, ready: stats.ready }));
  }
  const greatest = (of: 'stable' | 'panic'): Asked => wishes.reduce((a, b) => (b[of] > a[of] ? b : a));
  const [stable, panic] = [greatest('stable'), greatest('panic')];
  const { metric } = panic.panic > stable.stable ? panic : stable;
  return { metric, stable: stable.stable, panic: panic.panic };
}

/** Use is shared by the replicas that there are: so many more of them as it is over its aim. */
function byUse(metric: Metric, facts: { readonly use: number; readonly aim: number; readonly ready: number }): Asked {
  const ratio = facts.use / facts.aim;
  const isNear = Math.abs(ratio - 1) <= USE_TOLERANCE;
  const replicas = isNear ? facts.ready : Math.ceil(facts.ready * ratio);
  // It lags behind the load: nothing to panic about.
  return { metric, stable: replicas, panic: 0 };
}

function panicOf(
  turn: { readonly isOver: boolean; readonly wanted: number },
  policy: DeciderPolicy,
  { panicAt, panicPeak }: DeciderMemory,
  now: number,
): { readonly panicAt: number | null; readonly panicPeak: number } {
  if (turn.isOver) return { panicAt: now, panicPeak: Math.max(panicPeak, turn.wanted) };
  if (panicAt === null || panicAt + policy.windowMs < now) return { panicAt: null, panicPeak: 0 };
  return { panicAt, panicPeak: Math.max(panicPeak, turn.wanted) };
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
