/**
 * The clock of the hot path: one reading serves a whole turn of the event loop. What happens within a turn happens at one
 * time, and nothing that is measured or waited for here is so short that this could be told.
 */
import type { Clock, Timer } from '#core/clock';

const UNREAD = -1;

export class TurnClock implements Clock {
  readonly #clock: Clock;
  #now = UNREAD;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wall(): number {
    return this.#clock.wall();
  }

  now(): number {
    if (this.#now !== UNREAD) return this.#now;
    this.#now = this.#clock.now();
    // After the octets of this turn have been served, and before the loop waits again.
    setImmediate(this.#forget);
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#clock.after(delayMs, run);
  }

  readonly #forget = (): void => {
    this.#now = UNREAD;
  };
}
