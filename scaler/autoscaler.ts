/**
 * The loop around the decider for one set: looks at its pool while the set is awake, keeps what it saw, and says how many
 * replicas the set should have. A set whose bounds leave no choice is not looked at.
 */
import type { Clock, Timer } from '#core/clock';
import type { ScalePolicy, SetPolicy } from '#core/set';
import type { Pool } from '#router/pool';
import {
  type DeciderMemory,
  type DeciderPolicy,
  type Decision,
  decide,
  GROWTH_RATIO,
  type Metric,
  memoryOf,
  NO_MEMORY,
  PANIC_RATIO,
  SHRINK_RATIO,
  TOLERANCE,
} from './decider/decider.ts';
import { DemandMeter, LIMIT_PART } from './decider/demand-meter.ts';
import { Forecast } from './decider/forecast.ts';
import { Bursts } from './decider/spares.ts';
import { Starts, type StartWatch } from './decider/starts.ts';

/** How often a set is looked at that has requests or replicas on their way, and one that has none. */
const BUSY_MS = 250;
const CALM_MS = 1000;
/** After a request was held, so that those that come with it are seen as well. */
const HELD_MS = 100;
/** The short window, as part of the stable one, and its shortest. */
const PANIC_PART = 0.1;
const PANIC_LEAST_MS = 2000;
/** Means of that length are compared for the highest load of the window. */
const PEAK_MS = 2000;
/** While requests queue before replicas that are up, the short window is as short as that. */
const SATURATED_MS = 500;

/** Mean use of the ready replicas, in percent of their limits; null: not known. */
export interface MeanUse {
  readonly cpu: number | null;
  readonly memory: number | null;
}

const NO_USE: MeanUse = { cpu: null, memory: null };

/** Load is foreseen as far ahead as a start takes; that far while none was seen. */
const LEAD_MS = 60_000;
/** The next start may find its image cold, or a machine that is busy. */
const LEAD_LEAST_MS = 5000;
/** What takes longer is stuck, and no reason to have replicas for nothing. */
const LEAD_MOST_MS = 600_000;

/** What is looked at of a pool. */
export type ScaledPool = Pick<Pool, 'policy' | 'inFlight' | 'held' | 'claims' | 'readyCount'>;

export interface AutoscalerOptions {
  readonly pool: ScaledPool;
  readonly clock: Clock;
  readonly use: () => MeanUse;
  /** Another number of replicas is wanted. */
  readonly onChange: (change: ScaleChange) => void;
  /** It has looked. */
  readonly onLook?: () => void;
  /** Not given: starts are told by the counts of the pool. */
  readonly starts?: StartWatch;
}

export interface ScaleChange {
  readonly from: number;
  readonly to: number;
  readonly metric: Metric;
  readonly isPanicking: boolean;
}

export interface FollowFacts {
  readonly isAwake: boolean;
  /** A person asked for a number: its load is watched, so that it is known when he takes that back, and changes nothing. */
  readonly isFixed: boolean;
  /** Replicas that are up: kept for a window when it begins to look. */
  readonly replicas: number;
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** What it goes by now, for people to see. */
export interface AutoscalerView {
  readonly desired: number;
  readonly metric: Metric;
  readonly isPanicking: boolean;
  /** Mean number of requests at a time that need capacity, and arrivals a second, over the stable window. */
  readonly concurrency: number;
  readonly rps: number;
  /** Mean time of a request at a replica, in ms; null: not known yet. */
  readonly serviceMs: number | null;
}

export class Autoscaler {
  readonly #options: AutoscalerOptions;
  /** Outlives sleep. */
  #forecast: Forecast | null = null;
  readonly #starts: StartWatch;
  readonly #bursts = new Bursts();
  #meter: DemandMeter;
  #windowMs: number;
  #bounds: Bounds = { min: 1, max: 1 };
  #memory: DeciderMemory = NO_MEMORY;
  #decision: Decision | null = null;
  #timer: Timer | null = null;
  /** Monotonic ms of the next look. */
  #nextAt = 0;
  #claims = 0;
  #isFixed = false;

