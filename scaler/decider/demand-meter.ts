/**
 * Measures what a set needs from the counts of its pool. Three things are kept out of it that a plain count would take for
 * load, and that make others overshoot:
 *
 * - The backlog of a cold start. What is held when a set wakes is counted once, for a moment after the first of it came,
 *   and says how many replicas are started; while it is worked off it is no demand.
 * - The queue before replicas that are full. It grows for as long as there are too few of them, whatever the load is. Where
 *   the time that a request takes is known, arrivals times that time is the demand, and enough more to work the queue off
 *   within a second.
 *
 * And what our own starts do to it: they take the processor from the replicas that serve, so that requests take longer and more
 * of them are there at a time. While starts slow it, a request counts as long as it took before them. What is there counts
 * for a part at least, for it may be that the service got slower by itself.
 */
import { LoadWindow } from './load-window.ts';
import { ServiceTime } from './service-time.ts';

/** For that long after the first request to a set at zero more of them are counted as its backlog. */
const GATHER_MS = 500;
/** A queue should be gone after that time. */
const WORK_OFF_MS = 1000;
/** Arrivals are counted over that time when requests queue. */
const QUEUE_SPAN_MS = 1000;
/** Of a hard limit of requests at a time a replica is to have that part: the rest is for what comes at once. */
export const LIMIT_PART = 0.7;
/** While starts slow a service that part of what is there counts at least. */
const SLOWED_PART = 0.5;

/** Counts of a pool at one moment; the totals since the start. */
export interface PoolCounts {
  readonly inFlight: number;
  readonly held: number;
  readonly claims: number;
  readonly readyCount: number;
}

interface Backlog {
  readonly since: number;
  count: number;
  /** Of it still waiting or in flight. */
  left: number;
  /** Monotonic ms since when something took requests; null: nothing does yet. */
  readySince: number | null;
}

export class DemandMeter {
  readonly window: LoadWindow;
  #counts: PoolCounts | null = null;
  #backlog: Backlog | null = null;
  readonly #service = new ServiceTime();
  #isSaturated = false;
  /** Starts of replicas may be the reason that requests take longer. */
  #isSlowed = false;
  /** Monotonic ms since when a queue is there that gathered while starts slowed the set; null: there is none. */
  #slowedQueueSince: number | null = null;

  /** @param windowMs the longest span that is asked for */
  constructor(windowMs: number) {
    this.window = new LoadWindow(windowMs);
  }

  /** Requests of a cold start that are still there and were counted as its backlog. */
  get backlog(): number {
    return this.#backlog === null ? 0 : this.#backlog.count;
  }

  /** Requests wait for room on replicas that are up. */
  get isSaturated(): boolean {
    return this.#isSaturated;
  }

  /** Mean time of a request at a replica, in ms; null: not known yet. */
  get serviceMs(): number | null {
    return this.#service.ms;
  }

  /**
   * Takes the counts of this moment (monotonic ms).
   * @param isSlowed starts of replicas may be the reason that requests take longer
   */
  sample(now: number, { inFlight, held, claims, readyCount }: PoolCounts, isSlowed = false): void {
    this.#isSlowed = isSlowed;
    const counts = { inFlight, held, claims, readyCount };
    const before = this.#counts ?? counts;
    this.#counts = counts;
    const finished = Math.max(0, counts.claims - before.claims - (counts.inFlight - before.inFlight));
    const arrived = Math.max(0, counts.claims - before.claims + (counts.held - before.held));
    this.#followBacklog(now, counts, finished);
    const queued = Math.max(0, counts.held - this.#leftHeld(counts));
    this.#isSaturated = queued > 0 && counts.readyCount > 0;
    const demand = this.#demand(now, counts, queued);
    this.window.record(now, { demand, inFlight: counts.inFlight, arrived, finished });
    if (isSlowed) this.#service.pause();
    else this.#service.record(now, counts.inFlight, finished);
  }

  /** The set sleeps: what was before says nothing about what comes. How long a request takes is kept. */
  reset(): void {
    this.window.clear();
    this.#counts = null;
    this.#backlog = null;
    this.#isSaturated = false;
    this.#slowedQueueSince = null;
    this.#service.pause();
  }

  #followBacklog(now: number, counts: PoolCounts, finished: number): void {
    if (this.#backlog === null) {
      if (counts.readyCount > 0 || counts.held === 0) return;
      this.#backlog = { since: now, count: counts.held, left: counts.held, readySince: null };
    }
    const backlog = this.#backlog;
    if (backlog.readySince === null && now - backlog.since <= GATHER_MS) {
      backlog.count = Math.max(backlog.count, counts.held);
      backlog.left = backlog.count;
    }
    if (counts.readyCount > 0) backlog.readySince ??= now;
    // What ends first came first.
    backlog.left = Math.min(backlog.left - finished, counts.held + counts.inFlight);
    if (backlog.left <= 0) this.#backlog = null;
  }

  /** How many of those held belong to the backlog. */
  #leftHeld({ inFlight }: PoolCounts): number {
    return this.#backlog === null ? 0 : Math.max(0, this.#backlog.left - inFlight);
  }

  #demand(now: number, counts: PoolCounts, queued: number): number {
    const there = Math.max(0, counts.inFlight + counts.held - (this.#backlog?.left ?? 0));
    const isSlowed = this.#isSlowed;
    this.#followQueue(now, queued);
    if (queued === 0 && !isSlowed) return Math.min(there, counts.inFlight);
    const serviceMs = this.#service.ms ?? this.#leastServiceMs(now, counts);
    if (serviceMs === null) return there;
    const span = Math.min(QUEUE_SPAN_MS, this.window.spanOf(QUEUE_SPAN_MS));
    const arriving = (this.window.arrivalsPerSecond(span) / 1000) * serviceMs;
    const since = this.#slowedQueueSince;
    const queueing = (queued * serviceMs) / Math.max(WORK_OFF_MS, now - (since ?? now));
    const needed = isSlowed ? Math.max(arriving, LIMIT_PART * (arriving + queueing)) : arriving + queueing;
    return Math.min(there, isSlowed ? Math.max(needed, counts.inFlight * SLOWED_PART) : needed);
  }

  /** Remembers since when there is a queue that gathers while starts are under way. */
  #followQueue(now: number, queued: number): void {
    if (queued === 0) this.#slowedQueueSince = null;
    else if (this.#isSlowed) this.#slowedQueueSince ??= now;
  }

  /** While the first requests of a cold start run, one takes as long as they have run at least; null: no cold start. */
  #leastServiceMs(now: number, counts: PoolCounts): number | null {
    if (this.#backlog === null) return null;
    if (counts.readyCount === 0 || this.#backlog.readySince === null) return 0;
    return now - this.#backlog.readySince;
  }
}
