/**
 * How long a request takes at a replica, from counts alone (Little's law): how many are there at a time, times the time, divided
 * by how many end in it. Counts are looked at a few times a second, so it takes many of them to know: the mean is over the
 * last so many requests, and the last few seconds, whichever is longer.
 */

const KEPT_ENDS = 200;
const KEPT_MS = 5000;
/** What was before a pause weighs as many requests. */
const PAUSED_ENDS = 20;
/** Ends of requests that it takes to say anything. */
const ENDS_TO_KNOW = 10;

export class ServiceTime {
  /** Time of all requests together, ends, and the time that passed. */
  #requestMs = 0;
  #ends = 0;
  #spanMs = 0;
  #last: { readonly at: number; readonly inFlight: number } | null = null;

  /** Mean time of a request, in ms; null: not known yet. */
  get ms(): number | null {
    return this.#ends < ENDS_TO_KNOW ? null : this.#requestMs / this.#ends;
  }

  /**
   * Takes the counts of this moment (monotonic ms).
   * @param finished since the last time
   */
  record(now: number, inFlight: number, finished: number): void {
    const last = this.#last;
    this.#last = { at: now, inFlight };
    if (last === null) return;
    const passedMs = now - last.at;
    this.#requestMs += ((last.inFlight + inFlight) / 2) * passedMs;
    this.#ends += finished;
    this.#spanMs += passedMs;
    this.#keep(KEPT_ENDS, KEPT_MS);
  }

  /** What passes until the next record does not count; it soon goes by what comes after it. */
  pause(): void {
    this.#last = null;
    this.#keep(PAUSED_ENDS, 0);
  }

  /** Lets all weigh as little as the larger of the two. */
  #keep(ends: number, spanMs: number): void {
    const part = Math.min(1, Math.max(ends / Math.max(1, this.#ends), spanMs / Math.max(1, this.#spanMs)));
    this.#requestMs *= part;
    this.#ends *= part;
    this.#spanMs *= part;
  }
}
