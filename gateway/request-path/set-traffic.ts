/**
 * What the gateway remembers of each set from one request to the next: counters, retry budget, rate buckets. It belongs
 * to the pool, which outlives every change of labels, so no change of one set costs another its memory.
 */
import { parseDuration } from '#core/duration';
import type { SetPolicy } from '#core/set';
import type { Pool } from '#router/pool';
import { hashText, type Upstream } from '#router/upstream';
import { type SetCounts, SetMetrics } from '../metrics.ts';
import { type CompiledPolicy, compilePolicy, type PolicyTools } from '../policies/compiled-policy.ts';
import { type RevisionCounts, RevisionMetrics } from '../revision-metrics.ts';
import { RateLimit } from './rate-limit.ts';
import { RetryBudget } from './retry-budget.ts';

export class SetTraffic {
  readonly pool: Pool;
  readonly metrics = new SetMetrics();
  readonly revisions = new RevisionMetrics();
  readonly retries = new RetryBudget();
  readonly rate = new RateLimit();
  /** Name of the sticky cookie: sets that share a hostname must not overwrite each other's. */
  readonly cookie: string;
  /** Name of the cookie that keeps a visitor on a revision. */
  readonly revisionCookie: string;
  readonly #tools: PolicyTools;
  #compiled: CompiledPolicy | null = null;
  /** What `#compiled` was made of. */
  #source: SetPolicy | null = null;

  constructor(pool: Pool, tools: PolicyTools) {
    this.pool = pool;
    this.cookie = `tidegate_${hashText(pool.key).toString(36)}`;
    this.revisionCookie = `${this.cookie}_rev`;
    this.#tools = tools;
  }

  /** Counts an answer of an upstream. @param since when it was found, monotonic ms; of one without a revision anything */
  answered(upstream: Upstream | null, failed: boolean, since: number): void {
    if (upstream === null) return;
    this.#judge(upstream, failed);
    if (upstream.revision !== null) this.revisions.answered(upstream, failed, this.#tools.clock.now() - since);
  }

  /** Counts that an upstream gave no answer. */
  unanswered(upstream: Upstream | null): void {
    if (upstream === null) return;
    this.#judge(upstream, true);
    this.revisions.failed(upstream);
  }

  /** Takes what an answer said in `Tidegate-Lease`: a duration, a bare number is seconds. What is none of that is left out. */
  leased(upstream: Upstream | null, said: string): void {
    const { leaseMs } = this.pool.policy.scale;
    if (upstream === null || leaseMs === null) return;
    const forMs = Math.min(leaseMs, parseDuration(/^\d+$/.test(said) ? `${said}s` : said) ?? 0);
    if (forMs > 0) this.pool.lease(upstream.replica, forMs);
  }

  /** What the set asks of the edge now; null: nothing. */
  get edge(): CompiledPolicy | null {
    const { policy } = this.pool;
    if (policy !== this.#source) {
      this.#compiled = compilePolicy(policy, this.#tools, this.#compiled);
      this.#source = policy;
    }
    return this.#compiled;
  }

  /** Leaves those that fail out, where the set wants that. */
  #judge(upstream: Upstream, failed: boolean): void {
    const { pool } = this;
    if (pool.policy.outlier !== null && pool.judge(upstream, failed)) this.metrics.ejections++;
  }
}

export class TrafficLedger {
  readonly #byPool = new Map<Pool, SetTraffic>();
  readonly #onRemoved: (upstream: Upstream) => void;
  readonly #tools: PolicyTools;
  /** Told of every token that is taken from a rate bucket. */
  onTaken: ((pool: Pool, key: string) => void) | null = null;
  /** Requests that belong to no set. */
  readonly unrouted = new SetMetrics();

  /** @param onRemoved told of every upstream that leaves a pool for good */
  constructor(onRemoved: (upstream: Upstream) => void, tools: PolicyTools) {
    this.#onRemoved = onRemoved;
    this.#tools = tools;
  }

  of(pool: Pool): SetTraffic {
    let traffic = this.#byPool.get(pool);
    if (traffic === undefined) {
      traffic = new SetTraffic(pool, this.#tools);
      const { onTaken } = this;
      if (onTaken !== null) traffic.rate.onTaken = (key) => onTaken(pool, key);
      this.#byPool.set(pool, traffic);
      pool.watch({ onRemoved: this.#onRemoved });
    }
    return traffic;
  }

  /** The counts of every revision. */
  *collectRevisions(): Generator<RevisionCounts> {
    for (const [pool, { revisions }] of this.#byPool) yield* revisions.collect(pool.key);
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
