/** Scale that people ask for. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { FakeContainer } from '#test/scaler/support/fake-world';
import { noOverride, Rig } from '#test/scaler/support/rig';

function states(rig: Rig): string[] {
  return [...rig.world.containers.values()].map((one) => rig.state(one));
}

function clonesOf(rig: Rig): FakeContainer[] {
  return [...rig.world.containers.values()].filter((one) => one.cloneOf !== null);
}

test('a min above the number of containers is filled with clones of the newest one', async () => {
  const rig = new Rig();
  rig.add('web', 'running', { name: 'old' });
  const newest = rig.add('web', 'running', { name: 'new' });
  const web = rig.set('web', { scale: { min: 3, max: 3 } });
  rig.deliver(web);
  await rig.clock.advance(500);
  const [clone, ...others] = clonesOf(rig);
  assert.deepEqual(others, []);
  assert.equal(clone?.cloneOf, newest.id);
  assert.equal(clone?.name, 'new-tg2');
  assert.equal(rig.view(web).ready, 3);
  assert.equal(rig.told('replica.created').length, 1);
});

test('a person who scales a sleeping set up wakes it with as many replicas as he asked for', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited');
  await rig.clock.advance(0);
  assert.equal(rig.scaler.scale(web, noOverride({ replicas: 3 })), true);
  await rig.clock.advance(1000);
  assert.equal(rig.view(web).ready, 3);
  assert.deepEqual(
    clonesOf(rig).map((one) => one.name),
    ['c1-tg2', 'c1-tg3'],
  );
  await rig.clock.advance(100_000);
  assert.deepEqual(states(rig), ['exited', 'exited', 'exited']);
  rig.ask(web);
  await rig.clock.advance(500);
  assert.equal(rig.view(web).ready, 3);
});

test('fewer replicas: clones go, the newest first, and never a container that its operator made', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1, max: 5 } });
  rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.scaler.scale(web, noOverride({ replicas: 4 }));
  await rig.clock.advance(1000);
  const [first, second, third] = clonesOf(rig);
  assert.ok(first && second && third);
  rig.scaler.scale(web, noOverride({ replicas: 2 }));
  await rig.clock.advance(1000);
  assert.deepEqual(
    [first, second, third].map((one) => rig.state(one)),
    ['running', 'gone', 'gone'],
  );
  rig.scaler.scale(web, noOverride());
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig), ['running']);
  assert.equal(rig.told('replica.removed').length, 3);
});

test('fewer replicas than the operator made: the others are stopped, and started when they are wanted', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 2, max: 5 } });
  rig.add('web', 'running');
  rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.scaler.scale(web, noOverride({ replicas: 1 }));
  await rig.clock.advance(500);
  assert.deepEqual(states(rig), ['exited', 'running']);
  rig.scaler.scale(web, noOverride({ replicas: 2 }));
  await rig.clock.advance(500);
  assert.deepEqual(states(rig), ['running', 'running']);
  rig.scaler.scale(web, noOverride({ max: 1 }));
  await rig.clock.advance(500);
  assert.equal(rig.view(web).ready, 1);
});

test('more containers than the max of the labels are left as their operator has them', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1, max: 1 } });
  for (let i = 0; i < 3; i++) rig.add('web', 'running');
  await rig.clock.advance(1000);
  assert.equal(rig.view(web).ready, 3);
});

test('scaled to zero: the set sleeps now, and the next request wakes it', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1 } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.scaler.scale(web, noOverride({ replicas: 0 }));
  await rig.clock.advance(100);
  assert.equal(rig.state(container), 'exited');
  assert.equal(rig.told('set.stopped')[0]?.cause, 'scaled to zero');
  const ask = rig.ask(web);
  await rig.clock.advance(500);
  assert.equal(ask.became, 'admitted');
});

test('scaled to zero with a stream open: it may finish for as long as the drain time, and nothing new is taken', async () => {
  const rig = new Rig();
  const web = rig.set('web', { drainMs: 5000 });
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.ask(web);
  await rig.clock.advance(10_000);
  rig.scaler.scale(web, noOverride({ replicas: 0 }));
  await rig.clock.advance(4900);
  assert.equal(rig.state(container), 'running');
  assert.equal(rig.pool(web).readyCount, 0);
  await rig.clock.advance(300);
  assert.equal(rig.state(container), 'exited');
});

test('scaled to zero: whoever asks while it drains is served', async () => {
  const rig = new Rig();
  const web = rig.set('web', { drainMs: 5000 });
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.ask(web);
  rig.scaler.scale(web, noOverride({ replicas: 0 }));
  await rig.clock.advance(1000);
  const ask = rig.ask(web);
  await rig.clock.advance(0);
  assert.equal(ask.became, 'admitted');
  await rig.clock.advance(60_000);
  assert.equal(rig.state(container), 'running');
});

test('scaled to zero: a lease given before counts no longer, one given after does', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.scaler.lease('default', 'shop', 600_000);
  rig.scaler.scale(web, noOverride({ replicas: 0 }));
  await rig.clock.advance(500);
  assert.equal(rig.state(container), 'exited');
  rig.scaler.lease('default', 'shop', 600_000);
  await rig.clock.advance(300_000);
  assert.equal(rig.state(container), 'running');
});

test('scaled to zero while another set needs it: it sleeps when that one does', async () => {
  const rig = new Rig();
  const db = rig.set('db');
  const database = rig.add('db', 'running');
  const web = rig.set('web', { depends: ['db'] });
  rig.add('web', 'running');
  await rig.clock.advance(100);
  const stream = rig.ask(web);
  rig.scaler.scale(db, noOverride({ replicas: 0 }));
  await rig.clock.advance(20_000);
  assert.equal(rig.state(database), 'running');
  stream.finish();
  await rig.clock.advance(10_500);
  assert.equal(rig.state(database), 'exited');
});

test('a set that a person stopped is started by a person who scales it', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1 } });
  const container = rig.add('web', 'exited');
  await rig.clock.advance(5000);
  assert.equal(rig.state(container), 'exited');
  rig.scaler.scale(web, noOverride({ replicas: 1 }));
  await rig.clock.advance(500);
  assert.equal(rig.state(container), 'running');
});

test('a wake that failed is tried again at once by a person who scales the set', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'exited', { listensAfterMs: null, crashesAfterMs: 10 });
  await rig.clock.advance(0);
  rig.ask(web);
  await rig.clock.advance(3000);
  assert.equal(rig.view(web).state, 'wake-failed');
  Object.assign(container, { listensAfterMs: 10, crashesAfterMs: null });
  rig.scaler.scale(web, noOverride({ replicas: 1 }));
  const ask = rig.ask(web);
  await rig.clock.advance(500);
  assert.equal(rig.view(web).state, 'up');
  assert.equal(ask.became, 'admitted');
});

test('a set of class data has one replica, whatever is asked', async () => {
  const rig = new Rig();
  const db = rig.set('db', { class: 'data' });
  const container = rig.add('db', 'running');
  await rig.clock.advance(100);
  for (const replicas of [3, 0]) {
    rig.scaler.scale(db, noOverride({ replicas }));
    await rig.clock.advance(5000);
    assert.deepEqual(states(rig), ['running']);
    assert.equal(rig.state(container), 'running');
  }
});

test('what people asked for before a restart is in force after it', async () => {
  const web = 'default/shop/web';
  const rig = new Rig({ overrides: new Map([[web, noOverride({ replicas: 2 })]]) });
  rig.set('web', { scale: { min: 1 } });
  rig.add('web', 'running');
  await rig.clock.advance(1000);
  assert.equal(rig.view(web).ready, 2);
});

test('a set that is not there cannot be scaled', () => {
  const rig = new Rig();
  assert.equal(rig.scaler.scale('default/shop/web', noOverride({ replicas: 2 })), false);
});
