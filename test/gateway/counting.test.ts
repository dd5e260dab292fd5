/** Metrics and access log: every request is counted once, in the right place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LATENCY_BOUNDS_S } from '#core/latency';
import { AccessLog } from '#gateway/access-log';
import { SetMetrics } from '#gateway/metrics';
import { until } from '#test/support/until';
import { onEveryLane } from './support/rig.ts';
import { echo } from './support/upstreams.ts';

test('latency falls into the bucket whose bound it does not exceed', () => {
  const metrics = new SetMetrics();
  for (const ms of [0.5, 1, 1.001, 60_000, 60_001]) metrics.answered(200, ms);
  const { latency, latencySumS, requests } = metrics.collect(null);
  assert.equal(latency.length, LATENCY_BOUNDS_S.length + 1);
  assert.equal(latency[0], 2);
  assert.equal(latency[1], 1);
  assert.equal(latency.at(-2), 1);
  assert.equal(latency.at(-1), 1);
  assert.equal(requests[1], 5);
  assert.ok(Math.abs(latencySumS - 120.003501) < 1e-6);
});

const record = {
  id: 'a',
  client: '::1',
  method: 'GET',
  hostname: 'a.test',
  path: '/',
  status: 200,
  bytesIn: 0,
  bytesOut: 0,
  set: null,
  replica: null,
  tries: 0,
  wakeMs: null,
  error: null,
  certificate: null,
};

function accessLog(takes: (lines: string) => boolean, chance: () => number = () => 0): AccessLog {
  return new AccessLog({ write: takes, sample: 0.5, wall: () => 0, random: chance });
}

test('sampling leaves out answers but no server errors', () => {
  const texts: string[] = [];
  let chance = 0.9;
  const log = accessLog(
    (lines) => texts.push(lines) > 0,
    () => chance,
  );
  log.record(record, 1.23456, false);
  log.flush();
  assert.equal(texts.length, 0);
  log.record({ ...record, status: 503 }, 1, false);
  chance = 0.4;
  log.record(record, 1.23456, false);
  log.flush();
  const lines = texts
    .join('')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ status }) => status),
    [503, 200],
  );
  assert.equal(lines[1].ms, 1.235);
});

test('what a client sends cannot break a line of the access log', () => {
  const texts: string[] = [];
  const log = accessLog((lines) => texts.push(lines) > 0);
  const path = '/"\\\u00e9\u0001';
  const odd = { ...record, path, hostname: 'a"b', replica: 'r\\', set: 'a/b/"', certificate: 'AB:CD' } as const;
  log.record(odd, 1, true);
  log.flush();
  const { at, ...rest } = JSON.parse(texts.join(''));
  assert.equal(at, '1970-01-01T00:00:00.000Z');
  assert.deepEqual(rest, { ...odd, ms: 1, cut: true });
});

test('a reader that is too slow for the access log costs lines, not memory', () => {
  const texts: string[] = [];
  let takes = false;
  const log = accessLog((lines) => {
    texts.push(lines);
    return takes;
  });
  log.record(record, 1, false);
  log.flush();
  for (let i = 0; i < 10; i++) log.record(record, 1, false);
  log.flush();
  assert.equal(texts.length, 1);
  assert.equal(log.dropped, 10);
  takes = true;
  log.ready();
  log.record(record, 1, false);
  log.flush();
  assert.equal(texts.length, 2);
});

onEveryLane('every request is counted once', {}, async (rig) => {
  const replica = await rig.app((incoming, response) => {
    response.statusCode = Number(incoming.url?.slice(1)) || 200;
    incoming.resume();
    response.end('12345');
  });
  const { pool } = rig.addSet({ ports: [replica.port] });
  for (const status of [200, 201, 302, 404, 404, 500]) await rig.send({ path: `/${status}` });
  await rig.send({ method: 'POST', body: 'abc' });
  await rig.send({ host: 'nobody.test' });
  const counts = rig.counts();
  assert.deepEqual(counts.requests, [0, 3, 1, 2, 1]);
  assert.equal(
    counts.latency.reduce((sum, one) => sum + one),
    7,
  );
  assert.equal(counts.bytesIn, 3);
  assert.equal(counts.bytesOut, 35);
  assert.equal(counts.inFlight, 0);
  const unrouted = rig.gateway.collect().sets.at(-1);
  assert.equal(unrouted?.key, null);
  assert.deepEqual(unrouted?.requests, [0, 0, 0, 1, 0]);
  rig.table.remove(pool.key);
  assert.equal(rig.gateway.collect().sets.length, 1, 'a set that is gone is not counted for ever');
});

const lines: string[] = [];
onEveryLane('the access log has a line for every request', { accessLog: (line) => lines.push(line) }, async (rig) => {
  lines.length = 0;
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  const answer = await rig.send({ method: 'POST', path: '/a?token=secret', body: 'abc' });
  await rig.send({ host: 'nobody.test' });
  await until(() => lines.length === 2);
  const [first, second] = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    { ...first, at: '', id: '', ms: 0, bytesOut: 0 },
    {
      at: '',
      id: '',
      client: '127.0.0.1',
      method: 'POST',
      hostname: 'app.test',
      path: '/a',
      set: 'default/app/web',
      status: 200,
      ms: 0,
      bytesIn: 3,
      bytesOut: 0,
      replica: 'app-web-1',
      tries: 1,
      wakeMs: null,
      error: null,
      cut: false,
    },
  );
  assert.equal(first.bytesOut, answer.body.length);
  assert.equal(second.status, 404);
  assert.equal(second.error, 'no_route');
  assert.equal(second.set, null);
});
