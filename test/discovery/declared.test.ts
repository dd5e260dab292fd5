/** Sets that are in force because the store says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RevisionShare } from '#core/set';
import { type DeclaredSet, readDeclared } from '#discovery/declared-set';
import { SEEN_WITHIN_MS } from '#discovery/discovery';
import { LINGER_MS } from '#discovery/set-ledger';
import { settle } from '../support/fake-clock.ts';
import type { FakeEngine } from './fake-engine.ts';
import { SHOP, stage } from './scene.ts';

const FACTS = { tenant: 'default', app: 'shop', set: 'web', baseDomain: 'localhost' };
const DB = { key: 'default/shop/db' as const, set: 'db' };
const LABELS = { 'tidegate.port': '3000', 'tidegate.scale.min': '0' };

function declared(overrides: Partial<DeclaredSet> = {}): DeclaredSet {
  const { tenant, app, set } = FACTS;
  return { key: SHOP, tenant, app, set, labels: LABELS, shares: [share('r1')], routing: null, ...overrides };
}

function share(revision: string, weight = 100): RevisionShare {
  return { revision, weight, replicas: null, held: false };
}

/** A replica of a revision: its pause container and one member. */
function putPod(engine: FakeEngine, id: string, revision: string, labels: Record<string, string> = {}): void {
  const own = {
    'tidegate.app': 'shop',
    'tidegate.set': 'web',
    'tidegate.revision': revision,
    'tidegate.replica': `rep_${id}`,
  };
  const pause = { 'tidegate.role': 'pause', 'tidegate.port': '3000', ...labels };
  const networkMode = 'tidegate-default-shop';
  engine.put(id, { labels: { ...own, ...pause }, networkMode, networks: [{ name: networkMode, ip: '10.213.0.2' }] });
  const member = { 'tidegate.role': 'member', 'tidegate.member': '1.main' };
  engine.put(`${id}-main`, { labels: { ...own, ...member }, networkMode: `container:${id}`, networks: [] });
}

test('a declared set is delivered before anything was listed, without any container, and stays', async () => {
  const scene = await stage({ before: (discovery) => discovery.declare(declared()), connect: false });
  const set = scene.sets.get(SHOP);
  assert.deepEqual(scene.routes(), ['shop.localhost/']);
  assert.deepEqual([set?.policy.scale.min, set?.replicas, set?.shares], [0, [], [share('r1')]]);
  assert.deepEqual(scene.causes('set.discovered'), ['it was deployed']);
  scene.engine.connect();
  await scene.clock.advance(10 * LINGER_MS);
  assert.ok(scene.sets.has(SHOP));
  assert.deepEqual(scene.causes('set.removed'), []);
});

test('the same again delivers nothing, a change does', async () => {
  const scene = await stage({ before: (discovery) => discovery.declare(declared()) });
  const before = scene.delivered.length;
  scene.discovery.declare(declared());
  assert.equal(scene.delivered.length, before);
  scene.discovery.declare(declared({ shares: [share('r1', 90), share('r2', 10)] }));
  scene.discovery.declare(declared({ shares: [share('r1', 90), share('r2', 10)], stopped: true }));
  assert.equal(scene.delivered.length, before + 2);
  assert.equal(scene.sets.get(SHOP)?.stopped, true);
});

test('what is declared wins over the labels of containers', async () => {
  const routing = { matches: [], sticky: true };
  const scene = await stage({
    before: (discovery) =>
      discovery.declare(declared({ labels: { ...LABELS, 'tidegate.retry': '1', 'tidegate.host': 'a.test' }, routing })),
    prepare: (engine) => putPod(engine, 'one', 'r1', { 'tidegate.retry': '5', 'tidegate.host': 'b.test' }),
  });
  assert.equal(scene.sets.get(SHOP)?.policy.retry, 1);
  assert.deepEqual(scene.sets.get(SHOP)?.policy.revisions, routing);
  assert.deepEqual(scene.routes(), ['a.test/']);
});

