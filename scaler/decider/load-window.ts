/**
 * What was asked of a set over the last while, in buckets of a quarter of a second: how many requests were there at a
 * time, how many arrived and how many ended. An average goes over the time since the first record at most, so a window
 * that has just begun is not diluted by emptiness; a pause between two records counts as what was recorded before it.
 */

export const BUCKET_MS = 250;

interface Bucket {
  /** Sum of what was recorded of the demand, and how often. */
  demand: number;
  inFlight: number;
  records: number;
  arrived: number;
  finished: number;
}

export interface LoadRecord {
  /** Requests that need capacity at this moment. */
  readonly demand: number;
  /** Requests that replicas have at this moment. */
  readonly inFlight: number;
  /** Since the record before. */
  readonly arrived: number;
  readonly finished: number;
}

export class LoadWindow {
  readonly #count: number;
  readonly #buckets: Bucket[];
  /** Number of the bucket of the first and of the last record; null: there is none. */
  #first: number | null = null;
  #last = 0;

  /** @param spanMs how far back it can look */
  constructor(spanMs: number) {
    this.#count = Math.max(1, Math.ceil(spanMs / BUCKET_MS));
    this.#buckets = Array.from({ length: this.#count }, empty);
  }

  get isEmpty(): boolean {
    return this.#first === null;
  }

  /** @param now monotonic ms, never less than before */
  record(now: number, { demand, inFlight, arrived, finished }: LoadRecord): void {
    const number = Math.floor(now / BUCKET_MS);
    if (this.#first === null || number - this.#last >= this.#count) this.#begin(number);
    const before = this.#at(this.#last);
    for (let next = this.#last + 1; next <= number; next++) {
      const isPause = next < number && before.records > 0;
      const [meanDemand, meanInFlight] = isPause
        ? [before.demand / before.records, before.inFlight / before.records]
        : [0, 0];
      Object.assign(this.#at(next), empty(), {
        ...{ demand: meanDemand, inFlight: meanInFlight, records: isPause ? 1 : 0 },
      });
    }
    this.#last = number;
    const bucket = this.#at(number);
    bucket.demand += demand;
    bucket.inFlight += inFlight;
    bucket.records++;
    bucket.arrived += arrived;
    bucket.finished += finished;
  }

  /** Mean demand over the last `spanMs`; 0 without a record. */
  demand(spanMs: number): number {
    return this.#mean(spanMs, (bucket) => bucket.demand);
  }

  /** The highest mean demand over any `meanMs` of the last `spanMs`; 0 before it has seen so much. */
  peak(spanMs: number, meanMs: number): number {
    const count = Math.max(1, Math.round(meanMs / BUCKET_MS));
    const last: number[] = [];
    let sum = 0;
    let most = 0;
    this.#each(spanMs, (bucket) => {
      if (bucket.records === 0) return;
      const value = bucket.demand / bucket.records;
      last.push(value);
      sum += value - (last[last.length - 1 - count] ?? 0);
      if (last.length >= count) most = Math.max(most, sum / count);
    });
    return most;
  }

  /** Mean number of requests that replicas had at a time. */
  inFlight(spanMs: number): number {
    return this.#mean(spanMs, (bucket) => bucket.inFlight);
  }

  /** Requests that arrived each second. */
  arrivalsPerSecond(spanMs: number): number {
    return (this.#sum(spanMs, (bucket) => bucket.arrived) * 1000) / this.spanOf(spanMs);
  }

  /** Requests that ended. */
  finished(spanMs: number): number {
    return this.#sum(spanMs, (bucket) => bucket.finished);
  }

  /** The part of `spanMs`, in ms, of which there are records: one bucket at least. */
  spanOf(spanMs: number): number {
    return this.#bucketsOf(spanMs) * BUCKET_MS;
  }

  clear(): void {
    this.#first = null;
  }

  #mean(spanMs: number, value: (bucket: Bucket) => number): number {
    let sum = 0;
    let filled = 0;
    this.#each(spanMs, (bucket) => {
      if (bucket.records === 0) return;
      sum += value(bucket) / bucket.records;
      filled++;
    });
    return filled === 0 ? 0 : sum / filled;
  }

  #sum(spanMs: number, value: (bucket: Bucket) => number): number {
    let sum = 0;
    this.#each(spanMs, (bucket) => {
      sum += value(bucket);
    });
    return sum;
  }

  #each(spanMs: number, visit: (bucket: Bucket) => void): void {
    if (this.#first === null) return;
    const count = this.#bucketsOf(spanMs);
    for (let number = this.#last - count + 1; number <= this.#last; number++) visit(this.#at(number));
  }

  #bucketsOf(spanMs: number): number {
    if (this.#first === null) return 1;
    const asked = Math.min(this.#count, Math.max(1, Math.round(spanMs / BUCKET_MS)));
    return Math.min(asked, this.#last - this.#first + 1);
  }

  #begin(number: number): void {
    this.#first = number;
    this.#last = number;
    Object.assign(this.#at(number), empty());
  }

  #at(number: number): Bucket {
    const bucket = this.#buckets[number % this.#count];
    if (bucket === undefined) throw new RangeError(`bucket ${number} of ${this.#count}`);
    return bucket;
  }
}

function empty(): Bucket {
  return { demand: 0, inFlight: 0, records: 0, arrived: 0, finished: 0 };
}
