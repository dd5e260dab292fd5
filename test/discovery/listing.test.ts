/** Lists: the first one, the regular ones, those that fail, and those that are empty. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '#core/errors';
import { EMPTY_CONFIRM_MS, RESYNC_MS, RETRY_FIRST_MS } from '#discovery/resync';
import { LINGER_MS } from '#discovery/set-ledger';
import { RouteTable } from '#router/route-table';
import { FakeClock, settle } from '../support/fake-clock.ts';
import type { FakeEngine } from './fake-engine.ts';
import { SHOP, stage } from './scene.ts';

const HANGS = new TidegateError('engine.timeout', 'it took too long');

function three(engine: FakeEngine): void {
  for (const id of ['one', 'two', 'three']) engine.put(id);
}

test('the first listing looks at every container once', async () => {
  const scene = await stage({ prepare: three });
  assert.deepEqual(scene.engine.inspected.toSorted(), ['one', 'three', 'two']);
  assert.deepEqual(scene.causes('host.connected'), ['3 containers found']);
});

test('one changed container costs one inspect', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.inspected.length = 0;
  scene.engine.change('two', { status: 'exited' });
  scene.engine.send('kill', 'two', { signal: '15' });
  scene.engine.send('die', 'two', { exitCode: '0' });
  scene.engine.send('stop', 'two');
  await settle();
  assert.deepEqual(scene.engine.inspected, ['two']);
});

test('however many events come during an inspect, exactly one more follows', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.inspected.length = 0;
  scene.engine.holdsInspects = true;
  scene.engine.send('rename', 'one');
  await settle();
  for (let i = 0; i < 10; i++) scene.engine.send('update', 'one');
  await settle();
  assert.deepEqual(scene.engine.inspected, ['one']);
  scene.engine.holdsInspects = false;
  scene.engine.release();
  await settle();
  assert.deepEqual(scene.engine.inspected, ['one', 'one']);
});

test('an inspect that began before an event does not undo what the event said', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.holdsInspects = true;
  scene.engine.send('rename', 'one');
  await settle();
  scene.engine.change('one', { status: 'exited', exitCode: 3, pid: 0 });
  scene.engine.send('die', 'one', { exitCode: '3' });
  const seen: (string | undefined)[] = [];
  scene.engine.holdsInspects = false;
  scene.engine.release();
  for (let i = 0; i < 5; i++) {
    seen.push(scene.status());
    await settle();
  }
  assert.deepEqual([...new Set(seen)], ['exited']);
});

test('what an inspect under way says of a start is delivered without a second one', async () => {
  const scene = await stage({ prepare: (engine) => void engine.put('one', { status: 'exited' }) });
  scene.engine.change('one', { status: 'running' });
  scene.engine.holdsInspects = true;
  const looked = scene.discovery.refresh('local', 'one');
  await settle();
  scene.engine.send('start', 'one');
  scene.engine.release();
  await looked;
  assert.equal(scene.status(), 'running');
});

test('refresh resolves when the new picture was delivered', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.change('one', { status: 'exited' });
  await scene.discovery.refresh('local', 'one');
  assert.equal(scene.status(), 'exited');
});

test('refresh while a look is under way waits for one that began after the call', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.holdsInspects = true;
  scene.engine.send('rename', 'one');
  await settle();
  scene.engine.change('one', { status: 'exited' });
  const looked = scene.discovery.refresh('local', 'one');
  scene.engine.holdsInspects = false;
  scene.engine.release();
  await looked;
  assert.equal(scene.status(), 'exited');
});

test('refresh of a container that is gone removes it, and of one that nobody knows does nothing', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.containers.delete('one');
  await scene.discovery.refresh('local', 'one');
  await scene.discovery.refresh('local', 'nobody');
  await scene.discovery.refresh('elsewhere', 'one');
  assert.equal(scene.status('one'), undefined);
  assert.equal(scene.status('two'), 'running');
});

test('refresh does not fail when the Engine cannot be asked', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.failure = HANGS;
  await scene.discovery.refresh('local', 'one');
  assert.equal(scene.status(), 'running');
});

test('every minute the host is listed, and only what changed is looked at', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.inspected.length = 0;
  scene.engine.change('two', { status: 'exited' });
  scene.engine.containers.delete('three');
  scene.engine.put('four');
  await scene.clock.advance(RESYNC_MS);
  assert.deepEqual(scene.engine.inspected.toSorted(), ['four', 'three', 'two']);
  assert.equal(scene.status('two'), 'exited');
  assert.equal(scene.status('three'), undefined);
  assert.equal(scene.status('four'), 'running');
  assert.equal(scene.engine.lists, 2);
});

test('after the event stream broke everything is looked at, as addresses may have changed unseen', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.inspected.length = 0;
  scene.engine.lose();
  scene.engine.change('one', { startedAt: '2026-02-01T00:00:00Z', networks: [{ name: 'bridge', ip: '172.17.0.99' }] });
  scene.engine.connect();
  await settle();
  assert.deepEqual(scene.engine.inspected.toSorted(), ['one', 'three', 'two']);
  assert.equal(scene.replica()?.endpoints[0]?.dialHost, '172.17.0.99');
  assert.deepEqual(scene.causes('container.died'), ['it ended unseen']);
});

test('a thorough listing that failed is made up for', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.failure = HANGS;
  scene.engine.connect();
  await settle();
  scene.engine.failure = null;
  scene.engine.inspected.length = 0;
  await scene.clock.advance(RETRY_FIRST_MS);
  assert.deepEqual(scene.engine.inspected.toSorted(), ['one', 'three', 'two']);
});

test('a container that a list does not name is removed on the word of its inspect alone', async () => {
  const scene = await stage({ prepare: three });
  const said = [...scene.engine.containers.values()].filter((one) => one.id !== 'two');
  scene.engine.listSays = said;
  await scene.clock.advance(RESYNC_MS);
  assert.equal(scene.status('two'), 'running', 'it is there');
  scene.engine.containers.delete('two');
  await scene.clock.advance(RESYNC_MS);
  assert.equal(scene.status('two'), undefined);
});

test('a failed list changes nothing, degrades the host and is tried again soon', async () => {
  const scene = await stage({ prepare: three });
  const deliveries = scene.delivered.length;
  scene.engine.failure = HANGS;
  await scene.clock.advance(RESYNC_MS);
  assert.deepEqual(scene.causes('host.degraded'), ['its containers could not be listed: it took too long']);
  assert.equal(scene.discovery.hosts()[0]?.degraded, 'its containers could not be listed: it took too long');
  scene.engine.failure = null;
  await scene.clock.advance(RETRY_FIRST_MS);
  assert.deepEqual(scene.causes('host.recovered'), ['it answers again']);
  assert.equal(scene.discovery.hosts()[0]?.degraded, null);
  assert.equal(scene.delivered.length, deliveries);
});

test('an Engine that hangs for an hour keeps its last good picture, and converges after', async () => {
  const scene = await stage({ prepare: three });
  const deliveries = scene.delivered.length;
  scene.engine.failure = HANGS;
  scene.engine.turn('degraded');
  await scene.clock.advance(3_600_000);
  assert.equal(scene.delivered.length, deliveries);
  scene.engine.change('one', { status: 'exited' });
  scene.engine.failure = null;
  scene.engine.turn('reachable');
  await settle();
  assert.equal(scene.status('one'), 'exited');
  assert.equal(scene.causes('host.degraded').length, 1);
  assert.equal(scene.causes('host.recovered').length, 1);
});

test('a list that does not come back holds up nothing but itself', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.holdsLists = true;
  await scene.clock.advance(RESYNC_MS);
  scene.engine.change('one', { status: 'exited' });
  scene.engine.send('die', 'one');
  await settle();
  assert.equal(scene.status('one'), 'exited');
  await scene.clock.advance(10 * RESYNC_MS);
  assert.equal(scene.engine.lists, 2, 'no second list is sent after it');
});

test('an empty list is not believed: the routes stay and the host is degraded', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.listSays = [];
  await scene.clock.advance(RESYNC_MS);
  assert.equal(scene.sets.get(SHOP)?.replicas.length, 3);
  assert.deepEqual(scene.causes('host.degraded'), ['it names no container any more, where there were 3']);
  scene.engine.listSays = null;
  await scene.clock.advance(EMPTY_CONFIRM_MS);
  assert.equal(scene.sets.get(SHOP)?.replicas.length, 3);
  assert.equal(scene.causes('host.recovered').length, 1);
});

test('an empty list that a second one confirms is believed of what is gone indeed', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.containers.clear();
  await scene.clock.advance(RESYNC_MS);
  assert.equal(scene.sets.get(SHOP)?.replicas.length, 3, 'not at once');
  await scene.clock.advance(EMPTY_CONFIRM_MS);
  assert.deepEqual(scene.sets.get(SHOP)?.replicas, []);
  await scene.clock.advance(LINGER_MS);
  assert.equal(scene.sets.size, 0);
});

test('a container whose inspect fails keeps its last good picture and is looked at again', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.failures.set('one', HANGS);
  scene.engine.change('one', { networks: [{ name: 'bridge', ip: '172.17.0.50' }] });
  scene.engine.send('update', 'one');
  await settle();
  assert.equal(scene.replica()?.endpoints[0]?.dialHost, '172.17.0.2');
  scene.engine.failures.clear();
  await scene.clock.advance(RETRY_FIRST_MS);
  assert.equal(scene.replica()?.endpoints[0]?.dialHost, '172.17.0.50');
});

test('one container that cannot be inspected does not keep the others from being served', async () => {
  const scene = await stage({
    prepare(engine) {
      three(engine);
      engine.failures.set('one', HANGS);
    },
  });
  assert.deepEqual(
    scene.sets
      .get(SHOP)
      ?.replicas.map((one) => one.containerId)
      .toSorted(),
    ['three', 'two'],
  );
});

test('a host that fails harms no other', async () => {
  const scene = await stage({
    hosts: ['a', 'b'],
    prepare(a, [, b]) {
      a.failure = HANGS;
      b?.put('one');
    },
  });
  assert.deepEqual(
    scene.sets.get(SHOP)?.replicas.map((one) => one.id),
    ['b/one'],
  );
  assert.deepEqual(
    scene.discovery.hosts().map((one) => one.listed),
    [false, true],
  );
});

test('ready waits for the first listing of every host', async () => {
  let ready = false;
  const scene = await stage({
    hosts: ['a', 'b'],
    prepare(_, engines) {
      for (const engine of engines) engine.holdsLists = engine.host === 'b';
    },
  });
  void scene.discovery.ready.then(() => {
    ready = true;
  });
  await settle();
  assert.equal(ready, false);
  scene.engines[1]?.release();
  await settle();
  assert.equal(ready, true);
});

test('with a picture from before, ready waits neither for a host that fails nor long for one that hangs', async () => {
  const initial = (await stage({ prepare: three })).discovery.exportSnapshots();
  const failing = await stage({
    initial,
    prepare(engine) {
      engine.failure = HANGS;
    },
  });
  await failing.discovery.ready;
  const unreachable = await stage({ initial, connect: false });
  unreachable.engine.lose();
  await unreachable.discovery.ready;
  const hanging = await stage({ initial, connect: false });
  await hanging.clock.advance(10_000);
  await hanging.discovery.ready;
});

test('with nothing to serve by, ready waits until a host was listed, however long that takes', async () => {
  const scene = await stage({
    prepare(engine) {
      engine.failure = HANGS;
    },
  });
  let ready = false;
  void scene.discovery.ready.then(() => {
    ready = true;
  });
  await scene.clock.advance(3_600_000);
  assert.equal(ready, false);
  scene.engine.failure = null;
  await scene.clock.advance(120_000);
  assert.equal(ready, true);
});

test('what was exported is served again at once, and in its order, while the Engine hangs', async () => {
  const before = await stage({
    prepare(engine) {
      engine.put('b', { createdAt: 2000, labels: { 'tidegate.app': 'b', 'tidegate.route.x.path': '/x' } });
      engine.put('a', { createdAt: 1000, labels: { 'tidegate.app': 'a' } });
    },
  });
  const initial = JSON.parse(JSON.stringify(before.discovery.exportSnapshots()));
  const scene = await stage({ initial, connect: false });
  assert.deepEqual(
    scene.delivered.map((one) => one.app),
    ['a', 'b'],
  );
  await scene.clock.advance(3_600_000);
  assert.deepEqual(scene.routes('default/b/web'), ['b.localhost/', 'b.localhost/x']);
  assert.equal(scene.status('b', 'default/b/web'), 'running');
  assert.deepEqual(scene.causes('set.discovered'), [], 'it was known');
});

test('what was exported is corrected by the first list', async () => {
  const before = await stage({ prepare: three });
  const initial = before.discovery.exportSnapshots();
  const scene = await stage({
    initial,
    prepare(engine) {
      engine.put('one', { status: 'exited' });
      engine.put('four');
    },
  });
  assert.deepEqual(
    scene.sets.get(SHOP)?.replicas.map((one) => [one.containerId, one.status]),
    [
      ['four', 'running'],
      ['one', 'exited'],
    ],
  );
});

test('an empty first list does not take away what was exported before it is confirmed', async () => {
  const before = await stage({ prepare: three });
  const scene = await stage({ initial: before.discovery.exportSnapshots() });
  assert.equal(scene.sets.get(SHOP)?.replicas.length, 3);
  await scene.clock.advance(EMPTY_CONFIRM_MS + LINGER_MS);
  assert.equal(scene.sets.size, 0);
});

test('the last good policy and routes outlive a restart', async () => {
  const good = { 'tidegate.app': 'shop', 'tidegate.retry': '1', 'tidegate.route.x.path': '/x' };
  const before = await stage({ prepare: (engine) => void engine.put('one', { labels: good }) });
  const bad = { 'tidegate.app': 'shop', 'tidegate.retry': 'often', 'tidegate.route.x.path': 'x' };
  const scene = await stage({
    initial: before.discovery.exportSnapshots(),
    prepare: (engine) => void engine.put('two', { labels: bad }),
  });
  assert.equal(scene.sets.get(SHOP)?.policy.retry, 1);
  assert.deepEqual(scene.routes(), ['shop.localhost/', 'shop.localhost/x']);
});

test('replicas on hosts that are not ours any more are dropped, and their sets removed after the first listing', async () => {
  const before = await stage({ hosts: ['gone'], prepare: three });
  const scene = await stage({ initial: before.discovery.exportSnapshots() });
  assert.deepEqual(scene.sets.get(SHOP)?.replicas, []);
  await scene.clock.advance(LINGER_MS);
  assert.equal(scene.sets.size, 0);
});

test('of two claims on one hostname the set with the oldest container has it, in whatever order the Engine lists', async () => {
  for (const order of [
    ['young', 'old'],
    ['old', 'young'],
  ]) {
    const scene = await stage({
      prepare(engine) {
        for (const id of order) {
          const labels = { 'tidegate.app': id, 'tidegate.host': 'shop.example.com' };
          engine.put(id, { createdAt: id === 'old' ? 1000 : 2000, labels });
        }
      },
    });
    const table = new RouteTable({ clock: new FakeClock(), random: () => 0 });
    for (const set of scene.delivered) table.apply(set);
    assert.equal(table.lookup('shop.example.com', '/')?.pool.key, 'default/old/web');
    assert.deepEqual(
      [...table.conflicts()].map((one) => one.claimant),
      ['default/young/web'],
    );
  }
});

test('after close nothing is listed, looked at or delivered any more', async () => {
  const scene = await stage({ prepare: three });
  scene.engine.holdsInspects = true;
  scene.engine.change('one', { status: 'exited' });
  scene.engine.send('update', 'one');
  await settle();
  const deliveries = scene.delivered.length;
  scene.discovery.close();
  scene.engine.release();
  scene.engine.send('die', 'two');
  scene.engine.connect();
  await scene.clock.advance(10 * RESYNC_MS);
  assert.equal(scene.delivered.length, deliveries);
  assert.equal(scene.engine.lists, 1);
  assert.equal(scene.clock.pendingCount, 0);
});
