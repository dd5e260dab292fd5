/** Traffic of an app: since the start, and over the last minute alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrafficCounts } from '#admin/traffic-metrics';
import { TrafficMinute } from '#admin/traffic-minute';
import { silentLog } from '#core/log';
import { snapshot } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';
import { live, Tidegate } from './tidegate.ts';

const BOUNDS_S = [0.01, 0.1, 1];

function counts(requests: number, errors: number, latency: number[], latencySumS: number): TrafficCounts {
  return {
    key: 'default/shop/web',
    requests: [0, requests - errors, 0, 0, errors],
    ...{ latency, latencySumS, bytesIn: requests, bytesOut: requests * 2, errors: {} },
    ...{ aborted: 0, retries: 0, ejections: 0, held: 0, upgrades: 0, firstBytes: {} },
  };
}

test('metrics tell of all, and of the last minute', async (t) => {
  const clock = new FakeClock();
  let now: TrafficCounts[] = [];
  let fails = false;
  const minute = new TrafficMinute({
    ...{ clock, log: silentLog, boundsS: BOUNDS_S },
    collect: async () => {
      if (fails) throw new Error('no worker answers');
      return now;
    },
  });
  t.after(() => minute.close());
  const tidegate = await Tidegate.start(100, { minute }, clock);
  tidegate.discover(snapshot('default/shop/web', []), live({ inFlight: 3 }));
  const ask = async () => (await tidegate.json('/v1/apps/shop/metrics')).json;
  assert.equal((await ask()).at('items.0.since_start.latency_ms'), null);

  await clock.advance(0);
  now = [counts(100, 10, [100, 0, 0, 0], 0.5)];
  await clock.advance(5000);
  const early = await ask();
  assert.equal(early.at('items.0.last_minute.requests'), 100);
  assert.equal(early.at('items.0.last_minute_seconds'), 5);
  assert.deepEqual(early.at('items.0.since_start.latency_ms'), { p50: 5, p95: 9.5, p99: 9.9, mean: 5 });
  assert.equal(early.at('items.0.in_flight'), 3);

  await clock.advance(120_000);
  now = [counts(110, 11, [100, 10, 0, 0], 1)];
  fails = true;
  await clock.advance(10_000);
  fails = false;
  const late = await ask();
  assert.deepEqual(late.at('items.0.last_minute'), {
    requests: 10,
    errors: 1,
    statuses: { '1xx': 0, '2xx': 9, '3xx': 0, '4xx': 0, '5xx': 1 },
    latency_ms: { p50: 55, p95: 95.5, p99: 99.1, mean: 50 },
    received_bytes: 10,
    sent_bytes: 20,
  });
  assert.equal(late.at('items.0.since_start.requests'), 110);
  assert.ok(Number(late.at('items.0.last_minute_seconds')) <= 60);
});