test('a replica has the weight of its revision, and none when its revision has no share', async () => {
  const scene = await stage({
    before: (discovery) => discovery.declare(declared({ shares: [share('r1', 90), share('r2', 10)] })),
    prepare(engine) {
      for (const revision of ['r1', 'r2', 'r3']) putPod(engine, `x${revision}`, revision);
    },
  });
  const weights = (): unknown => ['xr1', 'xr2', 'xr3'].map((id) => scene.replica(id)?.weight);
  assert.deepEqual(weights(), [90, 10, 0]);
  scene.discovery.declare(declared({ shares: [share('r3', 7)] }));
  assert.deepEqual(weights(), [0, 0, 7]);
});

test('a container of a person serves on until a revision takes over', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('mine') });
  scene.discovery.declare(declared({ shares: [share('r1', 0)] }));
  assert.equal(scene.replica('mine')?.weight, 100);
  scene.discovery.declare(declared({ shares: [share('r1', 100)] }));
  assert.equal(scene.replica('mine')?.weight, 0);
});

test('a set that is declared no longer is gone at once, when no container is left', async () => {
  const scene = await stage({ before: (discovery) => discovery.declare(declared()) });
  scene.discovery.undeclare(SHOP);
  assert.ok(!scene.sets.has(SHOP));
  assert.deepEqual(scene.causes('set.removed'), ['it is deployed no longer']);
  scene.discovery.undeclare(SHOP);
  assert.equal(scene.causes('set.removed').length, 1);
});

test('what is left of a set that is declared no longer speaks by its own labels', async () => {
  const scene = await stage({
    before: (discovery) => discovery.declare(declared({ routing: { matches: [], sticky: true } })),
    prepare: (engine) => putPod(engine, 'one', 'r1', { 'tidegate.host': 'own.test' }),
  });
  scene.discovery.undeclare(SHOP);
  const set = scene.sets.get(SHOP);
  assert.deepEqual([set?.shares, set?.policy.revisions, scene.replica('one')?.weight], [undefined, null, 100]);
  assert.deepEqual(scene.routes(), ['own.test/']);
});

test('a replica whose store was lost is served like a labelled container', async () => {
  const scene = await stage({ prepare: (engine) => putPod(engine, 'one', 'r1') });
  assert.deepEqual(scene.routes(), ['shop.localhost/']);
  assert.deepEqual([scene.replica('one')?.weight, scene.sets.get(SHOP)?.shares], [100, undefined]);
});

test('the last container of a declared set leaves it where it is', async () => {
  const scene = await stage({
    before: (discovery) => discovery.declare(declared()),
    prepare: (engine) => putPod(engine, 'one', 'r1'),
  });
  for (const id of ['one-main', 'one']) {
    scene.engine.containers.delete(id);
    scene.engine.send('destroy', id);
  }
  await scene.clock.advance(10 * LINGER_MS);
  assert.deepEqual(scene.sets.get(SHOP)?.replicas, []);
  scene.discovery.undeclare(SHOP);
  assert.ok(!scene.sets.has(SHOP));
});

test('one that lingers when it is declared lingers no longer', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('mine') });
  scene.engine.containers.delete('mine');
  scene.engine.send('destroy', 'mine');
  await settle();
  scene.discovery.declare(declared());
  await scene.clock.advance(10 * LINGER_MS);
  assert.ok(scene.sets.has(SHOP));
});

test('a kept picture does not bring back what the store asks for no longer, nor undo what it asks for now', async () => {
  const first = await stage({
    before: (discovery) => discovery.declare(declared({ routing: { matches: [], sticky: true } })),
    prepare: (engine) => putPod(engine, 'one', 'r1'),
  });
  const initial = first.discovery.exportSnapshots();
  const alone = await stage({ initial, connect: false });
  assert.deepEqual([alone.sets.get(SHOP)?.shares, alone.sets.get(SHOP)?.policy.revisions], [undefined, null]);
  const again = await stage({
    initial,
    connect: false,
    before: (discovery) => discovery.declare(declared({ shares: [share('r1', 5)] })),
  });
  assert.equal(again.replica('one')?.weight, 5);
  assert.equal(again.sets.get(SHOP)?.replicas.length, 1);
});

