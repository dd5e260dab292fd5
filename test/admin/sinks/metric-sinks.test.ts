/** Sending metrics: real receivers, places that are down, and what that costs. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { MetricFamily } from '#admin/ports';
import { MetricSinks } from '#admin/sinks/metric-sinks';
import { OtlpSink } from '#admin/sinks/otlp-sink';
import type { MetricSink } from '#admin/sinks/sink';
import { StatsdSink } from '#admin/sinks/statsd-sink';
import { jsonLog } from '#core/log';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';

const FAMILIES: readonly MetricFamily[] = [
  {
    name: 'tidegate_requests_total',
    type: 'counter',
    help: 'Requests.',
    samples: [{ labels: { app: 'shop' }, value: 3 }],
  },
  {
    ...{ name: 'tidegate_replica_cpu_seconds_total', type: 'counter', help: 'Time.', isOlder: true },
    samples: [{ labels: { replica: 'local/abc' }, value: 1.5 }],
  },
  { name: 'tidegate_ready', type: 'gauge', help: 'Ready.', samples: [{ value: 1 }] },
  {
    ...{ name: 'tidegate_request_duration_seconds', type: 'histogram', help: 'Times.' },
    samples: [
      { suffix: '_bucket', labels: { app: 'shop', le: '0.1' }, value: 1 },
      { suffix: '_bucket', labels: { app: 'shop', le: '1' }, value: 3 },
      { suffix: '_bucket', labels: { app: 'shop', le: '+Inf' }, value: 4 },
      { suffix: '_sum', labels: { app: 'shop' }, value: 2.5 },
      { suffix: '_count', labels: { app: 'shop' }, value: 4 },
    ],
  },
];
const RESOURCE = { version: '1.2.3', instance: 'ins_1', since: 1000 };

function ground(sink: MetricSink) {
  const clock = new FakeClock(5000);
  const lines: string[] = [];
  const log = jsonLog({ level: 'info', write: (line) => lines.push(line), wall: () => 0 });
  const sinks = new MetricSinks({ clock, log, sinks: [sink], collect: async () => FAMILIES });
  const outcomes = () => [...(sinks.families()[0]?.samples ?? [])].map(({ value }) => value);
  return { clock, lines, sinks, outcomes };
}

test('a StatsD server gets counters, gauges and distributions', async (t) => {
  const server = createSocket('udp4');
  t.after(() => server.close());
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const got: string[] = [];
  server.on('message', (message) => got.push(...message.toString().split('\n')));
  const { port } = server.address();
  const { clock, sinks, outcomes } = ground(
    new StatsdSink({ host: '127.0.0.1', port, prefix: 'edge.', hasTags: true }),
  );
  await clock.advance(10_000);
  await until(() => got.length === 4 && outcomes()[0] === 1, { what: 'all lines are there' });
  assert.deepEqual(got, [
    'edge.tidegate_requests_total:3|c|#app:shop',
    'edge.tidegate_ready:1|g',
    'edge.tidegate_request_duration_seconds_sum:2.5|c|#app:shop',
    'edge.tidegate_request_duration_seconds_count:4|c|#app:shop',
  ]);
  await clock.advance(10_000);
  await until(() => got.length > 4 && outcomes()[0] === 2, { what: 'it was sent again' });
  assert.deepEqual(got.slice(4), ['edge.tidegate_ready:1|g'], 'no counter grew');
  sinks.close();
  assert.equal(clock.pendingCount, 0);
});

interface Asked {
  readonly request: IncomingMessage;
  readonly body: string;
}

/** A collector that answers as it is told. */
async function collector(t: { after: (run: () => void) => void }) {
  const asked: Asked[] = [];
  const answer = { status: 200, body: '{}' };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      asked.push({ request, body });
      response.writeHead(answer.status, { 'content-type': 'application/json', location: '/elsewhere' });
      response.end(answer.body);
    });
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { asked, answer, server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/otlp` };
}

test('a collector gets a request as the protocol has it, with its headers', async (t) => {
  const { asked, answer, endpoint } = await collector(t);
  answer.body = '{"partialSuccess":{"rejectedDataPoints":"2"}}';
  const { clock, sinks, outcomes } = ground(
    new OtlpSink({ endpoint, headers: { authorization: 'Bearer secret' }, resource: RESOURCE }),
  );
  await clock.advance(10_000);
  await until(() => outcomes()[0] === 1, { what: 'it was sent' });
  const { request, body } = asked[0] ?? assert.fail();
  assert.deepEqual(
    [request.method, request.url, request.headers['content-type'], request.headers.authorization],
    ['POST', '/otlp/v1/metrics', 'application/json', 'Bearer secret'],
  );
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const now = { timeUnixNano: '15000000000' };
  const since = { startTimeUnixNano: '1000000000' };
  const shop = { attributes: [text('app', 'shop')] };
  assert.deepEqual(JSON.parse(body), {
    resourceMetrics: [
      {
        resource: {
          attributes: [
            text('service.name', 'tidegate'),
            text('service.version', '1.2.3'),
            text('service.instance.id', 'ins_1'),
          ],
        },
        scopeMetrics: [
          {
            scope: { name: 'tidegate', version: '1.2.3' },
            metrics: [
              {
                ...{ name: 'tidegate_requests_total', description: 'Requests.', unit: '1' },
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: [{ ...shop, ...now, ...since, asDouble: 3 }],
                },
              },
              {
                ...{ name: 'tidegate_replica_cpu_seconds_total', description: 'Time.', unit: 's' },
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: [{ attributes: [text('replica', 'local/abc')], ...now, asDouble: 1.5 }],
                },
              },
              {
                ...{ name: 'tidegate_ready', description: 'Ready.', unit: '1' },
                gauge: { dataPoints: [{ attributes: [], ...now, asDouble: 1 }] },
              },
              {
                ...{ name: 'tidegate_request_duration_seconds', description: 'Times.', unit: 's' },
                histogram: {
                  aggregationTemporality: 2,
                  dataPoints: [
                    {
                      ...{ ...shop, ...now, ...since, count: '4', sum: 2.5 },
                      ...{ bucketCounts: ['1', '2', '1'], explicitBounds: [0.1, 1] },
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  });
  assert.equal([...(sinks.families()[1]?.samples ?? [])][0]?.value, 2, 'what it refused is counted');
  sinks.close();
});

test('an outage is two lines in the log, however long, and no secret is in them', async (t) => {
  const { asked, answer, endpoint } = await collector(t);
  answer.status = 307;
  const { clock, lines, sinks, outcomes } = ground(
    new OtlpSink({ endpoint, headers: { authorization: 'Bearer secret' }, resource: RESOURCE }),
  );
  for (const [n, status] of [307, 401, 503].entries()) {
    answer.status = status;
    await clock.advance(10_000);
    await until(() => outcomes()[1] === n + 1, { what: `it failed ${n + 1} times` });
  }
  answer.status = 200;
  await clock.advance(10_000);
  await until(() => outcomes()[0] === 1, { what: 'it was sent' });
  assert.deepEqual(
    lines.map((line) => {
      const { level, sink, missed } = JSON.parse(line) as Record<string, unknown>;
      return { level, sink, missed };
    }),
    [
      { level: 'warn', sink: 'otlp', missed: undefined },
      { level: 'info', sink: 'otlp', missed: 3 },
    ],
  );
  assert.ok(!lines.join('').includes('secret'));
  assert.ok(
    asked.every(({ request }) => request.url === '/otlp/v1/metrics'),
    'a redirect is not followed',
  );
  sinks.close();
});

test('a sink that hangs is asked for nothing more until its time is over', async () => {
  let tries = 0;
  let aborted = 0;
  const { clock, sinks, outcomes } = ground({
    name: 'stuck',
    send: (_, signal) => {
      tries++;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted++;
          // It takes its time to give up, too.
          clock.after(12_000, () => reject(new Error('late')));
        });
      });
    },
  });
  await clock.advance(10_000);
  assert.deepEqual([tries, aborted], [1, 0]);
  await clock.advance(10_000);
  assert.deepEqual([tries, aborted], [1, 1], 'it is busy');
  await clock.advance(10_000);
  assert.deepEqual([tries, outcomes()], [2, [0, 1]]);
  sinks.close();
  assert.equal(aborted, 2);
});
