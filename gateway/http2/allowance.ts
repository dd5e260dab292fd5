/**
 * How much of something that costs us and gains nobody a client may do: so much at once, so much a second, and a little
 * more for all real work. Who goes beyond has to leave (ENHANCE_YOUR_CALM).
 */

export interface AllowanceSize {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * Requests taken back before their answer, and streams that break the rules (CVE-2023-44487, CVE-2025-8671). A browser
 * that leaves a page of many pictures takes back some dozens.
 */
export const RESETS: AllowanceSize = { burst: 256, perSecond: 32 };
/** Frames that carry no message: PING, SETTINGS, PRIORITY, empty DATA, small windows, frames of closed streams. */
export const CONTROLS: AllowanceSize = { burst: 1024, perSecond: 128 };

const SECOND_MS = 1000;

export class Allowance {
  readonly #size: AllowanceSize;
  readonly #now: () => number;
  #left: number;
  #countedAt: number;

  /** @param now monotonic ms */
  constructor(size: AllowanceSize, now: () => number) {
    this.#size = size;
    this.#now = now;
    this.#left = size.burst;
    this.#countedAt = now();
  }

  /** False: nothing is left. */
  spend(): boolean {
    if (this.#left < 1) this.#refill();
    this.#left--;
    return this.#left >= 0;
  }

  /** For work that was done. */
  earn(count: number): void {
    this.#left = Math.min(this.#size.burst, this.#left + count);
  }

  #refill(): void {
    const now = this.#now();
    const earned = ((now - this.#countedAt) / SECOND_MS) * this.#size.perSecond;
    this.#countedAt = now;
    this.#left = Math.min(this.#size.burst, this.#left + earned);
  }
}
