/** Sets that need others: woken after them, put to sleep before them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ContainerTraits, FakeContainer } from '#test/scaler/support/fake-world';
import { Rig, type SetTraits } from '#test/scaler/support/rig';

/** A set with one container that sleeps. */
function asleep(
  rig: Rig,
  name: string,
  traits: SetTraits = {},
  container: Partial<ContainerTraits> = {},
): FakeContainer {
  rig.set(name, traits);
  return rig.add(name, 'exited', container);
}

const WEB = 'default/shop/web';

test('what a set depends on is started first, in order, each when the one before is ready', async () => {
  const rig = new Rig();
  const db = asleep(rig, 'db', {}, { listensAfterMs: 500 });
  const api = asleep(rig, 'api', { depends: ['db'] }, { listensAfterMs: 300 });
  const web = asleep(rig, 'web', { depends: ['api'] });
  await rig.clock.advance(0);
  const ask = rig.ask(WEB);
  await rig.clock.advance(450);
  assert.deepEqual(
    [db, api, web].map((one) => rig.state(one)),
    ['running', 'exited', 'exited'],
  );
  await rig.clock.advance(250);
  assert.deepEqual(
    [db, api, web].map((one) => rig.state(one)),
    ['running', 'running', 'exited'],
  );
  await rig.clock.advance(600);
  assert.equal(ask.became, 'admitted');
  assert.deepEqual(
    rig.engine.calls.filter((one) => one.call === 'start').map((one) => one.id),
    [db.id, api.id, web.id],
  );
});

test('what a set depends on is put to sleep after it, and stays awake as long as it', async () => {
  const rig = new Rig();
  const db = asleep(rig, 'db');
  const web = asleep(rig, 'web', { depends: ['db'] });
  await rig.clock.advance(0);
  const ask = rig.ask(WEB);
  await rig.clock.advance(100_000);
  assert.deepEqual(
    [db, web].map((one) => rig.state(one)),
    ['running', 'running'],
  );
  ask.finish();
  await rig.clock.advance(10_500);
  assert.deepEqual(
    [db, web].map((one) => rig.state(one)),
    ['running', 'frozen'],
  );
  await rig.clock.advance(10_500);
  assert.deepEqual(
    [db, web].map((one) => rig.state(one)),
    ['frozen', 'frozen'],
  );
});

test('a dependency without a port counts as ready when it runs', async () => {
  const rig = new Rig();
  asleep(rig, 'worker', {}, { port: null });
  asleep(rig, 'web', { depends: ['worker'] });
  await rig.clock.advance(0);
  const ask = rig.ask(WEB);
  await rig.clock.advance(500);
  assert.equal(ask.became, 'admitted');
});

test('a dependency in use by another set stays awake', async () => {
  const rig = new Rig();
  const db = asleep(rig, 'db');
  asleep(rig, 'api', { depends: ['db'], scale: { min: 1 } });
  rig.set('web', { depends: ['db'] });
  const web = rig.add('web', 'running');
  const api = [...rig.world.containers.values()].find((one) => one.set === 'api');
  assert.ok(api !== undefined);
  rig.world.start(api.id);
  await rig.clock.advance(200_000);
  assert.deepEqual(
    [db, api, web].map((one) => rig.state(one)),
    ['running', 'running', 'exited'],
  );
});

test('a set with min ≥ 1 that a person stopped holds nothing awake', async () => {
  const rig = new Rig();
  const db = asleep(rig, 'db');
  rig.set('web', { depends: ['db'], scale: { min: 1 } });
  const web = rig.add('web', 'running');
  await rig.clock.advance(1000);
  assert.equal(rig.state(db), 'running');
  rig.world.kill(web.id);
  await rig.clock.advance(100_000);
  assert.equal(rig.state(db), 'exited');
});

test('a Tidegate that starts wakes no dependency of a set that sleeps', async () => {
  const rig = new Rig();
  const db = asleep(rig, 'db');
  rig.set('web', { depends: ['db'] });
  rig.add('web', 'frozen');
  await rig.clock.advance(5000);
  assert.equal(rig.state(db), 'exited');
  assert.equal(rig.engine.count('start'), 0);
});

test('a dependency that is missing is reported once it is missed, and not waited for', async () => {
  const rig = new Rig();
  asleep(rig, 'web', { depends: ['redis'] });
  await rig.clock.advance(0);
  const early = rig.ask(WEB);
  await rig.clock.advance(500);
  assert.equal(early.became, 'admitted');
  assert.equal(rig.told('set.dependency').length, 0);
  await rig.clock.advance(60_000);
  rig.ask(WEB);
  rig.ask(WEB);
  await rig.clock.advance(500);
  assert.equal(rig.told('set.dependency').length, 1);
  assert.match(rig.told('set.dependency')[0]?.cause ?? '', /"redis", which is not there/);
});

test('a dependency that becomes known later than its dependents is waited for', async () => {
  const rig = new Rig();
  asleep(rig, 'web', { depends: ['db'] });
  asleep(rig, 'db', {}, { listensAfterMs: 1000 });
  await rig.clock.advance(0);
  const ask = rig.ask(WEB);
  await rig.clock.advance(900);
  assert.equal(ask.became, 'held');
  await rig.clock.advance(500);
  assert.equal(ask.became, 'admitted');
});

