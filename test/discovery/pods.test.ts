/** Replicas that Tidegate made, as discovery puts them together from their containers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '#core/errors';
import type { EngineContainer } from '#docker/engine';
import { settle } from '../support/fake-clock.ts';
import type { FakeEngine } from './fake-engine.ts';
import { SHOP, stage } from './scene.ts';

const REPLICA = 'rep_01JDR8Z7G0000000000000000A';
const NETWORK = 'tidegate-default-shop';
const SET = { 'tidegate.tenant': 'default', 'tidegate.app': 'shop', 'tidegate.set': 'web', 'tidegate.revision': 'r1' };
const OF_PAUSE = { 'tidegate.replica': REPLICA, 'tidegate.role': 'pause', 'tidegate.members': '2' };
const PAUSE = { ...SET, ...OF_PAUSE, 'tidegate.port': '3000' };

function member(name: string): Record<string, string> {
  return { ...SET, 'tidegate.replica': REPLICA, 'tidegate.role': 'member', 'tidegate.member': name };
}

const BORROWS = { networkMode: 'container:pod', networks: [], exposedPorts: [] };
const DOWN = { status: 'created', startedAt: null, pid: 0 } as const;
const RUNS = { status: 'running', pid: 7, exitCode: null } as const;

/** A replica `pod` with the members `main` and `agent`. */
function putPod(engine: FakeEngine, overrides: Partial<EngineContainer> = {}): void {
  const networks = [{ name: NETWORK, ip: '10.213.0.2' }];
  engine.put('pod', { labels: PAUSE, networkMode: NETWORK, networks, exposedPorts: [], pid: 1, ...overrides });
  const main = { labels: member('1.main'), image: 'shop:1', pid: 10, startedAt: '2026-01-01T00:00:01Z' };
  engine.put('main', { ...BORROWS, name: 'pod-main', ...main, ...overrides });
  const agent = { labels: member('2.agent'), image: 'agent:2', pid: 11, startedAt: '2026-01-01T00:00:02Z' };
  engine.put('agent', { ...BORROWS, name: 'pod-agent', ...agent, ...overrides });
}

/** Ends a container as an Engine does: the event, and what an inspect says from then on. */
function end(engine: FakeEngine, id: string, exitCode: number): void {
  engine.change(id, { status: 'exited', exitCode, pid: 0 });
  engine.send('die', id, { exitCode: String(exitCode) });
}

test('a replica is its pause container, with the run of its main member', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  assert.equal(scene.sets.size, 1);
  assert.equal(scene.sets.get(SHOP)?.replicas.length, 1);
  const replica = scene.replica('pod');
  assert.deepEqual([replica?.status, replica?.startedAt, replica?.pid], ['running', '2026-01-01T00:00:01Z', 10]);
  assert.deepEqual(replica?.endpoints, [{ port: 3000, dialHost: '10.213.0.2', dialPort: 3000 }]);
  assert.equal(replica?.revision, 'r1');
  assert.deepEqual(
    replica?.members?.map((one) => [one.index, one.name, one.image, one.status]),
    [
      [1, 'main', 'shop:1', 'running'],
      [2, 'agent', 'agent:2', 'running'],
    ],
  );
  assert.deepEqual(scene.causes('label.unknown'), []);
});

test('what the events of a member say changes its replica at once', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  const { engine } = scene;
  engine.holdsInspects = true;
  engine.send('pause', 'main');
  assert.equal(scene.status('pod'), 'paused');
  engine.send('unpause', 'main');
  assert.equal(scene.status('pod'), 'running');
  engine.send('kill', 'main', { signal: '15' });
  assert.equal(scene.status('pod'), 'stopping');
  engine.send('die', 'main', { exitCode: '3' });
  assert.equal(scene.status('pod'), 'exited');
  assert.deepEqual([scene.replica('pod')?.exitCode, scene.replica('pod')?.pid], [3, 0]);
});

