/** Spare sandboxes on a real Engine: kept, taken, found again after a crash at any step, and never left over. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { systemClock } from '#core/clock';
import { silentLog } from '#core/log';
import type { SpareIdentity } from '#core/spare-book';
import { type DockerEngine, openEngine } from '#docker/docker-engine';
import type { SpareSettings } from '#docker/spares';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { memberPlan, replicaPlan } from '#test/support/replica-plans';
import { until } from '#test/support/until';

const NETWORK = 'tidegate-t.shop';
const INSTANCE = 'ins_test';

let daemon: TestEngine;
let image: string;
let engine: DockerEngine;
let ids = 0;
/** What the store knows. */
const notes = new Map<string, SpareIdentity>();

function door(count: number, put = async (id: string, note: SpareIdentity) => void notes.set(id, note)): DockerEngine {
  const book: SpareSettings['book'] = {
    get: (id) => notes.get(id) ?? null,
    ids: () => [...notes.keys()],
    put,
    drop: (id) => void notes.delete(id),
  };
  const spares = {
    count,
    instance: INSTANCE,
    book,
    newId: (prefix: string) => `${prefix}_${`${++ids}`.padStart(8, '0')}`,
  };
  const options = { endpoint: daemon.socket, host: 'h1', clock: systemClock, log: silentLog, spares };
  const opened = openEngine(options);
  opened.keepSpares();
  opened.follow({ onConnected: () => {}, onEvent: () => {}, onLost: () => {} }, new AbortController().signal);
  return opened;
}

async function filled(opened: DockerEngine, count: number): Promise<void> {
  await until(() => opened.spares === count, { what: `${count} spares are kept`, timeoutMs: 20_000 });
}

/** Another Tidegate: nobody told the one before that it ends. */
async function successor(count: number): Promise<void> {
  engine.close();
  engine = door(count);
  await filled(engine, count);
}

async function spareIds(): Promise<string[]> {
  const all = await daemon.docker.listContainers({ all: true, filters: { label: ['tidegate.role=spare'] } });
  return all.map(({ Id }) => Id).sort();
}

function plan(id: string, more: Partial<Parameters<typeof replicaPlan>[0]> = {}) {
  const members = [memberPlan({ index: 1, name: 'main', image })];
  return replicaPlan({ id, network: NETWORK, members, ...more });
}

