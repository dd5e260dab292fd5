/** Waits that grow with every failure in a row, and the count of them. */
import type { Clock } from '#core/clock';

const FIRST_MS = 250;
const LONGEST_MS = 60_000;

export class Backoff {
  readonly #clock: Clock;
  #failures = 0;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Ms until the next try may be made; 0: now. */
  get waitMs(): number {
    return Math.max(0, this.#notBefore - this.#clock.now());
  }

  /** Counts a failure. Returns the ms to wait. */
  fail(): number {
    const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures++;
    this.postpone(waitMs);
    return waitMs;
  }

  /** Waits without counting: it was not the fault of what is tried. */
  postpone(waitMs: number): void {
    this.#notBefore = this.#clock.now() + waitMs;
  }

  reset(): void {
    this.#failures = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }
}
