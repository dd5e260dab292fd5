/** Traffic between revisions through real workers: who reaches which, and that a switch is one. */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, test } from 'node:test';
import { deployHello, endOf } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

const SETTINGS = { TIDEGATE_WORKERS: '2', TIDEGATE_TRUSTED_PROXIES: '127.0.0.1/32' };
const VISITORS = 8;

let engine: TestEngine;
let tidegate: TidegateProcess;
let image: string;

/** r1 and r2 answer with their names. */
before(async () => {
  engine = await startTestEngine();
  image = await engine.images.hello();
  tidegate = await startTidegate({ docker: engine.socket, settings: SETTINGS });
  for (const name of ['r1', 'r2']) await deployHello(tidegate, { image, more: { containers: [answers(name)] } });
  await put({ targets: [weight('r1', 50), weight('r2', 50)] });
  await until(async () => new Set((await visits(20)).map(({ text }) => text)).size === 2, { what: 'both answer' });
});
after(async () => {
  await tidegate?.close();
  await engine.close();
});

function answers(text: string, status = 200): object {
  const script = `require('http').createServer((q, s) => { s.statusCode = q.url === '/healthz' ? 200 : ${status}; s.end('${text}') }).listen(8080)`;
  return { name: 'main', image, options: { command: ['node', '-e', script] } };
}

function weight(revision: string, share: number): { revision: string; weight: number } {
  return { revision, weight: share };
}

async function put(traffic: object): Promise<void> {
  await tidegate.adminJson('/v1/apps/shop/sets/web/traffic', { method: 'PUT', body: JSON.stringify(traffic) });
}

interface Visit {
  /** Before it was sent, ms. */
  readonly at: number;
  readonly status: number;
  readonly text: string;
  readonly cookie: string | null;
}

function visit(agent: Agent | false, headers: Record<string, string> = {}): Promise<Visit> {
  const at = performance.now();
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: tidegate.port, agent, headers: { host: 'shop.localhost', ...headers } };
    const call = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      const cookie = response.headers['set-cookie']?.[0] ?? null;
      response.on('end', () => resolve({ at, status: response.statusCode ?? 0, text, cookie }));
    });
    call.on('error', reject);
    call.end();
  });
}

/** So many visits on connections of their own, which are spread over the workers. */
async function visits(count: number, headers: (i: number) => Record<string, string> = () => ({})): Promise<Visit[]> {
  return await Promise.all(Array.from({ length: count }, (_, i) => visit(false, headers(i))));
}

/** Visitors who ask without a break, over connections that are kept. */
class Crowd {
  readonly seen: Visit[] = [];
  readonly failures: unknown[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: VISITORS });
  readonly #loops: Promise<void>[];
  #over = false;

  constructor() {
    this.#loops = Array.from({ length: VISITORS }, () => this.#loop());
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#loops);
    this.#agent.destroy();
  }

  async #loop(): Promise<void> {
    while (!this.#over) {
      try {
        this.seen.push(await visit(this.#agent));
      } catch (error) {
        this.failures.push(error);
      }
    }
  }
}

test('after a switch was answered no request reaches the old revision, however often it is switched', async (t) => {
  await put({ targets: [weight('r1', 100), weight('r2', 0)] });
  const crowd = new Crowd();
  const switches: { at: number; to: string }[] = [];
  for (let i = 0; i < 20; i++) {
    const to = i % 2 === 0 ? 'r2' : 'r1';
    await put({ targets: [weight('r1', to === 'r1' ? 100 : 0), weight('r2', to === 'r2' ? 100 : 0)] });
    const at = performance.now();
    switches.push({ at, to });
    await until(() => crowd.seen.filter((one) => one.at > at).length >= 20, { what: 'requests after the switch' });
    // Those that are under way when the next switch is asked for may go either way.
    switches.push({ at: performance.now(), to: 'any' });
  }
  await crowd.end();
  assert.deepEqual(crowd.failures, []);
  let checked = 0;
  for (const { at, status, text } of crowd.seen) {
    assert.equal(status, 200);
    const { to = 'any' } = switches.findLast((one) => one.at < at) ?? {};
    if (to === 'any') continue;
    checked++;
    assert.equal(text, to, `a request ${at - (switches.findLast((one) => one.at < at)?.at ?? 0)} ms after the switch`);
  }
  t.diagnostic(`${crowd.seen.length} requests, ${checked} of them after a switch and before the next`);
  assert.ok(checked >= 400);
});

