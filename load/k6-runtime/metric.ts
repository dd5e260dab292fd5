/** Metrics of k6: samples come in with tags, aggregates as thresholds name them come out. */
import type { MetricSelector } from './threshold.ts';

export const METRIC_KINDS = ['counter', 'gauge', 'rate', 'trend'] as const;
export type MetricKind = (typeof METRIC_KINDS)[number];
export type Tags = Readonly<Record<string, string>>;

const PERCENTILE = /^p\(([\d.]+)\)$/;

/** The samples that one selector lets through. Without samples counts and rates are 0, as in k6. */
class Sink {
  readonly #tags: Tags;
  readonly values: number[] = [];
  #sorted = true;

  constructor(tags: Tags) {
    this.#tags = tags;
  }

  add(value: number, tags: Tags): void {
    for (const [name, wanted] of Object.entries(this.#tags)) if (tags[name] !== wanted) return;
    this.values.push(value);
    this.#sorted = false;
  }

  get sum(): number {
    return this.values.reduce((total, value) => total + value, 0);
  }

  get sorted(): readonly number[] {
    if (!this.#sorted) this.values.sort((a, b) => a - b);
    this.#sorted = true;
    return this.values;
  }
}

export class Metric {
  readonly name: string;
  readonly kind: MetricKind;
  readonly #all = new Sink({});
  readonly #selected = new Map<string, Sink>();
  #last = 0;

  constructor(name: string, kind: MetricKind) {
    this.name = name;
    this.kind = kind;
  }

  add(value: number, tags: Tags): void {
    this.#last = value;
    this.#all.add(value, tags);
    for (const sink of this.#selected.values()) sink.add(value, tags);
  }

  /** From now on samples are also kept for this selector. */
  select({ tags }: MetricSelector): void {
    if (Object.keys(tags).length > 0) this.#selected.set(JSON.stringify(tags), new Sink(tags));
  }

  /**
   * @param aggregate as in a threshold
   * @throws Error when this kind of metric has none of that name
   */
  aggregate(aggregate: string, { tags }: Pick<MetricSelector, 'tags'> = { tags: {} }): number {
    const sink = this.#selected.get(JSON.stringify(tags)) ?? this.#all;
    const value = this.#aggregate(sink, aggregate);
    if (value === null) throw new Error(`a ${this.kind} such as ${this.name} has no ${aggregate}`);
    return value;
  }

  #aggregate(sink: Sink, aggregate: string): number | null {
    const { values } = sink;
    switch (this.kind) {
      case 'counter':
        return aggregate === 'count' ? sink.sum : null;
      case 'rate':
        return aggregate === 'rate' ? sink.sum / Math.max(1, values.length) : null;
      case 'gauge':
        return aggregate === 'value' ? this.#last : null;
      default:
        return trendAggregate(sink, aggregate);
    }
  }
}

function trendAggregate(sink: Sink, aggregate: string): number | null {
  const { sorted } = sink;
  if (aggregate === 'count') return sorted.length;
  if (aggregate === 'avg') return sink.sum / Math.max(1, sorted.length);
  if (aggregate === 'min') return sorted[0] ?? 0;
  if (aggregate === 'max') return sorted.at(-1) ?? 0;
  const percent = aggregate === 'med' ? 50 : Number(PERCENTILE.exec(aggregate)?.[1] ?? Number.NaN);
  return Number.isNaN(percent) ? null : interpolated(sorted, percent);
}

/** Between the two nearest values, as k6 does it. */
function interpolated(sorted: readonly number[], percent: number): number {
  const place = (percent / 100) * (sorted.length - 1);
  const low = sorted[Math.max(0, Math.floor(place))] ?? 0;
  const high = sorted[Math.ceil(place)] ?? low;
  return low + (high - low) * (place - Math.floor(place));
}
