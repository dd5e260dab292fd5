/** Replicas that come and go under load: stopped, killed, removed, restarted, made and taken away. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { type Hello, runHello } from '#test/support/hello';
import { type LoadResult, SteadyLoad } from '#test/support/steady-load';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

let engine: TestEngine;
let tidegate: TidegateProcess;

interface SetBody {
  readonly state: string;
  readonly replicas: readonly { readonly name: string; readonly phase: string }[];
}

before(async () => {
  engine = await startTestEngine();
  await engine.images.hello();
});
after(() => engine.close());
afterEach(async () => {
  await tidegate.close();
  await engine.reset();
});

/** Two containers of one set, both ready. */
async function twoReplicas(
  labels: Record<string, string> = {},
  env: Record<string, string> = {},
): Promise<[Hello, Hello]> {
  const all = { 'tidegate.app': 'shop', 'tidegate.set': 'web', ...labels };
  const pair: [Hello, Hello] = [
    await runHello(engine, { name: 'shop-1', labels: all, env }),
    await runHello(engine, { name: 'shop-2', labels: all, env }),
  ];
  tidegate = await startTidegate({ docker: engine.socket });
  await readyReplicas(2);
  return pair;
}

async function readyReplicas(count: number): Promise<SetBody> {
  return await until(
    async () => {
      const set = await tidegate.adminJson<SetBody>('/v1/apps/shop/sets/web');
      return set.replicas.filter((one) => one.phase === 'ready').length === count ? set : null;
    },
    { what: `${count} replicas are ready`, timeoutMs: 60_000 },
  );
}

/** Load before, during and after what is done; each request takes 5 ms of the app. */
async function underLoad(method: 'GET' | 'POST', act: () => Promise<unknown>): Promise<LoadResult> {
  const load = new SteadyLoad({
    port: tidegate.port,
    hostname: 'shop.localhost',
    perSecond: 150,
    method,
    path: '/work?ms=5',
    ...(method === 'POST' ? { body: 'x' } : {}),
  });
  try {
    await until(() => load.sent >= 100, { what: 'load before' });
    await act();
    const soFar = load.sent;
    await until(() => load.sent >= soFar + 150, { what: 'load after' });
  } catch (error) {
    // One that goes on would keep the whole file from ending.
    await load.stop();
    throw error;
  }
  return load.stop();
}

test('docker stop of one of two replicas fails no GET', async () => {
  const [first] = await twoReplicas();
  const result = await underLoad('GET', () => first.container.stop());
  assert.deepEqual(result.outcomes, { '200': result.sent });
});

test('docker stop of one of two replicas whose app answers what still arrives fails no POST', async () => {
  const [first] = await twoReplicas({}, { STOP_GRACE_MS: '1000' });
  const result = await underLoad('POST', () => first.container.stop());
  assert.deepEqual(result.outcomes, { '200': result.sent });
});

test('docker stop of one of two replicas whose app hangs up at once fails only POSTs that were on the wire to it', async () => {
  const [first] = await twoReplicas();
  const result = await underLoad('POST', () => first.container.stop());
  const reset = result.outcomes['502 upstream_reset'] ?? 0;
  assert.equal(result.failed, reset, JSON.stringify(result.outcomes));
  // The app is signalled before anybody else hears of it. What it has been sent by then and has not read is lost when it
  // hangs up, and may have been done: one request at this rate, more if the machine holds the app up at that moment.
  assert.ok(reset <= 5, JSON.stringify(result.outcomes));
});

test('docker kill of one of two replicas fails no GET', async () => {
  const [first] = await twoReplicas();
  const result = await underLoad('GET', () => first.container.kill());
  assert.deepEqual(result.outcomes, { '200': result.sent });
});

test('docker kill of one of two replicas fails only POSTs that were on the wire to it', async () => {
  const [first] = await twoReplicas();
  const result = await underLoad('POST', () => first.container.kill());
  const reset = result.outcomes['502 upstream_reset'] ?? 0;
  assert.equal(result.failed, reset, JSON.stringify(result.outcomes));
  // At 150 requests a second of 5 ms each some one is in flight to each replica; a stall of the machine adds a few.
  assert.ok(reset <= 15, JSON.stringify(result.outcomes));
});

test('docker rm -f of one of two replicas, and another in its place, fails no GET', async () => {
  const [first] = await twoReplicas();
  const result = await underLoad('GET', async () => {
    await first.container.remove({ force: true });
    await runHello(engine, { name: 'shop-1', labels: { 'tidegate.app': 'shop', 'tidegate.set': 'web' } });
    await readyReplicas(2);
  });
  assert.deepEqual(result.outcomes, { '200': result.sent });
});

test('docker restart of the only replica holds its requests and fails none', async () => {
  const hello = await runHello(engine, {
    name: 'shop-1',
    labels: { 'tidegate.app': 'shop', 'tidegate.set': 'web' },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  await readyReplicas(1);
  const result = await underLoad('GET', () => hello.container.restart());
  assert.deepEqual(result.outcomes, { '200': result.sent });
});

test('docker rm -f of the only replica, and another in its place, holds its requests and fails none', async () => {
  const hello = await runHello(engine, { name: 'shop-1', labels: { 'tidegate.app': 'shop', 'tidegate.set': 'web' } });
  tidegate = await startTidegate({ docker: engine.socket });
  await readyReplicas(1);
  const result = await underLoad('GET', async () => {
    await hello.container.remove({ force: true });
    await runHello(engine, { name: 'shop-1', labels: { 'tidegate.app': 'shop', 'tidegate.set': 'web' } });
  });
  assert.deepEqual(result.outcomes, { '200': result.sent });
});

test('a scale above what is there makes replicas like the newest one, and takes them away again', async () => {
  await runHello(engine, {
    name: 'shop-1',
    labels: { 'tidegate.app': 'shop', 'tidegate.set': 'web', 'tidegate.scale.max': '5' },
    env: { GREETING: 'kept' },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  await readyReplicas(1);
  const scale = (body: object) =>
    tidegate.admin('/v1/apps/shop/sets/web/scale', {
      method: 'PUT',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  assert.equal((await scale({ replicas: 3 })).status, 200);
  const set = await readyReplicas(3);
  assert.equal(set.replicas.length, 3);
  const names = set.replicas.map((one) => one.name).filter((name) => name !== 'shop-1');
  for (const name of names) {
    const { Config } = await engine.docker.getContainer(name).inspect();
    assert.ok(Config.Env.includes('GREETING=kept'));
    assert.equal(Config.Labels['tidegate.app'], 'shop');
  }
  const result = await underLoad('GET', async () => {
    assert.equal((await scale({ replicas: null })).status, 200);
    await until(async () => (await engine.docker.listContainers({ all: true })).length === 1, {
      what: 'the made replicas are gone',
      timeoutMs: 60_000,
    });
  });
  assert.deepEqual(result.outcomes, { '200': result.sent });
});