test('a member that is started gives its replica another run', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine, DOWN) });
  assert.equal(scene.status('pod'), 'created');
  for (const id of ['pod', 'main', 'agent']) {
    scene.engine.change(id, { ...RUNS, startedAt: '2026-01-02T00:00:00Z' });
    scene.engine.send('start', id);
  }
  await settle();
  assert.equal(scene.status('pod'), 'running');
  assert.equal(scene.replica('pod')?.startedAt, '2026-01-02T00:00:00Z');
});

test('a side member that ends leaves the replica running, and is told of by its own name', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  end(scene.engine, 'agent', 2);
  await settle();
  assert.equal(scene.status('pod'), 'running');
  const replica = scene.replica('pod');
  assert.deepEqual([replica?.members?.[1]?.status, replica?.members?.[1]?.exitCode], ['exited', 2]);
  const died = scene.events.filter((one) => one.type === 'container.died');
  assert.equal(died.length, 1);
  assert.equal(died[0]?.replica, 'local/pod');
  assert.deepEqual(died[0]?.data, { container: 'pod-agent', member: 'agent', exit_code: 2 });
});

test('one that ran out of memory says so when it ends, and what to do', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  scene.engine.send('oom', 'main');
  scene.engine.send('die', 'main', { exitCode: '137' });
  const oom = scene.events.find((one) => one.type === 'container.oom');
  assert.deepEqual([oom?.replica, oom?.data], ['local/pod', { container: 'pod-main', hint: 'raise memory' }]);
  const died = scene.events.find((one) => one.type === 'container.died');
  assert.equal(died?.data?.member, 'main');
  assert.equal(died?.data?.oom_killed, true);
  assert.equal(died?.data?.hint, 'raise memory');
});

test('while the main member is replaced no other is taken for it', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  const { engine } = scene;
  end(engine, 'main', 0);
  engine.containers.delete('main');
  engine.send('destroy', 'main');
  await settle();
  assert.equal(scene.status('pod'), 'created');
  assert.deepEqual(scene.replica('pod')?.endpoints, []);
  const main = { ...BORROWS, name: 'pod-main', labels: member('1.main'), startedAt: '2026-01-03T00:00:00Z' };
  engine.put('main2', main);
  engine.send('start', 'main2');
  await settle();
  assert.equal(scene.status('pod'), 'running');
  assert.equal(scene.replica('pod')?.startedAt, '2026-01-03T00:00:00Z');
});

test('one that is still being made is not shown', async () => {
  const scene = await stage();
  const { engine } = scene;
  putPod(engine, DOWN);
  for (const id of ['pod', 'agent']) engine.send('create', id);
  await settle();
  assert.equal(scene.sets.size, 0);
  engine.send('create', 'main');
  await settle();
  assert.equal(scene.status('pod'), 'created');
  assert.equal(scene.replica('pod')?.isIncomplete, undefined);
});

test('one that lost a member says that it cannot be started any more', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  end(scene.engine, 'agent', 0);
  scene.engine.containers.delete('agent');
  scene.engine.send('destroy', 'agent');
  await settle();
  assert.deepEqual([scene.status('pod'), scene.replica('pod')?.isIncomplete], ['running', true]);
});

test('of two members with one name, while one takes over from the other, the one that runs counts', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  const { engine } = scene;
  const next = { ...BORROWS, name: 'pod-main-next', labels: member('1.main'), createdAt: 9000 };
  engine.put('main2', { ...next, ...DOWN });
  engine.send('create', 'main2');
  await settle();
  const main = (): unknown => scene.replica('pod')?.members?.map((one) => one.containerId);
  assert.deepEqual(main(), ['main', 'agent']);
  assert.equal(scene.status('pod'), 'running');
  end(engine, 'main', 0);
  assert.deepEqual(main(), ['main2', 'agent']);
  engine.change('main2', { ...RUNS, startedAt: '2026-01-05T00:00:00Z' });
  engine.send('start', 'main2');
  await settle();
  engine.containers.delete('main');
  engine.send('destroy', 'main');
  await settle();
  assert.deepEqual([scene.status('pod'), scene.replica('pod')?.startedAt], ['running', '2026-01-05T00:00:00Z']);
  assert.equal(scene.replica('pod')?.isIncomplete, undefined);
});

