/**
 * The wake of a set: one at a time, however many ask. It begins when somebody asks while nothing is ready, and ends when
 * something is, when nobody asks any more, or when it has failed; then the next one is kept waiting, longer every time.
 */
import type { Clock } from '#core/clock';
import type { EventType } from '#core/event';

const BACKOFF_FIRST_MS = 5000;
const BACKOFF_LONGEST_MS = 60_000;

export interface WakeOptions {
  readonly clock: Clock;
  /** A correlation id. */
  readonly newId: (prefix: string) => string;
  readonly report: (type: EventType, cause: string, data?: Record<string, unknown>) => void;
}

export class Wake {
  readonly #options: WakeOptions;
  #current: { readonly id: string; readonly since: number } | null = null;
  #failures = 0;
  #failedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: WakeOptions) {
    this.#options = options;
  }

  /** Of the wake under way; null: there is none. */
  get id(): string | null {
    return this.#current?.id ?? null;
  }

  get isUnderWay(): boolean {
    return this.#current !== null;
  }

  /** Ms until it may be tried again after a failure; 0: now. */
  get failedForMs(): number {
    return Math.max(0, this.#failedUntil - this.#options.clock.now());
  }

  begin(cause: string): void {
    const { clock, newId, report } = this.#options;
    this.#current = { id: newId('wak'), since: clock.now() };
    report('set.waking', cause);
  }

  /** Something is ready, whoever brought it up. */
  succeeded(): void {
    if (this.#current !== null) {
      const ms = this.#options.clock.now() - this.#current.since;
      const data = { wake_ms: Math.round(ms * 10) / 10 };
      this.#options.report('set.awake', `ready after ${Math.round(ms)} ms`, data);
    }
    this.#current = null;
    this.forgive();
  }

  /** Nobody asks any more. */
  abandoned(): void {
    this.#current = null;
  }

  failed(cause: string): void {
    const waitMs = Math.min(BACKOFF_LONGEST_MS, BACKOFF_FIRST_MS * 2 ** this.#failures);
    this.#failures++;
    this.#failedUntil = this.#options.clock.now() + waitMs;
    this.#options.report('set.wake_failed', cause, { retry_in_ms: waitMs });
    this.#current = null;
  }

  /** The next one may begin at once. */
  forgive(): void {
    this.#failures = 0;
    this.#failedUntil = Number.NEGATIVE_INFINITY;
  }
}
