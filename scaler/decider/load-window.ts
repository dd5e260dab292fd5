/**
 * What was asked of a set over the last while, in buckets of a quarter of a second: how many requests were there at a
 * time, how many arrived and how many ended. An average goes over the time since the first record at most, so a window
 * that has just begun is not diluted by emptiness; a pause between two records counts as what was recorded before it.
 * While there is no record it takes no memory to speak of: most sets sleep, or have a number that is fixed.
 */

export const BUCKET_MS = 250;

/** A climb is looked for in the means of so many parts of a window. */
const QUARTERS = 4;
/** Each of them has to be above the one before by that part of the mean at least: what climbs slower has room enough. */
const CLIMB_PART = 0.05;
/** Of the last of them, no more is expected than so many times as much. */
const CLIMB_MOST = 2;

/** One number for each bucket, in a ring. */
interface Series {
  /** Mean of what was recorded in a bucket. */
  readonly demand: Float64Array;
  readonly inFlight: Float64Array;
  /** Sums. */
  readonly arrived: Float64Array;
  readonly finished: Float64Array;
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
  /** Null: there is no record. */
  #series: Series | null = null;
  /** Numbers of the buckets of the first and of the last record. */
  #first = 0;
  #last = 0;
  /** Of the last bucket. */
  #sums = { demand: 0, inFlight: 0, records: 0 };

  /** @param spanMs how far back it can look */
  constructor(spanMs: number) {
    this.#count = Math.max(1, Math.ceil(spanMs / BUCKET_MS));
  }

  get isEmpty(): boolean {
    return this.#series === null;
  }

  /** @param now monotonic ms, never less than before */
  record(now: number, { demand, inFlight, arrived, finished }: LoadRecord): void {
    const number = Math.floor(now / BUCKET_MS);
    const series = this.#moveTo(number);
    const sums = this.#sums;
    sums.demand += demand;
    sums.inFlight += inFlight;
    sums.records++;
    const slot = number % this.#count;
    series.demand[slot] = sums.demand / sums.records;
    series.inFlight[slot] = sums.inFlight / sums.records;
    series.arrived[slot] = (series.arrived[slot] ?? 0) + arrived;
    series.finished[slot] = (series.finished[slot] ?? 0) + finished;
  }

  /** Mean demand over the last `spanMs`; 0 without a record. */
  demand(spanMs: number): number {
    return this.#sum('demand', spanMs) / this.#bucketsOf(spanMs);
  }

  /** The highest mean demand over any `meanMs` of the last `spanMs`; 0 before it has seen so much. */
  peak(spanMs: number, meanMs: number): number {
    if (this.#series === null) return 0;
    const { demand } = this.#series;
    const width = Math.max(1, Math.round(meanMs / BUCKET_MS));
    const begin = this.#last - this.#bucketsOf(spanMs) + 1;
    let sum = 0;
    let most = 0;
    for (let number = begin; number <= this.#last; number++) {
      sum += demand[number % this.#count] ?? 0;
      if (number - begin < width - 1) continue;
      if (number - begin >= width) sum -= demand[(number - width) % this.#count] ?? 0;
      if (sum > most) most = sum;
    }
    return most / width;
  }

  /**
   * The demand as it will be `leadMs` from now if it goes on as it has for the whole of `spanMs`; null: it did not climb all
   * the while. Chance does not climb for four quarters on end.
   * @param shortMs a climb that has ended in that time is over
   */
  climb(spanMs: number, { leadMs, shortMs }: { readonly leadMs: number; readonly shortMs: number }): number | null {
    const width = Math.floor(Math.round(spanMs / BUCKET_MS) / QUARTERS);
    if (this.#series === null || width === 0 || this.#last - this.#first + 1 < width * QUARTERS) return null;
    const means = Array.from({ length: QUARTERS }, (_, i) =>
      this.#mean(this.#last - width * (QUARTERS - 1 - i), width),
    );
    const least = CLIMB_PART * this.demand(spanMs);
    const isClimbing = means.every((mean, i) => i === 0 || mean - (means[i - 1] ?? 0) > least);
    if (!isClimbing) return null;
    const [first = 0, last = 0] = [means[0], means.at(-1)];
    const perMs = (last - first) / ((QUARTERS - 1) * width * BUCKET_MS);
    const now = Math.min(last + (perMs * width * BUCKET_MS) / 2, this.demand(shortMs));
    return Math.min(last * CLIMB_MOST, now + perMs * leadMs);
  }

  /** Mean demand of as many buckets as `width` says, up to the one of that number. */
  #mean(number: number, width: number): number {
    const { demand } = this.#series as Series;
    let sum = 0;
    for (let one = number - width + 1; one <= number; one++) sum += demand[one % this.#count] ?? 0;
    return sum / width;
  }

  /** Mean number of requests that replicas had at a time. */
  inFlight(spanMs: number): number {
    return this.#sum('inFlight', spanMs) / this.#bucketsOf(spanMs);
  }

  /** Requests that arrived each second. */
  arrivalsPerSecond(spanMs: number): number {
    return (this.#sum('arrived', spanMs) * 1000) / this.spanOf(spanMs);
  }

  /** Requests that ended. */
  finished(spanMs: number): number {
    return this.#sum('finished', spanMs);
  }

  /** The part of `spanMs`, in ms, of which there are records: one bucket at least. */
  spanOf(spanMs: number): number {
    return this.#bucketsOf(spanMs) * BUCKET_MS;
  }

  clear(): void {
    this.#series = null;
  }

  #sum(of: keyof Series, spanMs: number): number {
    if (this.#series === null) return 0;
    const values = this.#series[of];
    let sum = 0;
    for (let number = this.#last - this.#bucketsOf(spanMs) + 1; number <= this.#last; number++) {
      sum += values[number % this.#count] ?? 0;
    }
    return sum;
  }

  #bucketsOf(spanMs: number): number {
    if (this.#series === null) return 1;
    const asked = Math.min(this.#count, Math.max(1, Math.round(spanMs / BUCKET_MS)));
    return Math.min(asked, this.#last - this.#first + 1);
  }

  /** Makes a bucket the last one. */
  #moveTo(number: number): Series {
    const count = this.#count;
    if (this.#series === null || number - this.#last >= count) {
      const values = (): Float64Array => new Float64Array(count);
      this.#series = { demand: values(), inFlight: values(), arrived: values(), finished: values() };
      this.#first = number;
      this.#last = number - 1;
    }
    const { demand, inFlight, arrived, finished } = this.#series;
    if (number > this.#last) this.#sums = { demand: 0, inFlight: 0, records: 0 };
    const before = this.#last % count;
    for (let next = this.#last + 1; next <= number; next++) {
      const slot = next % count;
      demand[slot] = demand[before] ?? 0;
      inFlight[slot] = inFlight[before] ?? 0;
      arrived[slot] = 0;
      finished[slot] = 0;
    }
    this.#last = number;
    return this.#series;
  }
}
