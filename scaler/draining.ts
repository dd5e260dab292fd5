/**
 * The drain of one replica before it goes down: what is in flight is finished, for as long as the policy gives it time.
 */
import type { Clock, Timer } from '#core/clock';

export interface DrainingOptions {
  readonly clock: Clock;
  /** Requests in flight to it. */
  readonly inFlight: () => number;
  /** It begins: nothing new is to come. */
  readonly onBegin: (inFlight: number) => void;
  /** Its time is over. */
  readonly onOver: () => void;
}

export class Draining {
  readonly #options: DrainingOptions;
  #end: Timer | null = null;
  #isOver = false;

  constructor(options: DrainingOptions) {
    this.#options = options;
  }

  /** What is in flight has to go without being finished. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True when nothing is in flight to it, or its time is over; begins to drain otherwise. */
  isDone(drainMs: number): boolean {
    const { clock, inFlight, onBegin, onOver } = this.#options;
    const left = inFlight();
    if (left === 0 || this.#isOver) return true;
    if (this.#end !== null) return false;
    onBegin(left);
    this.#end = clock.after(drainMs, () => {
      this.#isOver = true;
      onOver();
    });
    return false;
  }

  /** Something else is wanted: the next drain has its whole time. */
  reset(): void {
    this.#isOver = false;
    this.#end?.cancel();
    this.#end = null;
  }

  close(): void {
    this.#end?.cancel();
  }
}
