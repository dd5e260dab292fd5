/**
 * How many retries a set may still have: a fifth of its recent requests and a small allowance. It keeps a failing set
 * from being buried under its own retries (after Finagle's RetryBudget).
 */

const RETRIES_PER_REQUEST = 0.2;
/** What even a set without traffic may retry. */
const ALLOWANCE = 10;
/** What was saved fades, and what was overspent comes back, by half in this time. */
const HALF_LIFE_MS = 10_000;

export class RetryBudget {
  #tokens = ALLOWANCE;
  #at = 0;

  /** Counts a request, not its retries. */
  deposit(): void {
    this.#tokens += RETRIES_PER_REQUEST;
  }

  /**
   * Takes one retry; false when there is none left.
   * @param now monotonic ms
   */
  take(now: number): boolean {
    const elapsed = now - this.#at;
    this.#tokens = ALLOWANCE + (this.#tokens - ALLOWANCE) * 0.5 ** (elapsed / HALF_LIFE_MS);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
