/** The door to the Engine, before a fake one that fails on purpose. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type Clock, systemClock } from '#core/clock';
import { type ErrorCode, isTidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import { openEngine } from '#docker/docker-engine';
import type { EngineState } from '#docker/engine';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { FakeEngine } from './fake-engine.ts';

const ID = '4f1c'.repeat(16);
const PID = 4711;
const OURS = { 'tidegate.app': 'shop' };

async function setUp(clock: Clock = systemClock) {
  const fake = await FakeEngine.start();
  const root = mkdtempSync(path.join(tmpdir(), 'tidegate-engine-'));
  const roots = { procRoot: path.join(root, 'proc'), cgroupRoot: path.join(root, 'cgroup') };
  const engine = openEngine({ endpoint: fake.endpoint, host: 'h1', clock, log: silentLog, ...roots });
  const freezerFile = path.join(roots.cgroupRoot, 'freezer/docker', ID, 'freezer.state');
  return {
    fake,
    engine,
    /** Lays out a freezer for `ID`; answers its state. */
    freezer(): () => string {
      mkdirSync(path.join(roots.procRoot, String(PID)), { recursive: true });
      mkdirSync(path.dirname(freezerFile), { recursive: true });
      writeFileSync(path.join(roots.procRoot, String(PID), 'cgroup'), `7:freezer:/docker/${ID}\n`);
      writeFileSync(freezerFile, 'THAWED');
      return () => readFileSync(freezerFile, 'utf8');
    },
    async [Symbol.asyncDispose]() {
      engine.close();
      await fake[Symbol.asyncDispose]();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function code(expected: ErrorCode) {
  return (error: unknown) => isTidegateError(error, expected);
}

const TARGET = { containerId: ID, pid: PID, hasHealthcheck: false };

test('the list holds what carries a label of ours, in any state', async () => {
  await using set = await setUp();
  set.fake.script.set('GET /containers/json', ({ query }) => ({
    body: [
      { Id: 'a', Labels: OURS, State: 'exited' },
      { Id: 'b', Labels: { other: 'x' }, State: 'running' },
      { Id: 'c', Labels: null, State: 'running' },
      { Id: 'd', Labels: { 'tidegate.typo': 'x' }, State: query.get('all') === 'true' ? 'paused' : 'running' },
    ],
  }));
  assert.deepEqual(await set.engine.list(), [
    { id: 'a', labels: OURS, status: 'exited' },
    { id: 'd', labels: { 'tidegate.typo': 'x' }, status: 'paused' },
  ]);
});

test('a list that is none is an error, never an empty list', async () => {
  await using set = await setUp();
  set.fake.script.set('GET /containers/json', () => ({ body: '<html>' }));
  await assert.rejects(set.engine.list(), code('engine.refused'));
});

test('what the Engine says of itself', async () => {
  await using set = await setUp();
  set.fake.script.set('GET /info', () => ({
    body: {
      ServerVersion: '20.10.24',
      Driver: 'overlay2',
      CgroupVersion: '2',
      LiveRestoreEnabled: true,
      NCPU: 2,
      MemTotal: 4e9,
    },
  }));
  assert.deepEqual(await set.engine.info(), {
    version: '20.10.24',
    apiVersion: '1.41',
    storageDriver: 'overlay2',
    cgroupVersion: '2',
    liveRestore: true,
    cores: 2,
    memoryBytes: 4e9,
  });
});

test('nothing is done to a container that does not carry our labels', async () => {
  await using set = await setUp();
  const { engine, fake } = set;
  const state = set.freezer();
  fake.container(ID, { labels: { 'com.example': 'x' } });
  for (const act of [
    () => engine.start(ID),
    () => engine.stop(ID, 1),
    () => engine.pause(ID),
    () => engine.unpause(ID),
    () => engine.remove(ID),
    () => engine.clone(ID, { name: 'two', labels: OURS }),
    () => engine.freeze(TARGET),
    () => engine.thaw(TARGET),
  ]) {
    await assert.rejects(act(), code('engine.not_ours'));
  }
  assert.ok(fake.asked.every((one) => one.method === 'GET'));
  assert.equal(state(), 'THAWED');
});

test('whose a container is, is asked once, and not at all when the list said so', async () => {
  await using set = await setUp();
  set.fake.container('a');
  for (const id of ['a', 'b']) set.fake.script.set(`POST /containers/${id}/start`, () => ({ status: 204 }));
  await set.engine.start('a');
  await set.engine.start('a');
  assert.equal(set.fake.count('GET /containers/a/json'), 1);
  set.fake.script.set('GET /containers/json', () => ({ body: [{ Id: 'b', Labels: OURS, State: 'created' }] }));
  await set.engine.list();
  await set.engine.start('b');
  assert.equal(set.fake.count('GET /containers/b/json'), 0);
});

test('an event of its making says whose a container is, too', async () => {
  await using set = await setUp();
  const seen: string[] = [];
  const ended = new AbortController();
  set.engine.follow(
    { onConnected() {}, onEvent: (event) => void seen.push(event.containerId), onLost() {} },
    ended.signal,
  );
  await until(() => set.fake.streamCount === 1);
  set.fake.emit({ action: 'create', id: 'a', attributes: OURS, at: Date.now() });
  await until(() => seen.length === 1);
  set.fake.script.set('POST /containers/a/start', () => ({ status: 204 }));
  await set.engine.start('a');
  assert.equal(set.fake.count('GET /containers/a/json'), 0);
});

test('starting what runs and stopping what is down is no error', async () => {
  await using set = await setUp();
  set.fake.container('a');
  set.fake.script.set('POST /containers/a/start', () => ({ status: 304 }));
  set.fake.script.set('POST /containers/a/stop', () => ({ status: 304 }));
  await set.engine.start('a');
  await set.engine.stop('a', 2.4);
  assert.equal(set.fake.asked.at(-1)?.query.get('t'), '3');
});

test('starting what is paused is refused', async () => {
  await using set = await setUp();
  set.fake.container('a', { status: 'paused' });
  set.fake.script.set('POST /containers/a/start', () => ({ status: 409, body: { message: 'try unpause instead' } }));
  await assert.rejects(set.engine.start('a'), code('engine.refused'));
});

for (const [verb, wished, other] of [
  ['pause', 'paused', 'exited'],
  ['unpause', 'running', 'exited'],
] as const) {
  test(`a refused ${verb} is no error when the container is ${wished} anyway, and one when it is ${other}`, async () => {
    await using set = await setUp();
    set.fake.script.set(`POST /containers/a/${verb}`, () => ({ status: 409, body: { message: 'no' } }));
    set.fake.container('a', { status: wished });
    await set.engine[verb]('a');
    set.fake.container('a', { status: other });
    await assert.rejects(set.engine[verb]('a'), code('engine.refused'));
  });
}

test('removing what is gone, or just going, is no error; removing what runs is one', async () => {
  await using set = await setUp();
  await set.engine.remove('gone');
  set.fake.container('a');
  set.fake.script.set('DELETE /containers/a', () => ({
    status: 409,
    body: { message: 'removal of container a is already in progress' },
  }));
  await set.engine.remove('a');
  set.fake.script.set('DELETE /containers/a', () => ({
    status: 409,
    body: { message: 'cannot remove a running one' },
  }));
  await assert.rejects(set.engine.remove('a'), code('engine.refused'));
  assert.equal(set.fake.asked.at(-1)?.query.get('v'), 'true');
});

test('an action on a container that is gone says so', async () => {
  await using set = await setUp();
  await assert.rejects(set.engine.start('gone'), code('engine.not_found'));
  set.fake.container('a');
  await set.engine.inspect('a');
  await assert.rejects(set.engine.start('a'), code('engine.not_found'));
});

test('a clone runs the image of its original even when the name means another one by now', async () => {
  await using set = await setUp();
  const { fake, engine } = set;
  fake.script.set('GET /containers/a/json', () => ({
    body: { Id: 'a', Image: 'sha256:old', State: {}, Config: { Image: 'shop:1', Labels: OURS }, HostConfig: {} },
  }));
  fake.script.set('POST /containers/create', () => ({ status: 201, body: { Id: 'b' } }));
  const cloned = async (): Promise<unknown> => {
    assert.equal(await engine.clone('a', { name: 'shop-2', labels: { added: 'yes' } }), 'b');
    const request = fake.asked.at(-1);
    assert.equal(request?.query.get('name'), 'shop-2');
    assert.equal(request?.query.size, 1);
    return JSON.parse(request?.body ?? '');
  };
  const labels = { ...OURS, added: 'yes' };
  fake.script.set('GET /images/shop:1/json', () => ({ body: { Id: 'sha256:old' } }));
  assert.partialDeepStrictEqual(await cloned(), { Image: 'shop:1', Labels: labels });
  fake.script.set('GET /images/shop:1/json', () => ({ body: { Id: 'sha256:new' } }));
  assert.partialDeepStrictEqual(await cloned(), { Image: 'sha256:old', Labels: labels });
  fake.script.delete('GET /images/shop:1/json');
  assert.partialDeepStrictEqual(await cloned(), { Image: 'sha256:old', Labels: labels });
});

test('a clone that cannot join its networks leaves nothing behind, and may be acted on otherwise', async () => {
  await using set = await setUp();
  const { fake, engine } = set;
  fake.script.set('GET /containers/a/json', () => ({
    body: {
      Id: 'a',
      Image: 'sha256:old',
      State: {},
      Config: { Image: 'sha256:old', Labels: OURS },
      HostConfig: {},
      NetworkSettings: { Networks: { front: { Aliases: ['web'] } } },
    },
  }));
  fake.script.set('POST /containers/create', () => ({ status: 201, body: { Id: 'b' } }));
  fake.script.set('DELETE /containers/b', () => ({ status: 204 }));
  await assert.rejects(engine.clone('a', { name: 'shop-2', labels: {} }), code('engine.refused'));
  assert.equal(fake.count('DELETE /containers/b'), 1);
  fake.script.set('POST /networks/front/connect', () => ({ status: 200 }));
  fake.script.set('POST /containers/b/start', () => ({ status: 204 }));
  await engine.clone('a', { name: 'shop-2', labels: {} });
  assert.deepEqual(JSON.parse(fake.asked.at(-1)?.body ?? ''), { Container: 'b', EndpointConfig: { Aliases: ['web'] } });
  await engine.start('b');
});

test('freezing is direct, and refused for a container with a HEALTHCHECK', async () => {
  await using set = await setUp();
  const state = set.freezer();
  set.fake.container(ID);
  assert.equal(await set.engine.freeze({ ...TARGET, hasHealthcheck: true }), false);
  assert.equal(state(), 'THAWED');
  assert.equal(await set.engine.freeze(TARGET), true);
  assert.equal(state(), 'FROZEN');
  assert.equal(await set.engine.isFrozen(TARGET), true);
  assert.equal(await set.engine.thaw(TARGET), true);
  assert.equal(state(), 'THAWED');
  assert.equal(await set.engine.isFrozen(TARGET), false);
});

test('a known container thaws while the Engine hangs', async () => {
  await using set = await setUp();
  const state = set.freezer();
  set.fake.container(ID);
  await set.engine.freeze(TARGET);
  set.fake.hangs = true;
  assert.equal(await set.engine.thaw(TARGET), true);
  assert.equal(state(), 'THAWED');
});

for (const verb of ['stop', 'pause'] as const) {
  test(`a ${verb} takes back a freeze that the Engine does not know of`, async () => {
    await using set = await setUp();
    const state = set.freezer();
    set.fake.script.set(`GET /containers/${ID}/json`, () => ({
      body: { Id: ID, State: { Status: 'running', Pid: PID }, Config: { Labels: OURS }, HostConfig: {} },
    }));
    let stateThen = '';
    set.fake.script.set(`POST /containers/${ID}/${verb}`, () => {
      stateThen = state();
      return { status: 204 };
    });
    await set.engine.freeze(TARGET);
    assert.equal(state(), 'FROZEN');
    await set.engine[verb](ID, 1);
    assert.equal(stateThen, 'THAWED');
  });
}

test('an Engine that hangs is noticed although nobody calls it, and again when it answers', async () => {
  const clock = new FakeClock();
  await using set = await setUp(clock);
  const { engine, fake } = set;
  const states: EngineState[] = [];
  engine.onState((state) => void states.push(state));
  await until(async () => {
    await clock.advance(0);
    return fake.count('GET /_ping') > 0;
  });
  assert.equal(engine.state, 'reachable');
  fake.hangs = true;
  await clock.advance(10_000);
  assert.equal(engine.state, 'degraded');
  await assert.rejects(engine.list(), code('engine.breaker_open'));
  fake.hangs = false;
  await until(async () => {
    await clock.advance(100);
    return engine.state === 'reachable';
  });
  await engine.list();
  assert.deepEqual(states, ['degraded', 'reachable']);
});

test('while an Engine is gone it is tried every two seconds, not more', async () => {
  const clock = new FakeClock();
  await using set = await setUp(clock);
  set.fake.hangs = true;
  await clock.advance(10_000);
  assert.equal(set.engine.state, 'degraded');
  const before = set.fake.count('GET /_ping');
  await clock.advance(35_000);
  await until(() => set.fake.count('GET /_ping') >= before + 17);
  assert.ok(set.fake.count('GET /_ping') <= before + 18);
});

test('who no longer wants to hear of the state is not told', async () => {
  const clock = new FakeClock();
  await using set = await setUp(clock);
  const states: EngineState[] = [];
  set.engine.onState((state) => void states.push(state))();
  set.fake.hangs = true;
  await clock.advance(10_000);
  assert.equal(set.engine.state, 'degraded');
  assert.deepEqual(states, []);
});

test('a listener that throws harms neither the others nor the calls', async () => {
  const clock = new FakeClock();
  await using set = await setUp(clock);
  const states: EngineState[] = [];
  set.engine.onState(() => {
    throw new Error('the listener has a bug');
  });
  set.engine.onState((state) => void states.push(state));
  set.fake.hangs = true;
  await clock.advance(10_000);
  assert.deepEqual(states, ['degraded']);
  set.fake.hangs = false;
  await until(async () => {
    await clock.advance(100);
    return states.includes('reachable');
  });
  assert.deepEqual(await set.engine.list(), []);
});

test('the event stream asks for what is followed, survives a cut, and is negotiated anew', async () => {
  await using set = await setUp();
  const { engine, fake } = set;
  const told: string[] = [];
  const ended = new AbortController();
  engine.follow(
    {
      onConnected: () => void told.push('connected'),
      onEvent: (event) => void told.push(`${event.action} ${event.containerId}`),
      onLost: () => void told.push('lost'),
    },
    ended.signal,
  );
  await until(() => fake.streamCount === 1);
  fake.emit({ action: 'start', id: 'a', at: 5_000_000 });
  fake.emitText('{"Type":"container","Action":"di');
  await until(() => told.includes('start a'));
  fake.version = { ApiVersion: '1.51', MinAPIVersion: '1.44' };
  fake.cutStreams();
  await until(() => fake.streamCount === 1 && told.filter((one) => one === 'connected').length === 2);
  fake.emit({ action: 'start', id: 'a', at: 5_000_000 });
  fake.emit({ action: 'die', id: 'a', at: 5_000_100 });
  await until(() => told.includes('die a'));
  assert.deepEqual(told, ['connected', 'start a', 'lost', 'connected', 'die a']);
  const [first, second] = fake.asked.filter((one) => one.path.endsWith('/events'));
  assert.equal(first?.path, '/v1.41/events');
  assert.equal(first?.query.has('since'), false);
  assert.deepEqual(JSON.parse(first?.query.get('filters') ?? '').type, ['container', 'network']);
  assert.equal(second?.path, '/v1.51/events');
  assert.equal(second?.query.get('since'), '4999');
  ended.abort();
  await until(() => fake.streamCount === 0);
});

test('closing ends the event stream and every call', async () => {
  const clock = new FakeClock();
  await using set = await setUp(clock);
  const { engine, fake } = set;
  const lost: unknown[] = [];
  engine.follow(
    { onConnected() {}, onEvent() {}, onLost: (error) => void lost.push(error) },
    new AbortController().signal,
  );
  await until(() => fake.streamCount === 1);
  engine.close();
  await until(() => fake.streamCount === 0 && clock.pendingCount === 0);
  await assert.rejects(engine.list(), code('engine.unreachable'));
  assert.deepEqual(lost, []);
});

test('nothing keeps the process alive after closing', async () => {
  await using fake = await FakeEngine.start();
  const program = `
    const { openEngine } = await import('#docker/docker-engine');
    const { systemClock } = await import('#core/clock');
    const { silentLog } = await import('#core/log');
    const engine = openEngine({ endpoint: '${fake.endpoint}', host: 'h', clock: systemClock, log: silentLog });
    await new Promise((resolve) => engine.follow(
      { onConnected: resolve, onEvent() {}, onLost() {} }, new AbortController().signal));
    await engine.list();
    engine.close();
    console.log('closed');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 60_000,
  });
  assert.equal(stdout, 'closed\n');
});