test('traffic is split by weight over all workers, and counted by revision', async (t) => {
  await put({ targets: [weight('r1', 90), weight('r2', 10)] });
  const before = await requestsOf('r2');
  let onNew = 0;
  for (let i = 0; i < 30; i++) {
    for (const { text } of await visits(50)) if (text === 'r2') onNew++;
  }
  t.diagnostic(`${onNew} of 1500 at a weight of 10 in 100`);
  // 150 expected, standard deviation 11.6: five of them on either side.
  assert.ok(onNew >= 92 && onNew <= 208, String(onNew));
  await until(async () => (await requestsOf('r2')) - before === onNew, { what: 'as many were counted' });
});

async function requestsOf(revision: string): Promise<number> {
  const { body } = await tidegate.admin('/metrics');
  const line = new RegExp(
    `^tidegate_revision_requests_total\\{.*revision="${revision}".*outcome="answered".*\\} (\\d+)$`,
    'm',
  );
  return Number(line.exec(body)?.[1] ?? 0);
}

test('a match reaches a revision without weight, on every worker', async () => {
  const match = [{ header: 'X-Preview', value: 'next', revision: 'r2' }];
  await put({ targets: [weight('r1', 100), weight('r2', 0)], match });
  for (const { text } of await visits(40, () => ({ 'x-preview': 'next' }))) assert.equal(text, 'r2');
  for (const { text } of await visits(40)) assert.equal(text, 'r1');
});

test('visitors stay on their revision on every worker, and move with it when it has no weight', async () => {
  await put({ targets: [weight('r1', 50), weight('r2', 50)], sticky: true });
  const from = (i: number) => ({ 'x-forwarded-for': `203.0.113.${i}` });
  const first = await visits(40, from);
  const again = await visits(40, from);
  assert.deepEqual(
    again.map(({ text }) => text),
    first.map(({ text }) => text),
    'told by the address alone',
  );
  assert.equal(new Set(first.map(({ text }) => text)).size, 2);
  const cookies = first.map(({ cookie }) => ({ cookie: cookie?.split(';')[0] ?? '' }));
  await put({ targets: [weight('r1', 5), weight('r2', 95)], sticky: true });
  const kept = await visits(40, (i) => ({ ...from(i + 100), ...cookies[i] }));
  assert.deepEqual(
    kept.map(({ text }) => text),
    first.map(({ text }) => text),
    'told by the cookie',
  );
  await put({ targets: [weight('r1', 0), weight('r2', 100)], sticky: true });
  for (const { text } of await visits(40, (i) => ({ ...from(i), ...cookies[i] }))) assert.equal(text, 'r2');
});

test('a canary that answers with errors is taken back, and nobody reaches it any more', async (t) => {
  await put({ targets: [weight('r2', 100)] });
  const crowd = new Crowd();
  const deployment = {
    ...{ sets: ['web'], containers: [answers('r3', 500)], strategy: 'canary' },
    steps: [{ weight: 20, hold: '60s' }],
  };
  const { id } = await tidegate.adminJson<{ id: string }>('/v1/apps/shop/deployments', {
    method: 'POST',
    body: JSON.stringify(deployment),
  });
  const end = await endOf(tidegate, id);
  const at = performance.now();
  await until(() => crowd.seen.filter((one) => one.at > at).length >= 200, { what: 'requests after its end' });
  await crowd.end();
  assert.equal(end.state, 'failed', JSON.stringify(end));
  assert.equal(end.error?.code, 'canary.worse', JSON.stringify(end));
  const bad = crowd.seen.filter(({ status }) => status !== 200);
  t.diagnostic(`${bad.length} of ${crowd.seen.length} requests failed: ${end.error?.detail}`);
  assert.ok(bad.length > 0 && bad.every(({ text }) => text === 'r3'));
  assert.deepEqual(
    crowd.seen.filter((one) => one.at > at && one.text !== 'r2'),
    [],
  );
});
