/** Tidegate in several processes: what a visitor sees when one of them dies, and when a new version takes over. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { runHello } from '#test/support/hello';
import { SteadyLoad } from '#test/support/steady-load';
import { ask, startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

const TWO_WORKERS = { TIDEGATE_WORKERS: '2' };

let engine: TestEngine;
let tidegate: TidegateProcess | null = null;

before(async () => {
  engine = await startTestEngine();
  await engine.images.hello();
});
after(() => engine.close());
afterEach(async () => {
  await tidegate?.close();
  tidegate = null;
  await engine.reset();
});

/** Children of a process that have this role. */
function childrenOf(parent: number, role: 'control' | 'worker'): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const ppid = / \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''))?.[1];
        return Number(ppid) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(role);
      } catch {
        return false;
      }
    });
}

async function startWithTwo(labels: Record<string, string> = {}): Promise<TidegateProcess> {
  await runHello(engine, { name: 'shop', labels: { 'tidegate.app': 'shop', ...labels } });
  tidegate = await startTidegate({ docker: engine.socket, settings: TWO_WORKERS });
  assert.equal((await tidegate.ask('shop.localhost')).status, 200);
  return tidegate;
}

test('requests over all workers count as one in the metrics and wake a sleeping set once', async () => {
  const one = await startWithTwo({ 'tidegate.scale.min': '0', 'tidegate.scale.pause': '500ms' });
  await until(async () => (await one.adminJson<{ state: string }>('/v1/apps/shop/sets/web')).state === 'frozen');
  const { port } = one;
  const asks = Array.from({ length: 200 }, () => ask(port, { headers: { host: 'shop.localhost' } }));
  const answers = await Promise.all(asks);
  assert.ok(answers.every((answer) => answer.status === 200));
  const metrics = (await one.admin('/metrics')).body;
  const counted = /^tidegate_requests_total\{.*app="shop".*status="2xx".*\} (\d+)$/m.exec(metrics)?.[1];
  assert.equal(Number(counted), 201);
  assert.equal(childrenOf(one.pid, 'worker').length, 2);
});

test('a killed worker is replaced, and breaks at most what it had in flight', async (t) => {
  const one = await startWithTwo();
  const [victim = 0] = childrenOf(one.pid, 'worker');
  const load = new SteadyLoad({ port: one.port, hostname: 'shop.localhost', perSecond: 100 });
  t.after(() => load.stop());
  await until(() => load.sent >= 50);
  process.kill(victim, 'SIGKILL');
  await until(() => {
    const now = childrenOf(one.pid, 'worker');
    return now.length === 2 && !now.includes(victim);
  });
  const before = load.sent;
  await until(() => load.sent >= before + 50);
  const { outcomes } = await load.stop();
  const { 200: good = 0, ...others } = outcomes;
  const broken = Object.values(others).reduce((sum, count) => sum + count, 0);
  assert.ok(good > 90, JSON.stringify(outcomes));
  assert.ok(broken < 50, JSON.stringify(outcomes));
  assert.deepEqual(
    Object.keys(others).filter((what) => /^\d/.test(what)),
    [],
    'no answer but 200',
  );
  await until(async () => (await one.admin('/v1/events')).body.includes('worker.exited'));
});

test('a killed control costs running sets nothing, and wakes go on when it is back', async (t) => {
  const one = await startWithTwo();
  await runHello(engine, {
    name: 'nap',
    start: false,
    labels: { 'tidegate.app': 'nap', 'tidegate.scale.min': '0' },
  });
  await until(async () => (await one.admin('/v1/apps/nap')).status === 200);
  const [victim = 0] = childrenOf(one.pid, 'control');
  const load = new SteadyLoad({ port: one.port, hostname: 'shop.localhost', perSecond: 100 });
  t.after(() => load.stop());
  await until(() => load.sent >= 50);
  process.kill(victim, 'SIGKILL');
  assert.equal((await one.ask('nap.localhost')).status, 200);
  await until(async () => (await one.admin('/readyz')).status === 200);
  const before = load.sent;
  await until(() => load.sent >= before + 100);
  const result = await load.stop();
  assert.equal(result.failed, 0, JSON.stringify(result.outcomes));
});

test('a new version takes over while clients connect, without one of them noticing', async () => {
  const one = await startWithTwo();
  const { port } = one;
  const old = [...childrenOf(one.pid, 'worker'), ...childrenOf(one.pid, 'control')];
  const outcomes = new Map<string, number>();
  let open = 0;
  let made = 0;
  const count = (what: string): void => {
    open--;
    outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  };
  const ticker = setInterval(() => {
    for (let i = 0; i < 5; i++) {
      made++;
      open++;
      ask(port, { headers: { host: 'shop.localhost' } }).then(
        ({ status }) => count(String(status)),
        (error) => count(String(error)),
      );
    }
  }, 10);
  await until(() => made >= 100);
  process.kill(one.pid, 'SIGUSR2');
  await until(
    () => {
      const now = [...childrenOf(one.pid, 'worker'), ...childrenOf(one.pid, 'control')];
      return now.length === 3 && !now.some((pid) => old.includes(pid));
    },
    { what: 'the old generation is gone', timeoutMs: 60_000 },
  ).finally(() => clearInterval(ticker));
  await until(() => open === 0);
  assert.deepEqual([...outcomes.keys()], ['200'], JSON.stringify([...outcomes]));
  assert.equal((await one.admin('/readyz')).status, 200);
  assert.equal(await one.stop('SIGINT'), 0);
});
