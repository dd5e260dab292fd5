/**
 * Finds the upstream that answers with errors while it passes its probes. Counting only; the pool decides whether it can
 * do without the upstream, and moves its health.
 */
import type { OutlierPolicy } from '#core/edge-policy';
import type { Upstream } from './upstream.ts';

/** An upstream that fails again and again is left out this many times as long as for the first time, at most. */
const LONGEST = 10;

/** What is remembered of one upstream. */
export class OutlierRecord {
  /** Errors in a row. */
  #errors = 0;
  /** How many times as long as the first time it was left out last. */
  #repeats = 0;
  /** Monotonic ms at which it may come back, or came back last. */
  until = Number.NEGATIVE_INFINITY;

  /** Counts an answer; true when there are as many errors in a row as eject. */
  count(failed: boolean, policy: OutlierPolicy): boolean {
    this.#errors = failed ? this.#errors + 1 : 0;
    return this.#errors >= policy.errors;
  }

  /**
   * Notes that it is left out from now on. Whoever fails again within as long as it was left out before is left out
   * longer; after that all is forgotten.
   */
  eject(policy: OutlierPolicy, now: number): void {
    const lastMs = policy.timeMs * this.#repeats;
    const again = now - this.until <= lastMs;
    this.#repeats = again ? Math.min(LONGEST, this.#repeats + 1) : 1;
    this.#errors = 0;
    this.until = now + policy.timeMs * this.#repeats;
  }

  /** Notes that it is back, earlier perhaps than it was to be. */
  restore(now: number): void {
    this.until = Math.min(this.until, now);
  }
}

/** Whether at least half of the upstreams (rounded up) take requests still when one more does not. */
export function canSpareOne(upstreams: readonly Upstream[]): boolean {
  let all = 0;
  let out = 1;
  for (const upstream of upstreams) {
    if (upstream.draining || upstream.health.health === 'unknown') continue;
    all++;
    if (!upstream.isReady) out++;
  }
  return out <= Math.floor(all / 2);
}
