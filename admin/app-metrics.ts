/** Endpoint of an app's traffic: requests, errors and latencies of each set, since the start and over the last minute. */
import { z } from '@hono/zod-openapi';
import { type Endpoints, NOTHING } from './endpoint.ts';
import type { KnownSets } from './known-sets.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { timeOf } from './time.ts';
import type { TrafficSummary } from './traffic-minute.ts';

const count = z.number().int();
const SummaryShape = z
  .object({
    requests: count,
    errors: count.openapi({ description: 'Answers of 500 and above, whoever gave them.' }),
    statuses: z.object({ '1xx': count, '2xx': count, '3xx': count, '4xx': count, '5xx': count }),
    latency_ms: z
      .object({ p50: z.number(), p95: z.number(), p99: z.number(), mean: z.number() })
      .nullable()
      .openapi({ description: 'From the head of a request to the end of its answer; null: there was none.' }),
    received_bytes: count.openapi({ description: 'Bodies of requests.' }),
    sent_bytes: count.openapi({ description: 'Bodies of answers.' }),
  })
  .openapi('TrafficSummary');

const MetricsShape = z
  .object({
    at: z.string().openapi({ format: 'date-time' }),
    items: z.array(
      z.object({
        set: z.string(),
        in_flight: count,
        held: count.openapi({ description: 'Requests in the waiting room.' }),
        ready: count,
        since_start: SummaryShape.openapi({ description: 'Of the gateways that run now.' }),
        last_minute: SummaryShape,
        last_minute_seconds: z
          .number()
          .openapi({ description: 'How long the last minute really is: Tidegate may have begun just now.' }),
      }),
    ),
  })
  .openapi('AppMetrics');

export function addAppMetrics(endpoints: Endpoints, known: KnownSets, ports: AdminPorts): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/metrics',
      id: 'getAppMetrics',
      summary: 'Traffic of the sets of an app: requests, errors and latencies',
      needs: 'read',
      params: z.object({ app: z.string() }),
      query: NOTHING,
      body: null,
      answer: MetricsShape,
      problems: ['not_found', 'unavailable'],
    },
    async ({ scope, params }) => {
      const { minute, clock } = ports;
      if (minute === undefined) return new Problem('unavailable', { detail: 'Nobody counts traffic here.' });
      const sets = known.app(scope.tenant, params.app);
      if (sets instanceof Problem) return sets;
      const traffic = await minute.of(sets.map(({ snapshot }) => snapshot.key));
      const items = sets.flatMap(({ snapshot, live }) => {
        const seen = traffic.get(snapshot.key);
        if (seen === undefined) return [];
        return {
          set: snapshot.set,
          in_flight: live?.inFlight ?? 0,
          held: live?.held ?? 0,
          ready: live?.ready ?? 0,
          since_start: summaryJson(seen.total),
          last_minute: summaryJson(seen.minute),
          last_minute_seconds: Math.round(seen.minuteMs / 100) / 10,
        };
      });
      return { at: timeOf(clock.wall()), items };
    },
  );
}

function summaryJson(summary: TrafficSummary): z.input<typeof SummaryShape> {
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = summary.byClass;
  return {
    requests: summary.requests,
    errors: summary.errors,
    statuses: { '1xx': first, '2xx': second, '3xx': third, '4xx': fourth, '5xx': fifth },
    latency_ms: summary.latencyMs,
    received_bytes: summary.receivedBytes,
    sent_bytes: summary.sentBytes,
  };
}
