/**
 * What replicas said in answers of this worker about being at work: told to control at once, and to every later one again,
 * since it may not have been there, or may have ended before it wrote that down.
 */
import type { Clock } from '#core/clock';
import type { Pool } from '#router/pool';
import type { ToControl } from './messages.ts';

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
    const until = this.#clock.now() + forMs;
    if (until > (this.#heard.get(replica)?.until ?? 0)) this.#heard.set(replica, { pool, until });
    this.#say({ kind: 'leased', set: pool.key, replica, forMs });
  }

  /** A control knows all there is by now: it is told what holds yet. */
  tellAgain(): void {
    const now = this.#clock.now();
    for (const [replica, { pool, until }] of this.#heard) {
      if (until > now) this.#say({ kind: 'leased', set: pool.key, replica, forMs: until - now });
      else this.#heard.delete(replica);
    }
  }
}
