/** The docker folder on a real Engine: what it does to containers, and what it hears of them. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { systemClock } from '#core/clock';
import { type ErrorCode, isTidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import { openEngine } from '#docker/docker-engine';
import type { Engine, EngineEvent } from '#docker/engine';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { addressOf, type Hello, runHello } from '#test/support/hello';
import { until } from '#test/support/until';

let testEngine: TestEngine;
let engine: Engine;

before(async () => {
  testEngine = await startTestEngine();
  await testEngine.images.hello();
  engine = openEngine({ endpoint: testEngine.socket, host: 'h1', clock: systemClock, log: silentLog });
});
afterEach(() => testEngine.reset());
after(async () => {
  engine?.close();
  await testEngine?.close();
});

function code(expected: ErrorCode) {
  return (error: unknown) => isTidegateError(error, expected);
}

/** Whether the app answers; a second is enough for one that runs, for ever is not enough for one that does not. */
async function answers(address: string, withinMs = 1000): Promise<boolean> {
  const response = await fetch(`http://${address}:8080/healthz`, {
    signal: AbortSignal.timeout(withinMs),
    headers: { connection: 'close' },
  }).catch(() => null);
  await response?.body?.cancel();
  return response?.ok ?? false;
}

async function runningHello(name: string): Promise<Hello> {
  const hello = await runHello(testEngine, { name });
  await until(() => answers(hello.address), { what: 'hello answers' });
  return hello;
}

async function targetOf(id: string) {
  const { pid, hasHealthcheck } = await engine.inspect(id);
  return { containerId: id, pid, hasHealthcheck };
}

test('the Engine says who it is', async () => {
  const info = await engine.info();
  assert.match(info.version, /^\d+\.\d+/);
  assert.match(info.apiVersion, /^1\.\d+$/);
  assert.ok(['1', '2'].includes(info.cgroupVersion));
  assert.notEqual(info.storageDriver, '');
});

test('containers with a label of ours are listed, others are left alone', async () => {
  const ours = await runHello(testEngine, { name: 'ours', start: false });
  const foreign = await runHello(testEngine, { name: 'foreign', labels: { other: 'x' } });
  const list = await engine.list();
  assert.deepEqual(
    list.map(({ id, status }) => ({ id, status })),
    [{ id: ours.id, status: 'created' }],
  );
  assert.equal(list[0]?.labels['tidegate.app'], 'ours');
  await assert.rejects(engine.stop(foreign.id, 1), code('engine.not_ours'));
  assert.equal((await engine.inspect(foreign.id)).status, 'running');
});

test('a container is seen as it is, running and not', async () => {
  await testEngine.docker.createNetwork({ Name: 'front' });
  const { id } = await runHello(testEngine, {
    name: 'seen',
    network: 'front',
    start: false,
    create: {
      StopTimeout: 7,
      Healthcheck: { Test: ['CMD', 'true'] },
      HostConfig: { NetworkMode: 'front', PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } },
    },
  });
  const created = await engine.inspect(id);
  assert.equal(created.startedAt, null);
  assert.equal(created.exitCode, null);
  assert.deepEqual(created.exposedPorts, [8080]);
  await engine.start(id);
  const running = await engine.inspect(id);
  assert.equal(running.name, 'seen');
  assert.equal(running.image, 'tidegate/hello:dev');
  assert.equal(running.status, 'running');
  assert.ok(running.pid > 0);
  assert.equal(running.exitCode, null);
  assert.equal(running.hasHealthcheck, true);
  assert.equal(running.networkMode, 'front');
  assert.deepEqual(running.networks, [{ name: 'front', ip: await addressOf(testEngine.docker.getContainer(id)) }]);
  assert.equal(running.published[0]?.containerPort, 8080);
  assert.ok((running.published[0]?.hostPort ?? 0) > 0);
  assert.equal(running.stopTimeoutS, 7);
  assert.equal(running.stopSignal, 'SIGTERM');
  assert.ok(Math.abs(running.createdAt - Date.now()) < 60_000);
  await until(() => answers(running.networks[0]?.ip ?? ''), { what: 'hello answers' });
  await engine.stop(id, 10);
  const stopped = await engine.inspect(id);
  assert.equal(stopped.status, 'exited');
  assert.equal(stopped.pid, 0);
  assert.notEqual(stopped.exitCode, null);
  assert.deepEqual(stopped.networks, [{ name: 'front', ip: '' }]);
});

