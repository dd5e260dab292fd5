/**
 * Memory that frozen spares will take which are wanted and not up yet. It still looks free, so what one set has claimed is none
 * that another has room in: sets whose bursts come together would fill the host twice.
 */
import type { Clock } from '#core/clock';
import type { SetKey } from '#core/set';

/** A claim that is not renewed is given up: its set sleeps, or has gone. */
const HELD_MS = 5000;

interface Claim {
  readonly bytes: number;
  readonly at: number;
}

export class SpareClaims {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #claims = new Map<SetKey, Claim>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** In the place of what the set had claimed before. */
  put(key: SetKey, bytes: number): void {
    if (bytes > 0) this.#claims.set(key, { bytes, at: this.#clock.now() });
    else this.#claims.delete(key);
  }

  /** Bytes that all others have claimed. */
  ofOthers(key: SetKey): number {
    const since = this.#clock.now() - HELD_MS;
    let sum = 0;
    for (const [other, { bytes, at }] of this.#claims) {
      if (at < since) this.#claims.delete(other);
      else if (other !== key) sum += bytes;
    }
    return sum;
  }
}
