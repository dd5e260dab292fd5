/**
 * What the gateway counts per revision of a set, so that a new one can be compared with the one it is to follow: what its
 * replicas were asked, how often they failed, how long they took. Every try counts for the revision it went to; a failure
 * that was made good elsewhere is one all the same. Sets whose replicas have no revision are not counted here.
 */
import { FINE_LATENCY_BOUNDS_S } from '#core/latency';
import type { SetKey } from '#core/set';
import type { Upstream } from '#router/upstream';

/** Of each set so many revisions are remembered: those that were asked last. */
const REVISIONS_MAX = 8;

const BOUNDS_MS = Float64Array.from(FINE_LATENCY_BOUNDS_S, (bound) => bound * 1000);

/** Counters of one revision since the start. */
export interface RevisionCounts {
  readonly key: SetKey;
  readonly revision: string;
  /** Tries that came to an end: answered, or failed. */
  readonly requests: number;
  /** Those of them that were answered with 5xx, not at all, or not to the end. */
  readonly errors: number;
  /** Answered tries by time from the choice of the replica to the head of its answer; bounds: FINE_LATENCY_BOUNDS_S. */
  readonly latency: readonly number[];
  readonly latencySumS: number;
}

class Counters {
  readonly latency = new Float64Array(FINE_LATENCY_BOUNDS_S.length + 1);
  requests = 0;
  errors = 0;
  latencySumMs = 0;
}

/** Counters of the revisions of one set. Written by the request path. */
export class RevisionMetrics {
  readonly #byRevision = new Map<string, Counters>();
  /** The revision that was counted last, and its counters: mostly the next one's as well. */
  #revision: string | null = null;
  #counters: Counters | null = null;

  /**
   * Counts an answer.
   * @param ms from the choice of the replica to the head of its answer
   */
  answered({ revision }: Upstream, failed: boolean, ms: number): void {
    if (revision === null) return;
    const counters = this.#of(revision);
    counters.requests++;
    if (failed) counters.errors++;
    const bucket = bucketOf(ms);
    counters.latency[bucket] = (counters.latency[bucket] ?? 0) + 1;
    counters.latencySumMs += ms;
  }

  /** Counts a try without an answer. */
  failed({ revision }: Upstream): void {
    if (revision === null) return;
    const counters = this.#of(revision);
    counters.requests++;
    counters.errors++;
  }

  /** An answer that was counted as good broke off. */
  broke({ revision }: Upstream): void {
    if (revision !== null) this.#of(revision).errors++;
  }

  *collect(key: SetKey): Generator<RevisionCounts> {
    for (const [revision, { requests, errors, latency, latencySumMs }] of this.#byRevision) {
      yield { key, revision, requests, errors, latency: [...latency], latencySumS: latencySumMs / 1000 };
    }
  }

  #of(revision: string): Counters {
    if (revision === this.#revision && this.#counters !== null) return this.#counters;
    const counters = this.#byRevision.get(revision) ?? new Counters();
    // The last one asked goes last, so the first one is the one to forget.
    this.#byRevision.delete(revision);
    this.#byRevision.set(revision, counters);
    for (const oldest of this.#byRevision.keys()) {
      if (this.#byRevision.size <= REVISIONS_MAX) break;
      this.#byRevision.delete(oldest);
    }
    this.#revision = revision;
    this.#counters = counters;
    return counters;
  }
}

/** The first bucket whose bound is not below: found by halving, as there are many. */
function bucketOf(ms: number): number {
  let low = 0;
  let high = BOUNDS_MS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ms > (BOUNDS_MS[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}
