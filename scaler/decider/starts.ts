/**
 * What is to be seen of the starts of a set from how many replicas are wanted and how many are ready: how long one takes
 * from the wish until it serves, and whether starts are under way that take the processor from those that serve.
 *
 * Starts are no excuse for ever: a service that stays slow is believed after twice the time that a start takes, and between
 * one wave of starts and the next.
 */

/** What is remembered: the last so many starts. */
const KEPT = 20;
const HIGH_PART = 0.95;
/** What is ready within that time was frozen: it says nothing of a start. Longer than from one look to the next. */
const THAW_MS = 300;
/** Programs that have just become ready are still slow, and so is what they share a machine with. */
const SETTLE_MS = 500;
/** Starts are taken for the reason that answers are slow for so many times what one takes, within these bounds. */
const EXCUSE_TIMES = 2;
const EXCUSE_LEAST_MS = 5000;
const EXCUSE_MOST_MS = 60_000;

/** What is known of the starts of a set. */
export interface StartWatch {
  /** From the wish for a replica until it serves, in ms: of the last starts 95 % took no longer; null: none was seen yet. */
  readonly timeMs: number | null;
  /** Takes how many replicas are wanted and ready at this moment (monotonic ms). */
  look(now: number, counts: { readonly desired: number; readonly ready: number }): void;
  /** Starts of its own may be the reason that answers take longer now. */
  slows(now: number): boolean;
  /** The set is not looked at for a while. */
  rest(): void;
}

export class Starts implements StartWatch {
  /** Moments at which those were wished for that are not ready yet. */
  #wishes: number[] = [];
  readonly #times: number[] = [];
  #ready = 0;
  /** Since when some are under way; null: none is. */
  #since: number | null = null;
  /** When the last of them was ready. */
  #over = Number.NEGATIVE_INFINITY;

  get timeMs(): number | null {
    const sorted = this.#times.toSorted((a, b) => a - b);
    return sorted[Math.ceil(HIGH_PART * sorted.length) - 1] ?? null;
  }

  look(now: number, { desired, ready }: { readonly desired: number; readonly ready: number }): void {
    for (let more = ready - this.#ready; more > 0; more--) {
      const wishedAt = this.#wishes.shift();
      if (wishedAt !== undefined && now - wishedAt > THAW_MS) this.#times.push(now - wishedAt);
    }
    this.#times.splice(0, Math.max(0, this.#times.length - KEPT));
    this.#ready = ready;
    const missing = Math.max(0, desired - ready);
    this.#wishes.length = Math.min(this.#wishes.length, missing);
    while (this.#wishes.length < missing) this.#wishes.push(now);
    if (missing > 0) this.#since ??= now;
    else if (this.#since !== null) {
      if (now - this.#since > THAW_MS) this.#over = now;
      this.#since = null;
    }
  }

  slows(now: number): boolean {
    if (this.#since === null) return now - this.#over < SETTLE_MS;
    const excuseMs = EXCUSE_TIMES * (this.timeMs ?? 0);
    return now - this.#since <= Math.min(EXCUSE_MOST_MS, Math.max(EXCUSE_LEAST_MS, excuseMs));
  }

  rest(): void {
    this.#wishes = [];
    this.#ready = 0;
    this.#since = null;
    this.#over = Number.NEGATIVE_INFINITY;
  }
}