test('sets that depend on each other in a circle are woken all the same, and the circle is reported', async () => {
  const rig = new Rig();
  asleep(rig, 'api', { depends: ['web'] });
  asleep(rig, 'db', { depends: ['api'] });
  asleep(rig, 'web', { depends: ['db'] });
  await rig.clock.advance(0);
  for (const key of ['default/shop/api', 'default/shop/db', WEB] as const) {
    const ask = rig.ask(key);
    await rig.clock.advance(2000);
    assert.equal(ask.became, 'admitted', key);
    ask.finish();
  }
  assert.equal(
    rig.told('set.dependency').some((one) => /depends on it: not followed/.test(one.cause)),
    true,
  );
  await rig.clock.advance(200_000);
  for (const container of rig.world.containers.values()) assert.equal(rig.state(container), 'exited');
});

test('of two sets that depend on each other one still waits for the other', async () => {
  const rig = new Rig();
  const api = asleep(rig, 'api', { depends: ['web'] });
  const web = asleep(rig, 'web', { depends: ['api'] });
  await rig.clock.advance(0);
  rig.ask('default/shop/api');
  await rig.clock.advance(500);
  assert.deepEqual(
    rig.engine.calls.filter((one) => one.call === 'start').map((one) => one.id),
    [web.id, api.id],
  );
});

test('a set that depends on itself is woken', async () => {
  const rig = new Rig();
  asleep(rig, 'web', { depends: ['web'] });
  await rig.clock.advance(0);
  const ask = rig.ask(WEB);
  await rig.clock.advance(500);
  assert.equal(ask.became, 'admitted');
});

test('whoever asks for a set whose dependency cannot be started hears so with a time to come back', async () => {
  const rig = new Rig();
  const db = asleep(rig, 'db', {}, { listensAfterMs: null, crashesAfterMs: 20 });
  asleep(rig, 'web', { depends: ['db'] });
  await rig.clock.advance(0);
  const ask = rig.ask(WEB);
  await rig.clock.advance(3000);
  assert.deepEqual(ask.outcome, { outcome: 'stopped', code: 'no_replicas', retryAfterS: 5 });
  assert.equal(rig.told('set.wake_failed')[0]?.set, 'db');
  const early = rig.ask(WEB);
  await rig.clock.advance(0);
  assert.equal(early.became, 'no_replicas');
  Object.assign(db, { listensAfterMs: 20, crashesAfterMs: null });
  await rig.clock.advance(5000);
  const late = rig.ask(WEB);
  await rig.clock.advance(1000);
  assert.equal(late.became, 'admitted');
});

test('a dependency that crashes under a set in use is tried again and again, and comes back', async () => {
  const rig = new Rig();
  const db = asleep(rig, 'db');
  asleep(rig, 'web', { depends: ['db'] });
  await rig.clock.advance(0);
  rig.ask(WEB);
  await rig.clock.advance(1000);
  Object.assign(db, { listensAfterMs: null, crashesAfterMs: 20 });
  rig.world.die(db.id, 1);
  await rig.clock.advance(120_000);
  const tries = rig.engine.count('start');
  assert.ok(tries > 6 && tries < 40, `${tries} tries`);
  assert.ok(rig.told('set.wake_failed').length > 1);
  Object.assign(db, { listensAfterMs: 20, crashesAfterMs: null });
  await rig.clock.advance(61_000);
  assert.equal(rig.view('default/shop/db').state, 'up');
});

test('whoever asks for a set whose dependency a person stopped hears that there is none', async () => {
  const rig = new Rig();
  rig.set('db', { scale: { min: 1 } });
  const db = rig.add('db', 'running');
  asleep(rig, 'web', { depends: ['db'] });
  await rig.clock.advance(100);
  rig.world.kill(db.id);
  await rig.clock.advance(6000);
  const ask = rig.ask(WEB);
  await rig.clock.advance(0);
  assert.equal(ask.became, 'no_replicas');
  assert.equal(rig.engine.count('start'), 0);
});

test('a dependency that a set no longer has is let go of', async () => {
  const rig = new Rig();
  const db = asleep(rig, 'db');
  asleep(rig, 'web', { depends: ['db'] });
  await rig.clock.advance(0);
  rig.ask(WEB);
  await rig.clock.advance(1000);
  assert.equal(rig.state(db), 'running');
  rig.set('web', { depends: [] });
  await rig.clock.advance(70_000);
  assert.equal(rig.state(db), 'exited');
});

test('a dependency whose dependents vanish is let go of', async () => {
  const rig = new Rig();
  const db = asleep(rig, 'db');
  asleep(rig, 'web', { depends: ['db'] });
  await rig.clock.advance(0);
  rig.ask(WEB);
  await rig.clock.advance(1000);
  rig.vanish(WEB);
  await rig.clock.advance(70_000);
  assert.equal(rig.state(db), 'exited');
});

test('requests do not wait for a dependency that vanished', async () => {
  const rig = new Rig();
  asleep(rig, 'db', {}, { listensAfterMs: null });
  asleep(rig, 'web', { depends: ['db'] });
  await rig.clock.advance(0);
  const ask = rig.ask(WEB);
  await rig.clock.advance(1000);
  assert.equal(ask.became, 'held');
  rig.vanish('default/shop/db');
  await rig.clock.advance(500);
  assert.equal(ask.became, 'admitted');
});

test('a waiting page wakes dependencies too', async () => {
  const rig = new Rig();
  asleep(rig, 'db');
  const web = asleep(rig, 'web', { depends: ['db'] });
  await rig.clock.advance(0);
  assert.equal(rig.scaler.knock(rig.pool(WEB)), null);
  await rig.clock.advance(1000);
  assert.equal(rig.state(web), 'running');
});
