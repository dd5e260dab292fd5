/**
 * What the gateway remembers of each set from one request to the next: counters, retry budget, rate buckets. It belongs
 * to the pool, which outlives every change of labels, so no change of one set costs another its memory.
 */
import type { Pool } from '#router/pool';
import { hashText, type Upstream } from '#router/upstream';
import { type SetCounts, SetMetrics } from '../metrics.ts';
import { RateLimit } from './rate-limit.ts';
import { RetryBudget } from './retry-budget.ts';

export class SetTraffic {
  readonly pool: Pool;
  readonly metrics = new SetMetrics();
  readonly retries = new RetryBudget();
  readonly rate = new RateLimit();
  /** Name of the sticky cookie: sets that share a hostname must not overwrite each other's. */
  readonly cookie: string;

  constructor(pool: Pool) {
    this.pool = pool;
    this.cookie = `tidegate_${hashText(pool.key).toString(36)}`;
  }
}

export class TrafficLedger {
  readonly #byPool = new Map<Pool, SetTraffic>();
  readonly #onRemoved: (upstream: Upstream) => void;
  /** Requests that belong to no set. */
  readonly unrouted = new SetMetrics();

  /** @param onRemoved told of every upstream that leaves a pool for good */
  constructor(onRemoved: (upstream: Upstream) => void) {
    this.#onRemoved = onRemoved;
  }

  of(pool: Pool): SetTraffic {
    let traffic = this.#byPool.get(pool);
    if (traffic === undefined) {
      traffic = new SetTraffic(pool);
      this.#byPool.set(pool, traffic);
      pool.watch({ onRemoved: this.#onRemoved });
    }
    return traffic;
  }

  /**
   * The counts of every set, those of no set last.
   * @param lives whether a pool is still in the table; the others are forgotten when nothing of theirs is in flight
   */
  collect(lives: (pool: Pool) => boolean): SetCounts[] {
    const counts: SetCounts[] = [];
    for (const [pool, traffic] of this.#byPool) {
      if (!lives(pool) && traffic.metrics.inFlight === 0) this.#byPool.delete(pool);
      else counts.push(traffic.metrics.collect(pool.key));
    }
    counts.push(this.unrouted.collect(null));
    return counts;
  }
}
