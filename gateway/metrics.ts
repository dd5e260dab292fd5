/**
 * What the gateway counts, per set. Counting costs a few additions on plain numbers; nothing is formatted before somebody
 * collects.
 */
import { LATENCY_BOUNDS_S } from '#core/latency';
import type { SetKey } from '#core/set';
import type { GatewayErrorCode } from './error-answer.ts';

/** 1xx (that is 101) to 5xx. */
const STATUS_CLASSES = 5;

const BOUNDS_MS = Float64Array.from(LATENCY_BOUNDS_S, (bound) => bound * 1000);

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
    let bucket = 0;
    while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] ?? 0)) bucket++;
    this.#latency[bucket] = (this.#latency[bucket] ?? 0) + 1;
    this.#latencySumMs += ms;
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
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      errors: Object.fromEntries(this.#errors),
    };
  }
}
