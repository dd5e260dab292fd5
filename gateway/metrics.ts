/**
 * What the gateway counts, per set. Counting costs a few additions on plain numbers; nothing is formatted before somebody
 * collects.
 */
import { LATENCY_BOUNDS_S } from '#core/latency';
import type { SetKey } from '#core/set';
import type { WakeTier } from '#router/admission';
import type { GatewayErrorCode } from './error-answer.ts';

/** 1xx (that is 101) to 5xx. */
const STATUS_CLASSES = 5;

const BOUNDS_MS = Float64Array.from(LATENCY_BOUNDS_S, (bound) => bound * 1000);

/** By latency as in {@link SetCounts}. */
export interface FirstByteCounts {
  readonly latency: readonly number[];
  readonly latencySumS: number;
}

export interface SetCounts {
  /** Null: requests that belong to no set. */
  readonly key: SetKey | null;
  /** Answered requests by the first digit of their status: `requests[0]` are 1xx. */
  readonly requests: readonly number[];
  /** Requests whose client was gone before they could be answered. */
  readonly aborted: number;
  /** Answers that ended before they were complete. */
  readonly cut: number;
  readonly inFlight: number;
  /** Requests by latency, head received to answer ended, one more than there are bounds; not cumulative. */
  readonly latency: readonly number[];
  readonly latencySumS: number;
  readonly retries: number;
  /** Times a replica was left out for its answers. */
  readonly ejections: number;
  /** Requests held for a wake or for room. */
  readonly held: number;
  readonly upgrades: number;
  /** Of requests that waited for a wake, by the tier in which the set slept: from then to the head of the answer. */
  readonly firstBytes: Readonly<Partial<Record<WakeTier, FirstByteCounts>>>;
  /** Body bytes from and to clients. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Answers the gateway made by itself, by code. */
  readonly errors: Readonly<Partial<Record<GatewayErrorCode, number>>>;
}

/** Counters of one set, or of what belongs to none. Written by the request path. */
export class SetMetrics {
  readonly #requests = new Float64Array(STATUS_CLASSES);
  readonly #latency = new Float64Array(LATENCY_BOUNDS_S.length + 1);
  readonly #errors = new Map<GatewayErrorCode, number>();
  readonly #firstBytes = new Map<WakeTier, { readonly latency: Float64Array; sumMs: number }>();
  #latencySumMs = 0;
  inFlight = 0;
  aborted = 0;
  cut = 0;
  retries = 0;
  ejections = 0;
  held = 0;
  upgrades = 0;
  bytesIn = 0;
  bytesOut = 0;

  answered(status: number, ms: number): void {
    const statusClass = Math.min(Math.max(Math.floor(status / 100), 1), STATUS_CLASSES) - 1;
    this.#requests[statusClass] = (this.#requests[statusClass] ?? 0) + 1;
    countIn(this.#latency, ms);
    this.#latencySumMs += ms;
  }

  /** The answer has begun to a request that waited for a wake from this tier. */
  firstByte(tier: WakeTier, ms: number): void {
    const counts = this.#firstBytes.get(tier) ?? { latency: new Float64Array(LATENCY_BOUNDS_S.length + 1), sumMs: 0 };
    this.#firstBytes.set(tier, counts);
    countIn(counts.latency, ms);
    counts.sumMs += ms;
  }

  failed(code: GatewayErrorCode): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  collect(key: SetKey | null): SetCounts {
    return {
      key,
      requests: [...this.#requests],
      aborted: this.aborted,
      cut: this.cut,
      inFlight: this.inFlight,
      latency: [...this.#latency],
      latencySumS: this.#latencySumMs / 1000,
      retries: this.retries,
      ejections: this.ejections,
      held: this.held,
      upgrades: this.upgrades,
      firstBytes: this.#collectFirstBytes(),
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      errors: Object.fromEntries(this.#errors),
    };
  }
  #collectFirstBytes(): SetCounts['firstBytes'] {
    const counts: Partial<Record<WakeTier, FirstByteCounts>> = {};
    for (const [tier, { latency, sumMs }] of this.#firstBytes)
      counts[tier] = { latency: [...latency], latencySumS: sumMs / 1000 };
    return counts;
  }
}

function countIn(latency: Float64Array, ms: number): void {
  let bucket = 0;
  while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] ?? 0)) bucket++;
  latency[bucket] = (latency[bucket] ?? 0) + 1;
}
