/**
 * How many of a backlog may be at work at a time in replicas that have just come up and have no hard limit: as many as are
 * aimed at per replica (`tidegate.scale.target`), one more with every answer, and at least twice as many every second, so
 * that what never answers (event streams) keeps nobody waiting. Knative lets the whole backlog of an unlimited revision
 * go at once (knative/serving#9888), which is what knocks a fresh replica over.
 */
import type { Clock } from '#core/clock';
import type { Pool } from '#router/pool';

const DOUBLE_AFTER_MS = 1000;

export class ReleasePace {
  readonly #pool: Pool;
  readonly #clock: Clock;
  /** At work at a time per ready replica; infinite: no matter how many. */
  #perReplica = Number.POSITIVE_INFINITY;
  #answered = 0;
  /** What it is to be at the next doubling, if answers have not brought it there. */
  #next = { perReplica: 0, at: Number.POSITIVE_INFINITY };

  constructor(pool: Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** A backlog begins: is it one that waits for a wake? */
  begin(): void {
    const { concurrency, scale } = this.#pool.policy;
    const isPaced = this.#pool.readyCount === 0 && concurrency === 0;
    this.#perReplica = isPaced ? scale.target : Number.POSITIVE_INFINITY;
    this.#answered = this.#answeredNow;
    this.#next = { perReplica: this.#perReplica * 2, at: Number.POSITIVE_INFINITY };
  }

  /** Whether another one may go out now. */
  hasRoom(): boolean {
    const ready = this.#pool.readyCount;
    if (this.#perReplica === Number.POSITIVE_INFINITY || ready === 0) return true;
    this.#grow(ready);
    return this.#pool.inFlight < this.#perReplica * ready;
  }

  /** Ms until there is room by time alone. */
  get waitMs(): number {
    return Math.max(1, Math.ceil(this.#next.at - this.#clock.now()));
  }

  #grow(ready: number): void {
    const now = this.#clock.now();
    this.#perReplica += Math.max(0, this.#answeredNow - this.#answered) / ready;
    this.#answered = this.#answeredNow;
    if (this.#next.at === Number.POSITIVE_INFINITY) this.#next.at = now + DOUBLE_AFTER_MS;
    if (now < this.#next.at) return;
    this.#perReplica = Math.max(this.#perReplica, this.#next.perReplica);
    this.#next = { perReplica: this.#perReplica * 2, at: now + DOUBLE_AFTER_MS };
  }

  get #answeredNow(): number {
    return this.#pool.claims - this.#pool.inFlight;
  }
}
