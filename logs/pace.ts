/** How fast output is taken over: a bucket of bytes that fills by itself, and says how long to wait once it is empty. */
import type { Clock } from '#core/clock';

export interface PaceOptions {
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
  readonly clock: Clock;
}

export class Pace {
  readonly #options: PaceOptions;
  #left: number;
  #at: number;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#left = options.burstBytes;
    this.#at = options.clock.now();
  }

  /** Less than half of the burst is left: somebody takes much. */
  get isBusy(): boolean {
    return this.#left < this.#options.burstBytes / 2;
  }

  /** @returns ms to wait before more is taken; 0: none */
  take(bytes: number): number {
    const { bytesPerSecond, burstBytes, clock } = this.#options;
    const now = clock.now();
    this.#left = Math.min(burstBytes, this.#left + ((now - this.#at) / 1000) * bytesPerSecond) - bytes;
    this.#at = now;
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left / bytesPerSecond) * 1000);
  }
}