test('a bad label of a declared set is reported and leaves what was in force', async () => {
  const scene = await stage({ before: (discovery) => discovery.declare(declared()) });
  scene.discovery.declare(declared({ labels: { ...LABELS, 'tidegate.retry': 'often' } }));
  assert.equal(scene.sets.get(SHOP)?.policy.scale.min, 0);
  assert.match(scene.causes('label.rejected')[0] ?? '', /^tidegate\.retry="often"/);
});

test('until every host was looked at a declared set says that replicas may be missing', async () => {
  const scene = await stage({
    hosts: ['a', 'b'],
    connect: false,
    before: (discovery) => {
      discovery.declare(declared());
      discovery.declare(declared({ ...DB, labels: { 'tidegate.class': 'data' } }));
    },
  });
  const partial = (): unknown => [scene.sets.get(SHOP)?.isPartial, scene.sets.get(DB.key)?.isPartial];
  assert.deepEqual(partial(), [true, true]);
  scene.engines[0]?.connect();
  await settle();
  assert.deepEqual(partial(), [true, true]);
  await scene.clock.advance(SEEN_WITHIN_MS);
  assert.deepEqual(partial(), [undefined, true]);
  scene.engines[1]?.connect();
  await settle();
  assert.deepEqual(partial(), [undefined, undefined]);
  scene.discovery.declare(declared({ shares: [] }));
  assert.deepEqual(partial(), [undefined, undefined]);
});

test('what is on a host that was given up is no part of the set, and a set of class data does not wait for that host', async () => {
  const labels = { 'tidegate.port': '3000', 'tidegate.class': 'data' };
  const scene = await stage({
    hosts: ['a', 'b'],
    connect: false,
    prepare: (_, engines) => {
      for (const [i, engine] of engines.entries()) putPod(engine, `on${engine.host}`, `r${i + 1}`);
    },
    before: (discovery) => {
      discovery.declare(declared({ labels }));
      discovery.declare(declared({ ...DB, labels, leftHosts: ['b'] }));
    },
  });
  scene.engines[0]?.connect();
  await scene.clock.advance(SEEN_WITHIN_MS);
  assert.deepEqual([scene.sets.get(SHOP)?.isPartial, scene.sets.get(DB.key)?.isPartial], [true, undefined]);
  scene.engines[1]?.connect();
  await settle();
  const hosts = () => scene.sets.get(SHOP)?.replicas.map((one) => one.host);
  assert.deepEqual(hosts(), ['a', 'b']);
  scene.discovery.declare(declared({ labels, leftHosts: ['b'] }));
  assert.deepEqual(hosts(), ['a']);
  scene.discovery.declare(declared({ labels }));
  assert.deepEqual(hosts(), ['a', 'b']);
});

test('reading says what is wrong with which label, and which mean nothing', () => {
  const reading = readDeclared({ ...LABELS, 'tidegate.retry': 'often', 'tidegate.retri': '1' }, FACTS);
  assert.equal(reading.policy, null);
  assert.deepEqual(
    reading.rejections.map((one) => one.label),
    ['tidegate.retry'],
  );
  assert.deepEqual(
    reading.unknown.map((one) => [one.label, one.nearest]),
    [['tidegate.retri', 'tidegate.retry']],
  );
});

test('reading asks for a port only when it is known that the image has none', () => {
  const missing = (exposedPort?: number | null): string[] =>
    readDeclared({}, { ...FACTS, exposedPort }).rejections.map((one) => one.label);
  assert.deepEqual(missing(undefined), []);
  assert.deepEqual(missing(8080), []);
  assert.deepEqual(missing(null), ['tidegate.port']);
  const { routes } = readDeclared({ 'tidegate.route.api.path': '/api', 'tidegate.route.api.port': '9000' }, FACTS);
  assert.deepEqual(
    routes.map((one) => [one.hostname, one.path, one.port]),
    [
      ['shop.localhost', '/', null],
      ['shop.localhost', '/api', 9000],
    ],
  );
});
