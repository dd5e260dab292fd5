/**
 * When a host is listed: at once when somebody asks, a minute after a good listing, and sooner, with growing waits, after
 * a bad one. One listing at a time; asked for during one, exactly one more follows.
 */
import type { Clock, Timer } from '#core/clock';

export const RESYNC_MS = 60_000;
/** Wait after a failed listing; doubles up to the longest. */
export const RETRY_FIRST_MS = 1000;
export const RETRY_LONGEST_MS = 30_000;
/** A list that suddenly names nothing is believed when a second one, so much later, says the same. */
export const EMPTY_CONFIRM_MS = 10_000;

/**
 * How a listing ended. `partial`: some containers could not be looked at. `doubtful`: it named nothing any more, which a
 * second one has to confirm.
 */
export type ListingOutcome = 'done' | 'partial' | 'failed' | 'doubtful';

export interface ResyncOptions {
  readonly clock: Clock;
  /**
   * Lists once. Never rejects.
   * @param thorough look at every container: one may have been restarted unseen
   */
  readonly list: (thorough: boolean) => Promise<ListingOutcome>;
}

export class Resync {
  readonly #options: ResyncOptions;
  #timer: Timer | null = null;
  #retryMs = RETRY_FIRST_MS;
  #listing = false;
  #again = false;
  #thorough = true;
  #closed = false;

  constructor(options: ResyncOptions) {
    this.#options = options;
  }

  /** Lists at once. */
  now(): void {
    if (this.#closed) return;
    if (this.#listing) {
      this.#again = true;
      return;
    }
    this.#timer?.cancel();
    void this.#run();
  }

  /** Lists after the wait for a retry. */
  soon(): void {
    if (!this.#listing) this.#in(this.#nextRetry());
  }

  /** Events were missed: the next listing has to be thorough. */
  distrust(): void {
    this.#thorough = true;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    this.#listing = true;
    let waitMs: number;
    do {
      this.#again = false;
      waitMs = await this.#list();
    } while (this.#again && !this.#closed);
    this.#listing = false;
    this.#in(waitMs);
  }

  /** Lists once. Resolves to the wait before the next time, in ms. */
  async #list(): Promise<number> {
    const thorough = this.#thorough;
    this.#thorough = false;
    const outcome = await this.#options.list(thorough);
    if (outcome === 'failed' || outcome === 'doubtful') this.#thorough ||= thorough;
    if (outcome === 'doubtful') return EMPTY_CONFIRM_MS;
    if (outcome !== 'done') return this.#nextRetry();
    this.#retryMs = RETRY_FIRST_MS;
    return RESYNC_MS;
  }

  #in(delayMs: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => this.now());
  }

  #nextRetry(): number {
    const waitMs = this.#retryMs;
    this.#retryMs = Math.min(RETRY_LONGEST_MS, waitMs * 2);
    return waitMs;
  }
}
