/**
 * The heartbeat of one Engine: a light ping every two seconds, so that a hang is noticed when nobody else calls (an
 * Engine that hangs breaks no stream). While the breaker is open the ping is its trial call.
 */
import type { Clock, Timer } from '#core/clock';
import { type Breaker, TRIAL_EVERY_MS } from './breaker.ts';

const BEAT_EVERY_MS = TRIAL_EVERY_MS;
/** After a ping that failed: ask again soon, to be sure. */
const CONFIRM_AFTER_MS = 100;

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly breaker: Breaker;
  /** Asks the Engine for a sign of life and tells the breaker how it went. */
  readonly ping: () => Promise<unknown>;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#schedule(0);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(delayMs: number): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(delayMs, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const { breaker, ping } = this.#options;
    let alive = true;
    if (breaker.state === 'closed' || breaker.startTrial()) {
      alive = await ping().then(
        () => true,
        () => false,
      );
    }
    if (breaker.state === 'closed') this.#schedule(alive ? BEAT_EVERY_MS : CONFIRM_AFTER_MS);
    else this.#schedule(breaker.trialInMs);
  }
}
