/** How soon what died is started again: at once almost, later and later when it keeps dying. */
import type { Clock, Timer } from '#core/clock';

const FIRST_MS = 100;
const LONGEST_MS = 5000;
/** What lived for so long may die once more without a wait that grows. */
const PROVEN_MS = 10_000;

interface History {
  failures: number;
  at: number;
}

export class Respawn {
  readonly #clock: Clock;
  readonly #histories = new Map<string, History>();
  readonly #timers = new Set<Timer>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `run` after the wait that the place deserves. */
  in(place: string, run: () => void): void {
    if (this.#closed) return;
    const now = this.#clock.now();
    const history = this.#histories.get(place) ?? { failures: 0, at: Number.NEGATIVE_INFINITY };
    if (now - history.at > PROVEN_MS + waitMs(history.failures)) history.failures = 0;
    const timer = this.#clock.after(waitMs(history.failures), () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
    history.failures++;
    history.at = now;
    this.#histories.set(place, history);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
  }
}

function waitMs(failures: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
}
