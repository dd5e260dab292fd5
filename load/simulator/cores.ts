/**
 * The cores of a simulated machine, shared evenly by all that runs on them: with more to run than there are cores all of it
 * takes longer, as starts of containers make the answers of a service take longer that shares its machine with them.
 */
import type { Clock, Timer } from '#core/clock';

interface Work {
  /** What the work done by each is when this one is over, in ms. */
  readonly until: number;
  /** Cores that it would use. */
  readonly cores: number;
  readonly run: () => void;
}

/** What is left of a work that ends with rounding. */
const ROUNDING_MS = 1e-6;

export class Cores {
  readonly #clock: Clock;
  readonly #count: number;
  readonly #works = new Set<Work>();
  /** Cores that all of them would use. */
  #asked = 0;
  /** Work that each has had since the beginning, in ms. */
  #done = 0;
  #lookedAt = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, count: number) {
    this.#clock = clock;
    this.#count = count;
  }

  /** @param workMs what it takes when nothing else runs @param cores how many it would use in that time, or which part of one */
  after(workMs: number, cores: number, run: () => void): void {
    this.#pass();
    this.#works.add({ until: this.#done + workMs, cores, run });
    this.#asked += cores;
    this.#plan();
  }

  get #speed(): number {
    return Math.min(1, this.#count / Math.max(this.#asked, Number.MIN_VALUE));
  }

  /** Brings the work up to now. */
  #pass(): void {
    const now = this.#clock.now();
    this.#done += (now - this.#lookedAt) * this.#speed;
    this.#lookedAt = now;
  }

  #plan(): void {
    this.#timer?.cancel();
    let first = Number.POSITIVE_INFINITY;
    for (const { until } of this.#works) first = Math.min(first, until);
    if (this.#works.size === 0) return;
    this.#timer = this.#clock.after((first - this.#done) / this.#speed, () => this.#end());
  }

  #end(): void {
    this.#pass();
    const over = [...this.#works].filter(({ until }) => until <= this.#done + ROUNDING_MS);
    for (const work of over) {
      this.#works.delete(work);
      this.#asked -= work.cores;
    }
    this.#plan();
    for (const work of over) work.run();
  }
}
