/**
 * Token buckets, one per key, for `tidegate.rate`. A bucket is one number: the time at which it will be full again (the
 * generic cell rate algorithm, ITU-T I.371, which admits exactly what a token bucket admits). Memory is bounded: the
 * bucket used longest ago is forgotten first, and a forgotten bucket is a full one.
 */
import type { RatePolicy } from '#core/set';

const BUCKETS_MAX = 20_000;

export class RateLimit {
  /** Monotonic ms at which each bucket is full; the least recently used one comes first. */
  readonly #fullAt = new Map<string, number>();

  /**
   * Takes a token: 0 when there was one, else ms until there will be one.
   * @param now monotonic ms
   */
  take(policy: RatePolicy, key: string, now: number): number {
    const tokenMs = 1000 / policy.perSecond;
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, now);
    const waitMs = fullAt + tokenMs - now - policy.burst * tokenMs;
    // A thousandth of a token absorbs rounding: a bucket of 5 must give 5.
    if (waitMs > tokenMs / 1000) return waitMs;
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt + tokenMs);
    if (this.#fullAt.size > BUCKETS_MAX) this.#forgetOldest();
    return 0;
  }

  get size(): number {
    return this.#fullAt.size;
  }

  #forgetOldest(): void {
    for (const key of this.#fullAt.keys()) {
      this.#fullAt.delete(key);
      return;
    }
  }
}
