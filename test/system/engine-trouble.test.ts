/** An Engine that hangs, dies or comes late, and a Tidegate that is killed: what runs is served all the same. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { runHello } from '#test/support/hello';
import { SteadyLoad } from '#test/support/steady-load';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

const HANG_MS = 15_000;

let engine: TestEngine;
let tidegate: TidegateProcess | null = null;

interface EventBody {
  readonly items: readonly { readonly type: string }[];
}

before(async () => {
  engine = await startTestEngine({ liveRestore: true });
  await engine.images.hello();
});
after(() => engine.close());
afterEach(async () => {
  await tidegate?.close();
  tidegate = null;
  await engine.reset();
});

async function start(settings: Record<string, string> = {}, awaitReady = true): Promise<TidegateProcess> {
  tidegate = await startTidegate({ docker: engine.socket, settings, awaitReady });
  return tidegate;
}

async function serves(hostname: string): Promise<void> {
  await until(async () => (await tidegate?.ask(hostname))?.status === 200, { what: `${hostname} is served` });
}

async function eventCount(type: string): Promise<number> {
  const { items } = (await tidegate?.adminJson<EventBody>(`/v1/events?type=${type}&limit=100`)) ?? { items: [] };
  return items.length;
}

test('an Engine that hangs costs no request, and a frozen set wakes under it', async () => {
  const web = await runHello(engine, { name: 'web', labels: { 'tidegate.app': 'web' } });
  const nap = await runHello(engine, {
    name: 'nap',
    labels: { 'tidegate.app': 'nap', 'tidegate.scale.min': '0', 'tidegate.scale.pause': '500ms' },
  });
  const up = await start();
  await serves('web.localhost');
  const napState = async (): Promise<string> => (await up.adminJson<{ state: string }>('/v1/apps/nap/sets/web')).state;
  await until(async () => (await napState()) === 'frozen', { what: 'nap is frozen' });
  const began = (await web.container.inspect()).State.StartedAt;

  const load = new SteadyLoad({ port: up.port, hostname: 'web.localhost', perSecond: 100 });
  engine.signal('SIGSTOP');
  const resume = setTimeout(() => engine.signal('SIGCONT'), HANG_MS);
  let slowest = 0;
  try {
    await until(
      async () => {
        const asked = performance.now();
        assert.equal((await up.admin('/v1/apps')).status, 200);
        slowest = Math.max(slowest, performance.now() - asked);
        return (await eventCount('host.degraded')) === 1;
      },
      { what: 'the host is degraded', everyMs: 100 },
    );
    assert.equal((await up.ask('nap.localhost')).status, 200);
    await until(async () => (await eventCount('host.recovered')) === 1, {
      what: 'the host is back',
      timeoutMs: 60_000,
    });
  } finally {
    clearTimeout(resume);
    engine.signal('SIGCONT');
  }
  const result = await load.stop();
  assert.deepEqual(result.outcomes, { '200': result.sent });
  assert.ok(slowest < 5000, `the admin API took ${slowest} ms while the Engine hung`);
  assert.equal(await eventCount('host.degraded'), 1);
  assert.equal((await web.container.inspect()).State.StartedAt, began, 'nothing was restarted');
  assert.equal((await nap.container.inspect()).State.Running, true);
});

test('an Engine that is killed and started again costs no request', async () => {
  await runHello(engine, { name: 'web', labels: { 'tidegate.app': 'web' } });
  const up = await start();
  await serves('web.localhost');
  const load = new SteadyLoad({ port: up.port, hostname: 'web.localhost', perSecond: 100 });
  await engine.kill9();
  await until(async () => (await eventCount('host.degraded')) === 1, { what: 'the host is degraded' });
  await engine.start();
  await until(async () => (await eventCount('host.recovered')) === 1, { what: 'the host is back', timeoutMs: 60_000 });
  await runHello(engine, { name: 'late', labels: { 'tidegate.app': 'late' } });
  await serves('late.localhost');
  const result = await load.stop();
  assert.deepEqual(result.outcomes, { '200': result.sent });
});

test('a Tidegate that was killed finds its routes and scale settings again', async () => {
  await runHello(engine, { name: 'web', labels: { 'tidegate.app': 'web', 'tidegate.scale.max': '4' } });
  const up = await start();
  await serves('web.localhost');
  const change = await up.admin('/v1/apps/web/sets/web/scale', {
    method: 'PUT',
    body: JSON.stringify({ replicas: 2 }),
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(change.status, 200);
  await up.kill9();
  await up.start();
  await serves('web.localhost');
  const scale = await up.adminJson<{ override: { replicas: number } }>('/v1/apps/web/sets/web/scale');
  assert.equal(scale.override.replicas, 2);
  await until(async () => (await engine.docker.listContainers()).length === 2, { what: 'two replicas run' });
});

test('what a killed Tidegate left frozen is adopted and woken by a request', async () => {
  await runHello(engine, {
    name: 'nap',
    labels: { 'tidegate.app': 'nap', 'tidegate.scale.min': '0', 'tidegate.scale.pause': '500ms' },
  });
  const up = await start();
  const state = async (): Promise<string> => (await up.adminJson<{ state: string }>('/v1/apps/nap/sets/web')).state;
  await until(async () => (await state()) === 'frozen', { what: 'it is frozen' });
  await up.kill9();
  await up.start();
  await until(async () => (await state()) === 'frozen', { what: 'it is known to be frozen' });
  const answer = await up.ask('nap.localhost');
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers['server-timing']), /^wake;dur=/);
});

test('an orderly end turns what is frozen into an Engine pause, leaves the rest alone and exits with 0', async () => {
  const web = await runHello(engine, { name: 'web', labels: { 'tidegate.app': 'web' } });
  const nap = await runHello(engine, {
    name: 'nap',
    labels: { 'tidegate.app': 'nap', 'tidegate.scale.min': '0', 'tidegate.scale.pause': '500ms' },
  });
  const up = await start();
  await serves('web.localhost');
  await until(async () => (await up.adminJson<{ state: string }>('/v1/apps/nap/sets/web')).state === 'frozen');
  assert.equal((await nap.container.inspect()).State.Paused, false);
  assert.equal(await up.stop('SIGINT'), 0);
  assert.equal((await nap.container.inspect()).State.Paused, true);
  assert.equal((await web.container.inspect()).State.Running, true);
  await up.start();
  assert.equal((await up.ask('nap.localhost')).status, 200);
});

test('a Tidegate that starts while the Engine hangs serves the last good table', async () => {
  await runHello(engine, { name: 'web', labels: { 'tidegate.app': 'web' } });
  const up = await start();
  await serves('web.localhost');
  assert.equal(await up.stop(), 0);
  engine.signal('SIGSTOP');
  try {
    await up.start();
    await serves('web.localhost');
  } finally {
    engine.signal('SIGCONT');
  }
  await until(
    async () => (await up.adminJson<{ items: { state: string }[] }>('/v1/hosts')).items[0]?.state === 'reachable',
    {
      what: 'the host is reachable',
    },
  );
  await serves('web.localhost');
});