test('members without their pause container contribute nothing', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  end(scene.engine, 'pod', 0);
  assert.equal(scene.status('pod'), 'exited');
  assert.ok(scene.causes('container.died').includes('it ended, and with it the network of its replica'));
  scene.engine.containers.delete('pod');
  scene.engine.send('destroy', 'pod');
  await settle();
  assert.deepEqual(scene.sets.get(SHOP)?.replicas, []);
});

test('whose members have a HEALTHCHECK has one', async () => {
  const scene = await stage({
    prepare(engine) {
      putPod(engine);
      engine.change('agent', { hasHealthcheck: true });
    },
  });
  assert.equal(scene.replica('pod')?.hasHealthcheck, true);
});

test('a fresh look at a replica looks at all its containers', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  scene.engine.inspected.length = 0;
  scene.engine.change('agent', { status: 'exited', exitCode: 1 });
  await scene.discovery.refresh('local', 'pod');
  assert.deepEqual(scene.engine.inspected.toSorted(), ['agent', 'main', 'pod']);
  assert.equal(scene.replica('pod')?.members?.[1]?.status, 'exited');
});

test('somebody at work in a member is at work in its replica', async () => {
  const execs: string[] = [];
  const scene = await stage({ prepare: (engine) => putPod(engine), onExec: (host, id) => execs.push(`${host}/${id}`) });
  scene.engine.send('exec_create', 'agent');
  scene.engine.send('exec_create', 'main');
  assert.deepEqual(execs, ['local/pod', 'local/pod']);
});

test('found at the start, it is delivered whole and nothing is told of its making', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine) });
  assert.deepEqual(
    scene.delivered.map((one) => one.replicas.map((replica) => replica.status)),
    [['running']],
  );
  assert.deepEqual(scene.causes('container.started'), []);
});

test('after a restart it serves on by its last picture until its members can be looked at', async () => {
  const first = await stage({ prepare: (engine) => putPod(engine) });
  const initial = first.discovery.exportSnapshots();

  const scene = await stage({
    initial,
    prepare(engine) {
      putPod(engine);
      engine.failures.set('main', new TidegateError('engine.timeout', 'inspect: no answer'));
    },
  });
  assert.equal(scene.status('pod'), 'running');
  assert.deepEqual(scene.causes('container.destroyed'), []);
  scene.engine.failures.clear();
  await scene.clock.advance(2000);
  await settle();
  assert.equal(scene.replica('pod')?.pid, 10);
});

test('after a restart one whose members are gone is not served on', async () => {
  const first = await stage({ prepare: (engine) => putPod(engine) });
  const initial = first.discovery.exportSnapshots();
  const scene = await stage({
    initial,
    prepare(engine) {
      putPod(engine);
      engine.containers.delete('main');
      engine.containers.delete('agent');
    },
  });
  assert.equal(scene.status('pod'), 'created');
});

test('a worker is not dialled at a port that only its image names; what is served is, and so is what keeps data', async () => {
  const at = async (labels: Readonly<Record<string, string>>): Promise<unknown> => {
    const scene = await stage({
      prepare: (engine) => {
        const { 'tidegate.port': _, ...silent } = PAUSE;
        putPod(engine);
        engine.change('pod', { labels: { ...silent, ...labels } });
        engine.change('main', { exposedPorts: [8080] });
      },
    });
    const replica = scene.replica('pod');
    assert.deepEqual([replica?.status, replica?.unroutable], ['running', null]);
    return replica?.endpoints.map(({ port }) => port);
  };
  assert.deepEqual(await at({ 'tidegate.class': 'tool' }), []);
  assert.deepEqual(await at({ 'tidegate.class': 'tool', 'tidegate.port': '9000' }), [9000]);
  assert.deepEqual(await at({ 'tidegate.class': 'tool', 'tidegate.host': 'worker.example' }), [8080]);
  assert.deepEqual(await at({ 'tidegate.class': 'data' }), [8080]);
  assert.deepEqual(await at({}), [8080]);
});
