/**
 * The breaker of one Engine: after a few failures in a row calls are held back, so that nobody waits for an Engine that
 * is known not to answer. Pure memory; whoever makes calls reports how they went.
 *
 *   closed ── failures in a row ──▶ open ── trial due ──▶ half-open ── trial failed ──▶ open
 *      ▲                              │                       │
 *      └──────── any success ─────────┴───────────────────────┘
 */
import type { Clock } from '#core/clock';

export const BREAKER_STATES = ['closed', 'open', 'half-open'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

/** Failures in a row that open it: an Engine that is merely busy may miss the short deadline of a ping or two. */
const FAILURES_TO_OPEN = 3;
/** From the beginning of one trial call to that of the next. */
export const TRIAL_EVERY_MS = 2000;

export class Breaker {
  readonly #clock: Clock;
  readonly #onChange: (state: BreakerState, cause: string) => void;
  #state: BreakerState = 'closed';
  #failures = 0;
  #lastSuccessAt = Number.NEGATIVE_INFINITY;
  /** Monotonic ms when the next trial may begin, and when the last one began. */
  #nextTrialAt = 0;
  #trialAt = Number.POSITIVE_INFINITY;

  /** @param onChange told of every change of state, with the failure (or the recovery) in words */
  constructor(clock: Clock, onChange: (state: BreakerState, cause: string) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Ms until a trial may start; 0: now. Means something only while it is open. */
  get trialInMs(): number {
    return Math.max(0, this.#nextTrialAt - this.#clock.now());
  }

  /** Whether an ordinary call may be made. Only a closed breaker lets them through. */
  get admits(): boolean {
    return this.#state === 'closed';
  }

  /** Asks to make the one trial call. True: make it, and report how it went. */
  startTrial(): boolean {
    if (this.#state !== 'open' || this.trialInMs > 0) return false;
    this.#trialAt = this.#clock.now();
    this.#nextTrialAt = this.#trialAt + TRIAL_EVERY_MS;
    this.#become('half-open', 'a trial call is made');
    return true;
  }

  /** The Engine answered something. */
  succeeded(): void {
    this.#lastSuccessAt = this.#clock.now();
    this.#failures = 0;
    if (this.#state !== 'closed') this.#become('closed', 'the Engine answers again');
  }

  /**
   * A call came to nothing. One that began before the last success says nothing about the Engine: it proved itself alive
   * meanwhile, and what hangs is that call's own container.
   * @param startedAt monotonic ms
   */
  failed(startedAt: number, cause: string): void {
    if (startedAt < this.#lastSuccessAt) return;
    if (this.#state === 'closed') {
      this.#failures++;
      if (this.#failures < FAILURES_TO_OPEN) return;
      this.#nextTrialAt = this.#clock.now() + TRIAL_EVERY_MS;
      this.#become('open', cause);
    } else if (this.#state === 'half-open' && startedAt >= this.#trialAt) {
      this.#become('open', cause);
    }
  }

  #become(state: BreakerState, cause: string): void {
    this.#state = state;
    this.#onChange(state, cause);
  }
}
