/** Metrics of traffic: the gateway's plain counters as metric families. */
import { coarseLatency, LATENCY_BOUNDS_S } from '#core/latency';
import type { SetKey } from '#core/set';
import type { MetricFamily, MetricSample } from './ports.ts';

/** Counters of one set since the start. */
export interface TrafficCounts {
  /** Null: requests that belong to no set. */
  readonly key: SetKey | null;
  /** Answered requests by the first digit of their status: the first entry are 1xx. */
  readonly requests: readonly number[];
  /** Requests whose client was gone before they could be answered. */
  readonly aborted: number;
  /** Requests by latency, one more than there are bounds; not cumulative. */
  readonly latency: readonly number[];
  readonly latencySumS: number;
  readonly retries: number;
  /** Times a replica was left out for its answers. */
  readonly ejections: number;
  /** Requests held for a wake or for room. */
  readonly held: number;
  readonly upgrades: number;
  /** Of requests that waited for a wake, by the tier in which the set slept; buckets as in `latency`. */
  readonly firstBytes: Readonly<Record<string, Pick<TrafficCounts, 'latency' | 'latencySumS'>>>;
  /** Body bytes from and to clients. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Answers the gateway made by itself, by code. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Counters of one revision since the start. */
export interface RevisionCounts {
  readonly key: SetKey;
  readonly revision: string;
  readonly requests: number;
  readonly errors: number;
  /** By the bounds of FINE_LATENCY_BOUNDS_S; not cumulative. */
  readonly latency: readonly number[];
  readonly latencySumS: number;
}

/** @param boundsS upper bounds of the latency buckets, in seconds, ascending */
export function trafficMetrics(counts: Iterable<TrafficCounts>, boundsS: readonly number[]): MetricFamily[] {
  const all = Array.from(counts, (one) => ({ one, labels: labelsOf(one.key) }));
  const simple = (name: string, help: string, pick: (one: TrafficCounts) => number): MetricFamily => ({
    name,
    type: 'counter',
    help,
    samples: all.map(({ one, labels }) => ({ labels, value: pick(one) })),
  });
  return [
    {
      name: 'tidegate_requests_total',
      type: 'counter',
      help: 'Answered requests by class of status.',
      samples: all.flatMap(({ one, labels }) =>
        one.requests.map((value, i) => ({ labels: { ...labels, status: `${i + 1}xx` }, value })),
      ),
    },
    {
      name: 'tidegate_errors_total',
      type: 'counter',
      help: 'Answers that Tidegate made by itself, by code.',
      samples: all.flatMap(({ one, labels }) =>
        Object.entries(one.errors).map(([code, value]) => ({ labels: { ...labels, code }, value })),
      ),
    },
    {
      name: 'tidegate_request_duration_seconds',
      type: 'histogram',
      help: 'From the head of a request to the end of its answer.',
      samples: all.flatMap(({ one, labels }) => histogram(one, labels, boundsS)),
    },
    {
      name: 'tidegate_wake_first_byte_seconds',
      type: 'histogram',
      help: 'From the end of the wait of a request for a wake to the head of its answer, by the tier in which the set slept.',
      samples: firstBytesByTier(all).flatMap(([tier, sum]) => histogram(sum, { tier }, boundsS)),
    },
    simple('tidegate_requests_aborted_total', 'Requests whose client left before the answer.', (one) => one.aborted),
    simple('tidegate_requests_held_total', 'Requests held for a wake or for room.', (one) => one.held),
    simple('tidegate_retries_total', 'Further tries on other replicas.', (one) => one.retries),
    simple('tidegate_ejections_total', 'Times a replica was left out for its answers.', (one) => one.ejections),
    simple('tidegate_upgrades_total', 'Connections that changed protocol, such as WebSockets.', (one) => one.upgrades),
    simple('tidegate_received_bytes_total', 'Body bytes from clients.', (one) => one.bytesIn),
    simple('tidegate_sent_bytes_total', 'Body bytes to clients.', (one) => one.bytesOut),
  ];
}

/** What replicas of each revision were asked, try by try: a failure that was made good elsewhere counts as well. */
export function revisionMetrics(counts: Iterable<RevisionCounts>): MetricFamily[] {
  const all = Array.from(counts, (one) => ({ one, labels: { ...labelsOf(one.key), revision: one.revision } }));
  return [
    {
      name: 'tidegate_revision_requests_total',
      type: 'counter',
      help: 'Tries at replicas of a revision by outcome: answered, or failed (5xx, no answer, cut).',
      samples: all.flatMap(({ one, labels }) => [
        { labels: { ...labels, outcome: 'answered' }, value: one.requests - one.errors },
        { labels: { ...labels, outcome: 'failed' }, value: one.errors },
      ]),
    },
    {
      name: 'tidegate_revision_response_seconds',
      type: 'histogram',
      help: 'From the choice of a replica to the head of its answer, by revision.',
      samples: all.flatMap(({ one, labels }) => {
        return histogram(
          { latency: coarseLatency(one.latency), latencySumS: one.latencySumS },
          labels,
          LATENCY_BOUNDS_S,
        );
      }),
    },
  ];
}

/** What requests waited for wakes, over all sets. */
export function wakeMetrics(
  times: Iterable<Pick<TrafficCounts, 'latency' | 'latencySumS'> & { readonly tier: string; readonly phase: string }>,
): MetricFamily {
  return {
    name: 'tidegate_wake_phase_seconds',
    type: 'histogram',
    help: 'Parts of the wait of a request for a wake: decide, engine, probe, queue; by the tier in which the set slept.',
    samples: Array.from(times, (one) => histogram(one, { tier: one.tier, phase: one.phase }, LATENCY_BOUNDS_S)).flat(),
  };
}

type Histogram = Pick<TrafficCounts, 'latency' | 'latencySumS'>;

/** Over all sets. */
function firstBytesByTier(
  all: readonly { readonly one: TrafficCounts }[],
): (readonly [tier: string, sum: Histogram])[] {
  const sums = new Map<string, Histogram>();
  for (const { one } of all) {
    for (const [tier, { latency, latencySumS }] of Object.entries(one.firstBytes)) {
      const sum = sums.get(tier) ?? { latency: [], latencySumS: 0 };
      const added = latency.map((value, i) => value + (sum.latency[i] ?? 0));
      sums.set(tier, { latency: added, latencySumS: sum.latencySumS + latencySumS });
    }
  }
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

type Labels = Readonly<Record<string, string>>;

function histogram(
  one: Pick<TrafficCounts, 'latency' | 'latencySumS'>,
  labels: Labels,
  boundsS: readonly number[],
): MetricSample[] {
  let sum = 0;
  const buckets = one.latency.map((value, i): MetricSample => {
    sum += value;
    const le = boundsS[i] === undefined ? '+Inf' : String(boundsS[i]);
    return { suffix: '_bucket', labels: { ...labels, le }, value: sum };
  });
  return [...buckets, { suffix: '_sum', labels, value: one.latencySumS }, { suffix: '_count', labels, value: sum }];
}

/** Empty names stand for requests that belong to no set. */
function labelsOf(key: SetKey | null): Labels {
  const [tenant = '', app = '', set = ''] = key?.split('/') ?? [];
  return { tenant, app, set };
}