test('every action may be repeated', async () => {
  const { id } = await runningHello('twice');
  await engine.start(id);
  for (let i = 0; i < 2; i++) await engine.pause(id);
  assert.equal((await engine.inspect(id)).status, 'paused');
  await assert.rejects(engine.start(id), code('engine.refused'));
  for (let i = 0; i < 2; i++) await engine.unpause(id);
  assert.equal((await engine.inspect(id)).status, 'running');
  await assert.rejects(engine.remove(id), code('engine.refused'));
  for (let i = 0; i < 2; i++) await engine.stop(id, 10);
  assert.equal((await engine.inspect(id)).exitCode, 0);
  await assert.rejects(engine.pause(id), code('engine.refused'));
  await assert.rejects(engine.unpause(id), code('engine.refused'));
  for (let i = 0; i < 2; i++) await engine.remove(id);
  await assert.rejects(engine.start(id), code('engine.not_found'));
  await assert.rejects(engine.inspect(id), code('engine.not_found'));
});

test('a frozen container answers nobody although it runs, a thawed one does', async (t) => {
  const { id, address } = await runningHello('frozen');
  const target = await targetOf(id);
  assert.equal(await engine.isFrozen(target), false);
  assert.equal(await engine.freeze(target), true);
  assert.equal(await engine.isFrozen(target), true);
  assert.equal((await engine.inspect(id)).status, 'running');
  assert.equal(await answers(address, 300), false);
  assert.equal(await engine.thaw(target), true);
  assert.equal(await engine.isFrozen(target), false);
  await until(() => answers(address), { what: 'the thawed app answers' });

  const thawMs: number[] = [];
  for (let i = 0; i < 50; i++) {
    await engine.freeze(target);
    const startedAt = performance.now();
    await engine.thaw(target);
    thawMs.push(performance.now() - startedAt);
  }
  thawMs.sort((a, b) => a - b);
  t.diagnostic(`thaw: median ${thawMs[25]?.toFixed(2)} ms, worst of 50 ${thawMs[49]?.toFixed(2)} ms`);
  assert.equal(await answers(address), true);
});

test('a frozen container can be paused by the Engine, and woken by it', async () => {
  const { id, address } = await runningHello('handed-over');
  const target = await targetOf(id);
  await engine.freeze(target);
  await engine.pause(id);
  assert.equal((await engine.inspect(id)).status, 'paused');
  await engine.unpause(id);
  assert.equal(await engine.isFrozen(target), false);
  await until(() => answers(address), { what: 'the app answers again' });
});

test('a frozen container stops by its signal, not by being killed', async () => {
  const { id } = await runningHello('frozen-then-stopped');
  await engine.freeze(await targetOf(id));
  await engine.stop(id, 60);
  assert.equal((await engine.inspect(id)).exitCode, 0);
});

test('a container that sleeps in both ways stops as well', async () => {
  const { id } = await runningHello('paused-then-stopped');
  await engine.pause(id);
  await engine.stop(id, 60);
  assert.equal((await engine.inspect(id)).status, 'exited');
});

test('a container that is down cannot be frozen', async () => {
  const { id } = await runHello(testEngine, { name: 'down', start: false });
  assert.equal(await engine.freeze(await targetOf(id)), false);
  assert.equal(await engine.thaw(await targetOf(id)), false);
});

test('a clone is a second one of the same, in the same networks, with nothing that can exist only once', async () => {
  await testEngine.docker.createNetwork({ Name: 'front' });
  const back = await testEngine.docker.createNetwork({ Name: 'back' });
  const original = await runHello(testEngine, {
    name: 'original',
    labels: { 'tidegate.app': 'shop', 'com.example.drop': 'me' },
    env: { START_DELAY_MS: '1' },
    create: {
      Volumes: { '/cache': {} },
      HostConfig: {
        NetworkMode: 'front',
        Binds: ['shared:/shared'],
        Memory: 200 * 1024 * 1024,
        PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
      },
      NetworkingConfig: { EndpointsConfig: { front: { Aliases: ['web'] } } },
    },
  });
  await back.connect({ Container: original.id, EndpointConfig: { Aliases: ['behind'] } });

  const id = await engine.clone(original.id, {
    name: 'second',
    labels: { 'tidegate.clone-of': original.id, 'com.example.drop': null },
  });
  assert.equal((await engine.inspect(id)).status, 'created');
  await engine.start(id);
  const clone = await engine.inspect(id);
  const raw = await testEngine.docker.getContainer(id).inspect();
  const rawOriginal = await original.container.inspect();
  assert.equal(clone.name, 'second');
  assert.equal(clone.image, 'tidegate/hello:dev');
  assert.equal(clone.labels['tidegate.app'], 'shop');
  assert.equal(clone.labels['tidegate.clone-of'], original.id);
  assert.equal(clone.labels['com.example.drop'], undefined);
  assert.ok(raw.Config.Env.includes('START_DELAY_MS=1'));
  assert.equal(raw.HostConfig.Memory, 200 * 1024 * 1024);
  assert.deepEqual(clone.exposedPorts, [8080]);
  assert.deepEqual(clone.published, []);
  assert.equal(clone.networkMode, 'front');
  assert.deepEqual(clone.networks.map(({ name }) => name).sort(), ['back', 'front']);
  assert.ok(raw.NetworkSettings.Networks.front?.Aliases.includes('web'));
  assert.ok(raw.NetworkSettings.Networks.back?.Aliases.includes('behind'));
  assert.equal(raw.NetworkSettings.Networks.back?.Aliases.includes(original.id.slice(0, 12)), false);
  assert.notEqual(raw.Config.Hostname, rawOriginal.Config.Hostname);
  const volume = (info: typeof raw, at: string) => info.Mounts.find(({ Destination }) => Destination === at)?.Name;
  assert.equal(volume(raw, '/shared'), 'shared');
  assert.notEqual(volume(raw, '/cache'), volume(rawOriginal, '/cache'));
  const address = await addressOf(testEngine.docker.getContainer(id));
  await until(() => answers(address), { what: 'the clone answers' });

  await assert.rejects(engine.clone(original.id, { name: 'second', labels: {} }), code('engine.refused'));
  await engine.stop(id, 10);
  const ownVolume = volume(raw, '/cache') ?? '';
  await engine.remove(id);
  const { Volumes } = await testEngine.docker.listVolumes();
  assert.equal(
    Volumes.some(({ Name }) => Name === ownVolume),
    false,
  );
});

