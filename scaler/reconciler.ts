/**
 * Runs one function whenever somebody says that it is time to look again: never within itself, once more when somebody
 * said so meanwhile, and never without end.
 */
import type { Clock, Timer } from '#core/clock';

/** Rounds in one go. It comes to rest in two or three; what does not may not hold up everybody else. */
const ROUNDS_MAX = 20;
const NEXT_ROUNDS_MS = 10;
const AFTER_ERROR_MS = 1000;
/** A timer cannot hold much more than three weeks. */
const LONGEST_TIMER_MS = 86_400_000;

export interface ReconcilerOptions {
  readonly clock: Clock;
  /** One round. Returns when time alone changes what should be: monotonic ms, infinite for never. */
  readonly run: () => number;
  /** A round failed, or it does not come to rest. Neither may harm anybody else; it is looked again later. */
  readonly onTrouble: (message: string, error: unknown) => void;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  #running = false;
  #again = false;
  #closed = false;
  #timer: Timer | null = null;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Looks now, or once more when it is looking already. Safe to call at any time, from anywhere. */
  look(): void {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    try {
      for (let round = 0; this.#again && !this.#closed; round++) {
        if (round === ROUNDS_MAX) {
          this.#trouble('a set does not come to rest', null, NEXT_ROUNDS_MS);
          break;
        }
        this.#again = false;
        this.#lookIn(this.#options.run() - this.#options.clock.now());
      }
    } catch (error) {
      this.#trouble('a set could not be looked at', error, AFTER_ERROR_MS);
    } finally {
      this.#running = false;
    }
  }

  /** Does something that asks to look, and looks afterwards. */
  after(change: () => void): void {
    const wasRunning = this.#running;
    this.#running = true;
    try {
      change();
    } finally {
      this.#running = wasRunning;
    }
    this.look();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #trouble(message: string, error: unknown, againInMs: number): void {
    this.#options.onTrouble(message, error);
    this.#lookIn(againInMs);
  }

  #lookIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#closed || delayMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#options.clock.after(Math.min(Math.ceil(delayMs), LONGEST_TIMER_MS), () => {
      this.#timer = null;
      this.look();
    });
  }
}