async function answers(pauseId: string): Promise<boolean> {
  const ip = (await engine.inspect(pauseId)).networks.find(({ name }) => name === NETWORK)?.ip ?? '';
  const url = `http://${ip}:8080/healthz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => null);
  await response?.body?.cancel();
  return response?.ok ?? false;
}

before(async () => {
  daemon = await startTestEngine();
  image = await daemon.images.hello();
});
beforeEach(async () => {
  engine = door(2);
  await filled(engine, 2);
  await engine.ensureNetwork({ name: NETWORK, labels: { 'tidegate.app': 'shop' } });
});
afterEach(async () => {
  engine.close();
  notes.clear();
  await daemon.reset();
});
after(() => daemon.close());

test('a replica that takes a spare is as one that was made for it, and goes without a trace', async () => {
  const [first, second] = await spareIds();
  const pauseId = await engine.makeReplica(plan('rep_taken'));
  assert.ok(pauseId === first || pauseId === second, 'a spare was taken');
  const seen = await engine.inspect(pauseId);
  assert.equal(seen.name, 't-shop-web-reptaken');
  assert.equal(seen.labels['tidegate.role'], 'pause');
  assert.equal(seen.labels['tidegate.app'], 'shop');
  assert.deepEqual(seen.exposedPorts, [8080]);
  assert.equal(seen.networkMode, NETWORK);
  const listed = await engine.list();
  assert.deepEqual(
    listed.map(({ labels }) => labels['tidegate.role']).sort(),
    ['member', 'pause'],
    'spares that are nobody’s are not shown',
  );
  await engine.start(pauseId);
  await until(() => answers(pauseId), { what: 'it answers in the network of its app' });
  await filled(engine, 2);
  await until(async () => (await engine.inspect(pauseId)).networks.length === 1, { what: 'it left the others' });
  const raw = await daemon.docker.getContainer(pauseId).inspect();
  assert.ok(raw.NetworkSettings.Networks[NETWORK]?.Aliases?.includes('web'), 'it is found by its name');

  await engine.stop(pauseId, 5);
  await engine.start(pauseId);
  await until(() => answers(pauseId), { what: 'it answers again after a stop' });
  await engine.stop(pauseId, 5);
  await engine.remove(pauseId);
  assert.equal(notes.size, 0);
  assert.equal((await daemon.docker.listContainers({ all: true })).length, 2);
});

test('what a pause container must be made with keeps a replica from taking a spare', async () => {
  const spares = await spareIds();
  for (const [id, more] of [
    ['rep_sysctl', { sysctls: { 'net.core.somaxconn': '512' } }],
    ['rep_pids', { sharePids: true }],
    ['rep_ports', { publish: [{ port: 8080, hostPort: null }] }],
  ] as const) {
    assert.equal(spares.includes(await engine.makeReplica(plan(id, more))), false, id);
  }
  assert.equal(engine.spares, 2);
});

test('after a crash spares are found again, and a replica that took one is still whole', async () => {
  const pauseId = await engine.makeReplica(plan('rep_taken'));
  await filled(engine, 2);
  const before = await spareIds();
  await successor(2);
  assert.deepEqual(await spareIds(), before);
  await engine.start(pauseId);
  await until(() => answers(pauseId), { what: 'it answers' });
  await successor(1);
  await until(async () => (await spareIds()).length === 2, { what: 'one too many is gone, the taken one stays' });
  assert.deepEqual([...(await engine.sweepReplicas(INSTANCE))], []);
});

test('a crash at any step of the taking leaves nothing that nobody stands for', async () => {
  const [id = ''] = await spareIds();
  // It was about to become somebody: written down, and nothing else done.
  const labels = {
    ...plan('rep_half').labels,
    'tidegate.replica': 'rep_half',
    'tidegate.role': 'pause',
    'tidegate.members': '1',
  };
  notes.set(id, { labels, network: NETWORK, exposedPort: 8080 });
  await successor(2);
  assert.deepEqual([...(await engine.sweepReplicas(INSTANCE))], ['rep_half']);
  assert.equal(notes.size, 0);
  assert.equal((await spareIds()).includes(id), false);
  // Its members were there before it was in the network of its app.
  const apart = await engine.makeReplica(plan('rep_apart'));
  const identity = notes.get(apart);
  assert.ok(identity?.joined === true);
  notes.set(apart, { ...identity, joined: false });
  await daemon.docker.getNetwork(NETWORK).disconnect({ Container: apart });
  await engine.start(apart);
  await successor(2);
  assert.deepEqual([...(await engine.sweepReplicas(INSTANCE))], ['rep_apart']);
  assert.equal(notes.size, 0);
  const left = await daemon.docker.listContainers({ all: true });
  assert.deepEqual(
    left.filter(({ Labels }) => Labels['tidegate.replica'] === 'rep_apart'),
    [],
  );
  // Made, and never started; stopped by somebody.
  const [killed = '', other = ''] = await spareIds();
  await daemon.docker.getContainer(killed).kill();
  await until(async () => engine.spares === 2 && !(await spareIds()).includes(killed), {
    what: 'a spare that was stopped is replaced',
    timeoutMs: 20_000,
  });
  assert.ok((await spareIds()).includes(other));
});

test('when the store cannot be written a replica is made without a spare', async () => {
  engine.close();
  engine = door(2, () => Promise.reject(new Error('the disk is full')));
  await filled(engine, 2);
  const pauseId = await engine.makeReplica(plan('rep_plain'));
  assert.equal((await spareIds()).includes(pauseId), false);
  await engine.start(pauseId);
  await until(() => answers(pauseId), { what: 'it answers' });
});
