/** The client that measures. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { answers, ask, firstAnswer, Sampler, timingsOf } from '../../load/client.ts';
import { freePort } from '../../load/processes.ts';
import { until } from '../support/until.ts';

const LATE_MS = 100;
const TIMEOUT_MS = 20_000;

async function serve(t: TestContext, listener: RequestListener, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer(listener).listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

test('an answer is timed to its end and carries what the gateway says of the wake', async (t) => {
  const { port } = await serve(t, (request, response) => {
    response.setHeader('server-timing', `db;dur=1, wake;dur=12.5`);
    response.end(`for ${request.headers.host}`);
  });
  const answer = await ask({ host: '127.0.0.1', port, hostname: 'shop.localhost', timeoutMs: TIMEOUT_MS });
  assert.equal(answer.status, 200);
  assert.equal(answer.wakeMs, 12.5);
  assert.ok(answer.ms > 0);
});

test('a cut answer and one that does not come are no answers', async (t) => {
  const { port } = await serve(t, (request, response) => {
    if (request.url !== '/cut') return;
    response.writeHead(200, { 'content-length': 10 }).write('half');
    setImmediate(() => response.destroy());
  });
  const address = { host: '127.0.0.1', port, hostname: null };
  await assert.rejects(ask({ ...address, path: '/cut', timeoutMs: TIMEOUT_MS }));
  await assert.rejects(ask({ ...address, path: '/silent', timeoutMs: 50 }), /no answer within 50 ms/);
});

test('the first answer is the first 200, through refused connections and other statuses', async (t) => {
  const port = await freePort();
  let asked = 0;
  const found = firstAnswer(
    { host: '127.0.0.1', port, hostname: null, timeoutMs: TIMEOUT_MS, everyMs: 1 },
    new AbortController().signal,
  );
  await serve(t, (_request, response) => response.writeHead(++asked < 3 ? 503 : 200).end(), port);
  assert.equal((await found).status, 200);
  assert.equal(asked, 3);
});

test('whoever waits for a first answer in vain hears what came last', async (t) => {
  const { port } = await serve(t, (_request, response) => response.writeHead(404).end());
  const options = { host: '127.0.0.1', port, hostname: null, timeoutMs: 50, everyMs: 1 };
  await assert.rejects(firstAnswer(options, new AbortController().signal), /no 200 within 50 ms \(last: (404|Error)/);
  await assert.rejects(
    firstAnswer({ ...options, timeoutMs: TIMEOUT_MS }, AbortSignal.abort(new Error('enough'))),
    /enough/,
  );
});

test('a sampler keeps times of good answers apart from everything else', async (t) => {
  let asked = 0;
  const { port } = await serve(t, (_request, response) => response.writeHead(asked++ === 0 ? 500 : 200).end());
  const sampler = new Sampler({ host: '127.0.0.1', port, hostname: null, timeoutMs: TIMEOUT_MS }, 1);
  await until(() => sampler.times.length >= 3);
  await sampler.stop();
  assert.deepEqual(sampler.failures, ['status 500']);
  assert.equal(sampler.times.length, asked - 1);
});

test('a sampler whose turn comes late asks all that is due', async (t) => {
  let asked = 0;
  const { port } = await serve(t, (_request, response) => {
    asked++;
    response.end();
  });
  const sampler = new Sampler({ host: '127.0.0.1', port, hostname: null, timeoutMs: TIMEOUT_MS }, 1);
  const until = performance.now() + LATE_MS;
  while (performance.now() < until);
  // One turn of the timers, in which the sampler's own comes first.
  await new Promise<void>((resolve) => setTimeout(resolve, 1));
  await sampler.stop();
  assert.ok(asked >= LATE_MS, `${asked} of ${LATE_MS}`);
});

test('nobody answers on a port that nobody listens on', async () => {
  assert.equal(await answers(await freePort(), null), false);
});

test('the wake is found among other metrics, and nowhere else', () => {
  assert.equal(timingsOf('cache;desc="wake;dur=9", wake;desc="cold";dur=3.25').get('wake'), 3.25);
  assert.deepEqual([...timingsOf('awake;dur=3, miss')], [['awake', 3]]);
  assert.deepEqual([...timingsOf('wake')], []);
  assert.deepEqual([...timingsOf('')], []);
});
