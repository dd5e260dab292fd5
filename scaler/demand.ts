/**
 * Who needs a set, and for how long nobody has: requests in flight or held, sets that depend on it, leases, visitors of
 * the waiting page, people who changed its scale.
 */
import type { Clock } from '#core/clock';
import type { ScalePolicy } from '#core/set';
import type { Pool } from '#router/pool';
import type { SetLeases } from './set-leases.ts';

/** From light to deep. */
const SLEEP = ['frozen', 'sandbox', 'stopped', 'absent'] as const;
export type SleepTier = (typeof SLEEP)[number];

/** `awake`, or a tier of sleep; null: idle, but not for long enough to change anything. */
export type WantedTier = 'awake' | SleepTier | null;

/** Sleeps deeper than its idle time asks for, until somebody needs it again. */
export interface Demotion {
  readonly tier: 'sandbox' | 'stopped';
  readonly cause: string;
}

export interface DemandFacts {
  readonly min: number;
  /** Sets that depend on it and are awake, or want to be. */
  readonly dependents: number;
  /** A replica runs and still has time to become ready for the first time. */
  readonly isComingUp: boolean;
  /** The API deploys it: its replicas have pause containers, and can be made anew. */
  readonly isDeployed: boolean;
}

export interface DemandOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  /** Requests in flight to containers that run: what a dead one had is over, whether the pool knows that yet or not. */
  readonly inFlight: () => number;
  readonly leases: SetLeases;
}

export class Demand {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #inFlight: () => number;
  readonly leases: SetLeases;
  /** Monotonic ms of the last moment anybody needed it. */
  #neededAt: number;
  /** It might not sleep when it was looked at last, whatever its own traffic. */
  #wasKept = false;
  #knockUntil = Number.NEGATIVE_INFINITY;
  /** A person asked for zero replicas: sleep now, not after the idle time. */
  #sleepNow = false;
  #demotion: Demotion | null = null;
  #wanted: WantedTier = null;

  constructor(options: DemandOptions) {
    this.#pool = options.pool;
    this.#clock = options.clock;
    this.#inFlight = options.inFlight;
    this.leases = options.leases;
    this.#neededAt = options.clock.now();
  }

  /** Somebody waits for a replica to become ready. */
  get isAsked(): boolean {
    return this.#pool.held > 0 || this.#knockUntil > this.#clock.now();
  }

  /** The tier that it was to have when it was looked at last. */
  get wanted(): WantedTier {
    return this.#wanted;
  }

  get idleMs(): number {
    return this.#clock.now() - this.#idleSince;
  }

  /** Why it sleeps as deep as it does, in words. */
  get cause(): string {
    if (this.#sleepNow) return 'scaled to zero';
    return this.#demotion?.cause ?? `idle for ${Math.round(this.idleMs / 1000)} s`;
  }

  /** Something needs it at this moment. */
  touch(): void {
    this.#neededAt = this.#clock.now();
    this.#sleepNow = false;
    this.#demotion = null;
  }

  /** What it keeps while it sleeps is needed for others: it sleeps deeper, until somebody needs it. */
  demote(demotion: Demotion): void {
    this.#demotion = demotion;
  }

  /** Somebody will come back for it within that time. */
  knock(forMs: number): void {
    this.touch();
    this.#knockUntil = this.#clock.now() + forMs;
  }

  /** Nobody comes back: the wake that was knocked for has failed. */
  endKnock(): void {
    this.#knockUntil = Number.NEGATIVE_INFINITY;
  }

  /**
   * Keeps it awake until then (monotonic ms). Returns whether anything is to be done about it now: one that goes on is looked at
   * when it would have ended.
   * @param replica said so itself; null: it was asked for from outside
   */
  lease(until: number, replica: string | null): boolean {
    // What the last answers of a replica say does not go against a person who wants it asleep.
    if (replica !== null && this.#sleepNow) return false;
    if (replica === null) this.touch();
    return this.leases.take(until, replica) || replica === null;
  }

  /** A person wants it asleep, whatever was asked before. */
  sleep(): void {
    this.#sleepNow = true;
    this.leases.end();
    this.#knockUntil = Number.NEGATIVE_INFINITY;
  }

  /** It is as far down as a person wanted it: from now on the idle time counts again. */
  slept(): void {
    this.#sleepNow = false;
  }

  /** Where the set should be now. */
  tier(scale: ScalePolicy, facts: DemandFacts): WantedTier {
    this.#wanted = this.#tier(scale, facts);
    return this.#wanted;
  }

  /**
   * Monotonic ms of the next moment at which time alone changes the tier; infinite: none.
   * @param lookedAt from before the tier was asked for: what fell due since then may not have been seen yet
   */
  nextChange(scale: ScalePolicy, lookedAt: number): number {
    const ends = [this.leases.until, this.#knockUntil];
    for (const [, afterMs] of timesOf(scale, true)) ends.push(this.#idleSince + afterMs);
    return Math.min(...ends.filter((one) => one > lookedAt));
  }

  #tier(scale: ScalePolicy, facts: DemandFacts): WantedTier {
    const isKept = facts.min > 0 || facts.dependents > 0;
    if (isKept || this.#wasKept || facts.isComingUp) this.#neededAt = this.#clock.now();
    if (isKept || this.#isNeeded) this.#demotion = null;
    this.#wasKept = isKept;
    if (facts.min > 0) return 'awake';
    if (this.#sleepNow && this.#pool.held === 0 && facts.dependents === 0) return 'stopped';
    if (isKept) return 'awake';
    if (this.#isNeeded) {
      this.#neededAt = this.#clock.now();
      return 'awake';
    }
    const { idleMs } = this;
    const due = timesOf(scale, facts.isDeployed).filter(([, afterMs]) => idleMs >= afterMs);
    const tier = due.at(-1)?.[0] ?? null;
    return tier === null || this.#demotion === null ? tier : deeper(tier, this.#demotion.tier);
  }

  get #isNeeded(): boolean {
    return this.#inFlight() > 0 || this.isAsked || this.leases.until > this.#clock.now();
  }

  get #idleSince(): number {
    const used = this.#inFlight() > 0 ? this.#clock.now() : this.#pool.lastUsedAt;
    return Math.max(this.#neededAt, used, this.leases.until, this.#knockUntil);
  }
}

/** The tiers that a set goes down through, from light to deep, each with the idle time that it comes after. */
function timesOf(scale: ScalePolicy, isDeployed: boolean): readonly (readonly [SleepTier, number])[] {
  const { pauseMs, stopMs } = scale;
  // Without a pause container there is no network to keep, and what a person made is not ours to remove.
  const sandboxMs = isDeployed ? scale.sandboxMs : null;
  const removeMs = isDeployed ? scale.removeMs : null;
  const afterMs = { frozen: pauseMs, sandbox: sandboxMs, stopped: stopMs, absent: removeMs };
  return SLEEP.flatMap((tier) => (afterMs[tier] === null ? [] : [[tier, afterMs[tier]] as const]));
}

function deeper(one: SleepTier, other: SleepTier): SleepTier {
  return SLEEP.indexOf(one) >= SLEEP.indexOf(other) ? one : other;
}
