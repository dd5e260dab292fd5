/**
 * The wake of a set: one at a time, however many ask. It begins when somebody asks while nothing is ready, and ends when
 * something is, when nobody asks any more, or when it has failed; then the next one is kept waiting, longer every time.
 */
import type { Clock } from '#core/clock';
import type { EventType } from '#core/event';
import type { ReplicaKeeper } from './replica-keeper.ts';
import { WakeTrace } from './wake-trace.ts';

/** Failures in a row of every replica that is wanted, after which a wake is given up. */
const HOPELESS_FAILURES = 3;
const BACKOFF_FIRST_MS = 5000;
const BACKOFF_LONGEST_MS = 60_000;

export interface WakeOptions {
  readonly clock: Clock;
  /** A correlation id. */
  readonly newId: (prefix: string) => string;
  readonly report: (type: EventType, cause: string, data?: Record<string, unknown>) => void;
}

export interface WakeFacts {
  /** Those that are to serve whoever asks. */
  readonly replicas: readonly ReplicaKeeper[];
  /** Failures in a row to make what is missing; null: nothing is. */
  readonly makeFailures: number | null;
  /** Replicas are being made. */
  readonly isMaking: boolean;
  /** Something takes requests, or serves the sets that depend on this one. */
  readonly isServing: boolean;
  /** Requests are held, or somebody will come back. */
  readonly isAsked: boolean;
  /** A set that depends on it is awake or wants to be. */
  readonly hasDependents: boolean;
  /** There is something to wait for. Asked only when it matters. */
  readonly isWorthwhile: () => boolean;
}

/** What came of looking: `begun` and `failed` change what is to be done. */
export type WakeChange = 'begun' | 'failed' | null;

export class Wake {
  /** Of the wake under way, or the last one. */
  readonly trace: WakeTrace;
  readonly #options: WakeOptions;
  #current: { readonly id: string; readonly since: number } | null = null;
  #failures = 0;
  #failedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: WakeOptions) {
    this.#options = options;
    this.trace = new WakeTrace(options.clock);
  }

  /** Of the wake under way; null: there is none. */
  get id(): string | null {
    return this.#current?.id ?? null;
  }

  get isUnderWay(): boolean {
    return this.#current !== null;
  }

  /** Ms until it may be tried again after a failure; 0: now. */
  get failedForMs(): number {
    return Math.max(0, this.#failedUntil - this.#options.clock.now());
  }

  /** Looks at the set, and begins, ends or gives up. */
  follow(facts: WakeFacts): WakeChange {
    if (this.#current !== null) this.trace.follow(facts);
    if (facts.isServing) this.#succeeded();
    else if (!facts.isAsked && !facts.hasDependents) this.#current = null;
    else if (this.#current !== null) return this.#giveUpIfWorn(facts);
    else if (this.#maySleep(facts) && facts.isWorthwhile()) return this.#begin(facts);
    return null;
  }

  /** The next one may begin at once. */
  forgive(): void {
    this.#failures = 0;
    this.#failedUntil = Number.NEGATIVE_INFINITY;
  }

  /** What is on its way up by itself needs no wake for the sake of others. */
  #maySleep(facts: WakeFacts): boolean {
    return facts.isAsked || facts.replicas.every((one) => one.isAsleep);
  }

  #begin(facts: WakeFacts): WakeChange {
    const { clock, newId, report } = this.#options;
    // What was given up before is tried again.
    for (const replica of facts.replicas) if (replica.failures >= HOPELESS_FAILURES) replica.forgive();
    this.#current = { id: newId('wak'), since: clock.now() };
    const cause = facts.isAsked
      ? 'a request came while no replica was ready'
      : 'a set that depends on it was asked for';
    this.trace.begin(facts);
    this.trace.follow(facts);
    report('set.waking', cause);
    return 'begun';
  }

  #giveUpIfWorn({ replicas, makeFailures }: WakeFacts): WakeChange {
    const wanted = replicas.filter((one) => one.wish === 'awake' && !one.servesDependents);
    if (wanted.length === 0 && makeFailures === null) return null;
    const failures = [...wanted.map((one) => one.failures), ...(makeFailures === null ? [] : [makeFailures])];
    if (failures.some((one) => one < HOPELESS_FAILURES)) return null;
    const waitMs = Math.min(BACKOFF_LONGEST_MS, BACKOFF_FIRST_MS * 2 ** this.#failures);
    this.#failures++;
    this.#failedUntil = this.#options.clock.now() + waitMs;
    this.#options.report('set.wake_failed', 'every replica failed to start', { retry_in_ms: waitMs });
    this.#current = null;
    return 'failed';
  }

  #succeeded(): void {
    if (this.#current !== null) {
      const ms = this.#options.clock.now() - this.#current.since;
      const { tier, decideMs, engineMs, probeMs } = this.trace.phases(this.#current.since);
      const data = {
        ...{ wake_ms: tenths(ms), tier },
        ...{ decide_ms: tenths(decideMs), engine_ms: tenths(engineMs), probe_ms: tenths(probeMs) },
      };
      this.#options.report('set.awake', `ready after ${Math.round(ms)} ms`, data);
    }
    this.#current = null;
    this.forgive();
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
