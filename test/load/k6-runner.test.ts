/** The k6 scripts, run under Node against a server that plays gateway and admin API. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Summary } from '../../load/k6-runtime/script.ts';

const LOAD = path.resolve(import.meta.dirname, '../../load');

interface Asked {
  readonly line: string;
  readonly hostname: string;
  readonly authorization: string;
  readonly body: string;
}

async function play(
  t: TestContext,
  status: (request: Asked) => number = () => 200,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { host = '', authorization = '' } = request.headers;
    const one = { line: `${request.method} ${request.url}`, hostname: host, authorization, body };
    asked.push(one);
    response.writeHead(status(one), { 'server-timing': 'wake;dur=5' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function runScript(
  script: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ code: number; summary: Summary }> {
  const flags = Object.entries(environment).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const child = spawn(process.execPath, [path.join(LOAD, 'k6-runner.ts'), path.join(LOAD, 'k6', script), ...flags]);
  let [out, words] = ['', ''];
  child.stdout.on('data', (text) => (out += String(text)));
  child.stderr.on('data', (text) => (words += String(text)));
  const [code] = (await once(child, 'close')) as [number];
  assert.notEqual(out, '', words);
  return { code, summary: JSON.parse(out) as Summary };
}

test('a script asks the app at its rate, and its checks and thresholds are judged', async (t) => {
  const { url, asked } = await play(t);
  const { summary } = await runScript('steady.js', { GATEWAY: url, APP: 'shop', SECONDS: '1', RATE: '20' });
  assert.equal(asked.length, 20);
  assert.deepEqual(new Set(asked.map((one) => `${one.line} ${one.hostname}`)), new Set(['GET / shop.localhost']));
  assert.equal(summary.metrics.http_reqs?.count, 20);
  const checks = summary.thresholds.find(({ threshold }) => threshold.startsWith('checks'));
  assert.deepEqual(checks, { threshold: 'checks: rate==1', value: 1, held: true });
});

test('a failed request breaks the thresholds, and the exit code says so', async (t) => {
  let count = 0;
  const { url } = await play(t, () => (++count === 5 ? 503 : 200));
  const { code, summary } = await runScript('steady.js', { GATEWAY: url, SECONDS: '1', RATE: '20' });
  assert.equal(code, 99);
  const broken = summary.thresholds.filter(({ held }) => !held).map(({ threshold }) => threshold);
  assert.ok(broken.includes('checks: rate==1') && broken.includes('http_req_failed: rate==0'), broken.join());
});

test('two scenarios run side by side, and teardown comes after them', async (t) => {
  const { url, asked } = await play(t);
  const settings = {
    GATEWAY: url,
    ADMIN: url,
    TOKEN: 'tide_op_x',
    APP: 'shop',
    SECONDS: '3',
    RATE: '5',
    EVERY_MS: '300',
  };
  const { summary } = await runScript('churn.js', settings);
  const scaled = asked.filter(({ line }) => line === 'PUT /v1/apps/shop/sets/web/scale');
  assert.ok(scaled.length >= 2);
  assert.equal(scaled[0]?.authorization, 'Bearer tide_op_x');
  assert.equal(scaled[0]?.body, '{"replicas":0}');
  assert.equal(scaled.at(-1)?.body, '{"replicas":null}');
  assert.equal(summary.metrics.put_to_sleep?.count, scaled.length - 1);
  assert.equal(summary.metrics.held_for_a_wake?.count, 15);
});

test('samples are told apart by their scenario', async (t) => {
  const { url, asked } = await play(t);
  const { summary } = await runScript('cold-start.js', { GATEWAY: url, SECONDS: '1', IDLE_MS: '1', CROWD: '7' });
  assert.equal(asked.length, 8);
  assert.equal(summary.metrics.wake_ms?.max, 5);
  assert.ok(summary.thresholds.some(({ threshold }) => threshold === 'http_req_duration{scenario:crowd}: max<10000'));
});

test('the other scripts run as well', async (t) => {
  const { url, asked } = await play(t);
  for (const script of ['spike.js', 'soak.js']) {
    const { summary } = await runScript(script, { GATEWAY: url, SECONDS: '1', RATE: '20' });
    assert.equal(summary.metrics.iteration_errors?.count, 0, script);
  }
  const lines = new Set(asked.map(({ line }) => line));
  assert.deepEqual(lines, new Set(['GET /', 'GET /bytes?n=262144', 'GET /work?ms=250', 'POST /echo']));
});

test('step tells what users notice while the app follows from what they notice afterwards', async (t) => {
  const { url, asked } = await play(t);
  const { summary } = await runScript('step.js', { GATEWAY: url, SECONDS: '9', RATE: '30' });
  assert.deepEqual(new Set(asked.map((one) => one.line)), new Set(['GET /work?ms=100']));
  const steady = summary.thresholds.find(({ threshold }) => threshold.includes('during:steady'));
  assert.ok(steady !== undefined && steady.value !== null && asked.length > 100);
});

test('a day comes and goes as its rates say, with its burst', async (t) => {
  const { url, asked } = await play(t);
  const settings = { GATEWAY: url, SECONDS: '2', LOW: '10', NOON: '20', BURST: '100' };
  const { summary } = await runScript('diurnal.js', settings);
  assert.deepEqual(new Set(asked.map((one) => one.line)), new Set(['GET /work?ms=100']));
  assert.equal(asked.length, 39); // without the burst it were 28
  assert.equal(summary.metrics.http_reqs?.count, 39);
});

test('of many apps each is asked in its turn, and who waits for a wake is counted', async (t) => {
  const { url, asked } = await play(t);
  const settings = { GATEWAY: url, APP: 'shop', SECONDS: '2', COUNT: '3', RATE: '300' };
  const { summary } = await runScript('asleep.js', settings);
  assert.deepEqual(
    new Set(asked.map((one) => one.hostname)),
    new Set(['shop-1.localhost', 'shop-2.localhost', 'shop-3.localhost']),
  );
  assert.equal(summary.metrics.wake_ms?.count, asked.length);
});
