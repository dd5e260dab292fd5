/** A picture that looks old is put off, and believed after all when no newer one came for a while. */
import type { Clock, Timer } from '#core/clock';

const BELIEVE_MS = 1000;

export class Doubt {
  readonly #clock: Clock;
  readonly #believe: () => void;
  #timer: Timer | null = null;

  /** @param believe called when a doubt has lasted long enough */
  constructor(clock: Clock, believe: () => void) {
    this.#clock = clock;
    this.#believe = believe;
  }

  raise(): void {
    this.#timer ??= this.#clock.after(BELIEVE_MS, () => {
      this.#timer = null;
      this.#believe();
    });
  }

  close(): void {
    this.#timer?.cancel();
  }
}
