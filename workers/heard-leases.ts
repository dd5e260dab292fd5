/**
 * What replicas said in answers of this worker about being at work: told to control at once, and to every later one again,
 * since it may not have been there, or may have ended before it wrote that down. One that says so with every answer is told a
 * little more than it asked for, and then not with every answer.
 */
import type { Clock } from '#core/clock';
import type { Pool } from '#router/pool';
import type { ToControl } from './messages.ts';

/** A lease that is renewed is told to last so much longer: renewals within that time need not be told. */
const RENEWED_MS = 1000;

type Leased = Extract<ToControl, { kind: 'leased' }>;

export class HeardLeases {
  readonly #clock: Clock;
  readonly #say: (message: Leased) => void;
  /** By replica. */
  readonly #heard = new Map<string, { readonly pool: Pool; readonly until: number }>();

  constructor(clock: Clock, say: (message: Leased) => void) {
    this.#clock = clock;
    this.#say = say;
  }

  take(pool: Pool, replica: string, forMs: number): void {
    const now = this.#clock.now();
    const before = this.#heard.get(replica)?.until ?? null;
    if (before === null) this.#drop(now);
    if (before !== null && now + forMs <= before) return;
    const tellMs = before !== null && before > now ? forMs + RENEWED_MS : forMs;
    this.#heard.set(replica, { pool, until: now + tellMs });
    this.#say({ kind: 'leased', set: pool.key, replica, forMs: tellMs });
  }

  /** It serves no longer: whatever it said is over, and what it says when it is back is news. */
  forget(replica: string): void {
    this.#heard.delete(replica);
  }

  /** A control knows all there is by now: it is told what holds yet. */
  tellAgain(): void {
    const now = this.#clock.now();
    this.#drop(now);
    for (const [replica, { pool, until }] of this.#heard) {
      this.#say({ kind: 'leased', set: pool.key, replica, forMs: until - now });
    }
  }

  /** Those that have ended. */
  #drop(now: number): void {
    for (const [replica, { until }] of this.#heard) if (until <= now) this.#heard.delete(replica);
  }
}
