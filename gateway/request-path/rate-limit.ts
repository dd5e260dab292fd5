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
  /** Told of every token that is taken, where other processes serve as well. */
  onTaken: ((key: string) => void) | null = null;

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
    this.onTaken?.(key);
    return 0;
  }

  /** Takes tokens that another process gave away, whether they are there or not. */
  charge(policy: RatePolicy, key: string, taken: { readonly tokens: number; readonly now: number }): void {
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, taken.now);
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt + (taken.tokens * 1000) / policy.perSecond);
    if (this.#fullAt.size > BUCKETS_MAX) this.#forgetOldest();
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