  constructor(options: AutoscalerOptions) {
    this.#options = options;
    this.#windowMs = options.pool.policy.scale.windowMs;
    this.#meter = new DemandMeter(this.#windowMs);
    this.#starts = options.starts ?? new Starts();
  }

  /** Replicas that are wanted while the set is awake; null: its number is fixed, or it sleeps. */
  get desired(): number | null {
    return this.#isFixed ? null : (this.#decision?.desired ?? null);
  }

  /** Replicas that the greatest burst of late wanted more; 0: there was none. */
  get burst(): number {
    return this.#bursts.greatest(this.#options.clock.now());
  }

  /** What 95 % of its last starts took at most, from the wish until ready, in ms; null: none was seen yet. */
  get startMs(): number | null {
    return this.#starts.timeMs;
  }

  get view(): AutoscalerView | null {
    if (this.#decision === null || this.#isFixed) return null;
    const { desired, metric, isPanicking } = this.#decision;
    const { window, serviceMs } = this.#meter;
    return {
      ...{ desired, metric, isPanicking, serviceMs },
      concurrency: window.demand(this.#windowMs),
      rps: window.arrivalsPerSecond(this.#windowMs),
    };
  }

  /** Says within what bounds the set may scale (null: they leave no choice), and how it is now. */
  follow(bounds: Bounds | null, facts: FollowFacts): void {
    this.#isFixed = facts.isFixed;
    if (bounds === null || !facts.isAwake || bounds.max <= bounds.min) {
      this.close();
      return;
    }
    const isOther = bounds.min !== this.#bounds.min || bounds.max !== this.#bounds.max;
    this.#bounds = bounds;
    if (this.#timer === null) {
      this.#memory = facts.isFixed ? NO_MEMORY : memoryOf(facts.replicas, this.#options.clock.now());
      this.#forecast?.rested(this.#options.clock.wall());
      this.#look();
    } else if (isOther) this.#look();
  }

  /** A request is held: it is looked at soon. */
  poke(): void {
    if (this.#timer !== null && this.#nextAt > this.#options.clock.now() + HELD_MS) this.#lookIn(HELD_MS);
  }

  /** Forgets what it saw, and looks no more until it is told to. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#decision = null;
    this.#meter.reset();
    this.#starts.rest();
  }

  #look(): void {
    const { pool, clock, onLook } = this.#options;
    const now = clock.now();
    if (pool.policy.scale.windowMs !== this.#windowMs) this.#widen(pool.policy.scale);
    this.#meter.sample(now, pool, this.#starts.slows(now));
    const before = this.#decision;
    const next = decide(this.#stats(), this.#policy(), this.#memory, now);
    this.#memory = next.memory;
    this.#decision = next;
    // While a person's number holds, nothing that the load wants is on its way.
    const desired = this.#isFixed ? pool.readyCount : next.desired;
    this.#starts.look(now, { desired, ready: pool.readyCount });
    const isStarting = pool.readyCount < desired;
    const isBusy = isStarting || pool.inFlight > 0 || pool.held > 0 || pool.claims !== this.#claims;
    this.#claims = pool.claims;
    this.#lookIn(isBusy ? BUSY_MS : CALM_MS);
    this.#tell(before, next);
    onLook?.();
  }

  #tell(before: Decision | null, next: Decision): void {
    const { pool, clock, onChange } = this.#options;
    if (before?.desired === next.desired || this.#isFixed) return;
    // The least that a schedule or a person asks for is no burst.
    const least = Math.max(before?.desired ?? next.desired, this.#bounds.min);
    if (next.desired > least) this.#bursts.raised(clock.now(), next.desired - least, this.startMs);
    const from = before?.desired ?? Math.max(this.#bounds.min, pool.readyCount);
    onChange({ from, to: next.desired, metric: next.metric, isPanicking: next.isPanicking });
  }

  /** The policy has another window: what was seen in the one before is not of its length. */
  #widen({ windowMs }: ScalePolicy): void {
    this.#windowMs = windowMs;
    this.#meter = new DemandMeter(windowMs);
    this.#memory = memoryOf(this.#decision?.desired ?? 1, this.#options.clock.now());
  }

  #policy(): DeciderPolicy {
    const policy = policyOf(this.#options.pool.policy, this.#bounds);
    // The replicas that a person asked for say nothing of what the load needs.
    return this.#isFixed ? { ...policy, shrinkRatio: 0 } : policy;
  }

  #stats(): Parameters<typeof decide>[0] {
    const { pool } = this.#options;
    const { window, isSaturated, backlog } = this.#meter;
    const panicMs = isSaturated ? SATURATED_MS : Math.max(PANIC_LEAST_MS, this.#windowMs * PANIC_PART);
    const { concurrency, scale } = pool.policy;
    return {
      ready: pool.readyCount,
      concurrency: { stable: window.demand(this.#windowMs), panic: window.demand(panicMs) },
      rps: { stable: window.arrivalsPerSecond(this.#windowMs), panic: window.arrivalsPerSecond(panicMs) },
      ...(scale.cpu === null && scale.memory === null ? NO_USE : this.#options.use()),
      climb: window.climb(this.#windowMs, { leadMs: this.#starts.timeMs ?? 0, shortMs: panicMs }) ?? 0,
      peak: window.peak(this.#windowMs, PEAK_MS),
      isSaturated,
      backlog: Math.ceil(backlog / (concurrency > 0 ? concurrency : scale.target)),
      foreseen: scale.predict ? Math.ceil(this.#foreseen(panicMs) / aimOf(pool.policy)) : 0,
    };
  }

  /** Remembers the present load, and says what is foreseen: requests at a time. */
  #foreseen(spanMs: number): number {
    const wall = this.#options.clock.wall();
    this.#forecast ??= new Forecast();
    this.#forecast.record(wall, this.#meter.window.demand(spanMs));
    const leadMs = Math.min(LEAD_MOST_MS, Math.max(LEAD_LEAST_MS, this.#starts.timeMs ?? LEAD_MS));
    return this.#forecast.expected(wall, leadMs) ?? 0;
  }

  #lookIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#nextAt = this.#options.clock.now() + delayMs;
    this.#timer = this.#options.clock.after(delayMs, () => this.#look());
  }
}

/** Requests at a time that a replica is to have. */
function aimOf({ scale, concurrency }: SetPolicy): number {
  return concurrency > 0 ? Math.min(scale.target, concurrency * LIMIT_PART) : scale.target;
}

function policyOf(policy: SetPolicy, bounds: Bounds): DeciderPolicy {
  const { scale, concurrency } = policy;
  return {
    ...bounds,
    concurrency: aimOf(policy),
    limit: concurrency > 0 ? concurrency : scale.target / LIMIT_PART,
    rps: scale.rps,
    cpu: scale.cpu,
    memory: scale.memory,
    windowMs: scale.windowMs,
    cooldownMs: scale.cooldownMs,
    panicRatio: PANIC_RATIO,
    growthRatio: GROWTH_RATIO,
    shrinkRatio: SHRINK_RATIO,
    tolerance: TOLERANCE,
  };
}

const REASONS: Readonly<Record<Metric, string>> = {
  concurrency: 'requests at a time',
  rps: 'requests a second',
  cpu: 'its use of processors',
  memory: 'its use of memory',
};

/** Why a set is scaled, in words. */
export function causeOf({ from, to, metric, isPanicking }: ScaleChange): string {
  if (to < from) return `${REASONS[metric]} need fewer replicas`;
  return `${REASONS[metric]} need more replicas${isPanicking ? ', and soon' : ''}`;
}