for (const [mode, networkMode] of [
  ['the network of another container', 'container:sandbox'],
  ['the network of the host', 'host'],
  ['no network', 'none'],
] as const) {
  test(`a container in ${mode} can be cloned`, async () => {
    await runHello(testEngine, { name: 'sandbox', labels: {}, start: false });
    const { id } = await runHello(testEngine, { name: 'member', start: false, network: networkMode });
    const clone = await engine.inspect(await engine.clone(id, { name: 'member-2', labels: {} }));
    assert.equal(clone.networkMode, (await engine.inspect(id)).networkMode);
    assert.deepEqual(clone.exposedPorts, [8080]);
  });
}

test('a clone of a clone is as good as the first', async () => {
  await testEngine.docker.createNetwork({ Name: 'front' });
  const { id } = await runHello(testEngine, { name: 'one', network: 'front', start: false });
  const second = await engine.clone(id, { name: 'two', labels: {} });
  const third = await engine.clone(second, { name: 'three', labels: {} });
  await engine.start(third);
  const container = testEngine.docker.getContainer(third);
  const aliases: readonly string[] = (await container.inspect()).NetworkSettings.Networks.front?.Aliases ?? [];
  assert.deepEqual(
    aliases.filter((alias) => !third.startsWith(alias)),
    [],
  );
  const address = await addressOf(container);
  await until(() => answers(address), { what: 'the clone of the clone answers' });
});

test('everything that happens to a container is heard of, in order', async () => {
  const seen: EngineEvent[] = [];
  const ended = new AbortController();
  let stands = false;
  engine.follow(
    {
      onConnected: () => {
        stands = true;
      },
      onEvent: (event) => void seen.push(event),
      onLost() {},
    },
    ended.signal,
  );
  await until(() => stands);
  const network = await testEngine.docker.createNetwork({ Name: 'front' });
  const hello = await runningHello('heard');
  await network.connect({ Container: hello.id });
  await network.disconnect({ Container: hello.id });
  await engine.pause(hello.id);
  await engine.unpause(hello.id);
  await engine.stop(hello.id, 10);
  await engine.remove(hello.id);
  await until(() => seen.some(({ action, containerId }) => action === 'destroy' && containerId === hello.id));
  ended.abort();
  const own = seen.filter(({ containerId }) => containerId === hello.id);
  const steps = ['create', 'start', 'pause', 'unpause', 'kill', 'die', 'stop', 'destroy'];
  assert.deepEqual(
    own.filter(({ action }) => steps.includes(action)).map(({ action }) => action),
    steps,
  );
  const networking = own.filter(({ action }) => action.startsWith('network_')).map(({ action }) => action);
  assert.deepEqual(networking.slice(0, 3), ['network_connect', 'network_connect', 'network_disconnect']);
  const of = (wanted: string) => own.find(({ action }) => action === wanted);
  assert.equal(of('start')?.attributes['tidegate.app'], 'heard');
  assert.equal(of('kill')?.attributes.signal, '15');
  assert.equal(of('die')?.attributes.exitCode, '0');
  assert.ok(Math.abs((of('start')?.at ?? 0) - Date.now()) < 60_000);
});

test('a paused container that was thawed behind the back of the Engine can be unpaused all the same', async () => {
  const hello = await runningHello('thawed');
  await engine.pause(hello.id);
  const target = await targetOf(hello.id);
  assert.equal(await engine.thaw(target), true);
  await engine.unpause(hello.id);
  assert.equal((await engine.inspect(hello.id)).status, 'running');
  assert.equal(await engine.isFrozen(target), false);
  assert.ok(await answers(hello.address));
});
