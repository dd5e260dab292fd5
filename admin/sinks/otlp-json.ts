/**
 * Metrics as a request of the OpenTelemetry protocol in JSON: `ExportMetricsServiceRequest` of opentelemetry-proto 1.x in
 * the JSON mapping of protobuf (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"): names in lowerCamelCase,
 * 64-bit integers as text, enums as numbers.
 */
import type { MetricFamily, MetricSample } from '../ports.ts';
import type { MetricPicture } from './sink.ts';

/** AGGREGATION_TEMPORALITY_CUMULATIVE */
const CUMULATIVE = 2;

export interface OtlpResource {
  /** Of Tidegate. */
  readonly version: string;
  /** Names this one among several. */
  readonly instance: string;
  /** When its counters began, ms since the epoch. */
  readonly since: number;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string };
}

export function otlpRequest({ at, families }: MetricPicture, resource: OtlpResource) {
  const timeUnixNano = nanoseconds(at);
  const since = nanoseconds(resource.since);
  const metrics = families.flatMap((family) => {
    const begin = family.isOlder === true ? {} : { startTimeUnixNano: since };
    const { name, help, samples } = family;
    if (samples.length === 0) return [];
    return [{ name, description: help, unit: unitOf(name), ...dataOf(family, samples, { timeUnixNano, ...begin }) }];
  });
  return {
    resourceMetrics: [
      {
        resource: {
          attributes: attributes({
            'service.name': 'tidegate',
            'service.version': resource.version,
            'service.instance.id': resource.instance,
          }),
        },
        scopeMetrics: [{ scope: { name: 'tidegate', version: resource.version }, metrics }],
      },
    ],
  };
}

type Times = { readonly timeUnixNano: string; readonly startTimeUnixNano?: string };

function dataOf({ type }: MetricFamily, samples: readonly MetricSample[], times: Times) {
  if (type === 'histogram') {
    return { histogram: { aggregationTemporality: CUMULATIVE, dataPoints: distributions(samples, times) } };
  }
  const { timeUnixNano } = times;
  const dataPoints = samples
    .filter(({ value }) => Number.isFinite(value))
    .map(({ labels = {}, value }) => ({
      attributes: attributes(labels),
      ...(type === 'counter' ? times : { timeUnixNano }),
      asDouble: value,
    }));
  if (type === 'gauge') return { gauge: { dataPoints } };
  return { sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } };
}

interface Distribution {
  readonly labels: Readonly<Record<string, string>>;
  /** Upper bounds and how many are at or below each, ascending; the last is +Inf. */
  readonly buckets: { readonly bound: number; readonly below: number }[];
  sum: number;
  count: number;
}

/** Samples of one distribution stand one after the other, as in the text format; here each is one point. */
function distributions(samples: readonly MetricSample[], times: Times) {
  const found = new Map<string, Distribution>();
  for (const { suffix, labels = {}, value } of samples) {
    const { le = '', ...own } = labels;
    const key = JSON.stringify(own);
    const one = found.get(key) ?? { labels: own, buckets: [], sum: 0, count: 0 };
    found.set(key, one);
    if (suffix === '_bucket') {
      one.buckets.push({ bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), below: value });
    } else if (suffix === '_sum') one.sum = value;
    else if (suffix === '_count') one.count = value;
  }
  return Array.from(found.values(), ({ labels, buckets, sum, count }) => ({
    attributes: attributes(labels),
    ...times,
    count: String(count),
    sum,
    bucketCounts: buckets.map(({ below }, n) => String(below - (buckets[n - 1]?.below ?? 0))),
    explicitBounds: buckets.map(({ bound }) => bound).filter(Number.isFinite),
  }));
}

function attributes(labels: Readonly<Record<string, string>>): Attribute[] {
  return Object.entries(labels).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/** UCUM, from the name: `_seconds`, `_bytes`, `_percent`; a count has none. */
function unitOf(name: string): string {
  if (/_seconds(_total)?$/.test(name)) return 's';
  if (/_bytes(_total)?$/.test(name)) return 'By';
  return name.endsWith('_percent') ? '%' : '1';
}

function nanoseconds(ms: number): string {
  return `${Math.round(ms)}000000`;
}
