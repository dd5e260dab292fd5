/** Tidegate ends, or is killed, and finds its replicas again. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { FakeCall } from '#test/scaler/support/fake-engine';
import { Rig } from '#test/scaler/support/rig';

/** Lets time pass until a call was made, and not a moment longer. */
async function until(rig: Rig, call: FakeCall): Promise<void> {
  while (rig.engine.count(call) === 0) await rig.clock.advance(1);
}

test('what was frozen behind the back of the Engine is paused by it when Tidegate ends', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(11_000);
  assert.equal(rig.state(container), 'frozen');
  const closed = rig.scaler.close();
  await rig.clock.advance(100);
  await closed;
  assert.equal(rig.state(container), 'paused');
  assert.deepEqual(rig.notes.get(`local/${container.id}`), { tier: 'frozen', direct: false });
  rig.restart();
  const ask = rig.ask(web);
  await rig.clock.advance(200);
  assert.equal(ask.became, 'admitted');
});

test('the end leaves what runs running and what is stopped stopped, and sends those away who wait', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const running = rig.add('web', 'running', { listensAfterMs: null });
  const stopped = rig.add('web', 'exited');
  await rig.clock.advance(100);
  const ask = rig.ask(web);
  await rig.clock.advance(0);
  const closed = rig.scaler.close();
  await rig.clock.advance(0);
  await closed;
  assert.equal(ask.became, 'no_replicas');
  assert.deepEqual(
    [running, stopped].map((one) => rig.state(one)),
    ['running', 'exited'],
  );
  const calls = rig.engine.calls.length;
  rig.deliver(web);
  const late = rig.ask(web);
  assert.deepEqual(rig.scaler.knock(rig.pool(web)), { code: 'no_replicas', retryAfterS: 5 });
  await rig.clock.advance(100_000);
  assert.equal(late.became, 'no_replicas');
  assert.equal(rig.engine.calls.length, calls);
  assert.equal(rig.clock.pendingCount, 0);
});

for (const [what, prepare] of [
  ['a freeze is under way', (rig: Rig) => until(rig, 'freeze')],
  [
    'a thaw is under way',
    async (rig: Rig) => {
      await rig.clock.advance(11_000);
      rig.ask('default/shop/web');
    },
  ],
  [
    'a thaw fails',
    async (rig: Rig) => {
      await rig.clock.advance(11_000);
      rig.engine.fail('thaw', undefined, 1);
      rig.ask('default/shop/web');
      await rig.clock.advance(30);
    },
  ],
  ['a stop is under way', (rig: Rig) => until(rig, 'stop')],
] as const) {
  test(`nothing is left frozen behind the back of the Engine when it ends while ${what}`, async () => {
    const rig = new Rig();
    rig.engine.latency = () => 20;
    rig.set('web');
    const container = rig.add('web', 'running');
    await prepare(rig);
    const closed = rig.scaler.close();
    await rig.clock.advance(1000);
    await closed;
    assert.equal(container.frozen, false);
  });
}

test('the end does not wait long for an Engine that hangs', async () => {
  const rig = new Rig();
  rig.engine.direct = false;
  rig.set('web');
  rig.add('web', 'running');
  rig.engine.mood = 'hung';
  await rig.clock.advance(10_100);
  let ended = false;
  const closed = rig.scaler.close().then(() => {
    ended = true;
  });
  await rig.clock.advance(5100);
  assert.equal(ended, true);
  await closed;
});

test('a container that cannot be handed to the Engine runs on, and that is said', async () => {
  const rig = new Rig();
  rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(11_000);
  rig.engine.mood = 'away';
  const closed = rig.scaler.close();
  await rig.clock.advance(100);
  await closed;
  assert.equal(rig.state(container), 'running');
  assert.deepEqual(rig.warnings, ['a frozen replica could not be handed to the Engine']);
});

test('what an earlier Tidegate froze and left so is adopted, and thawed by a request', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(11_000);
  assert.equal(rig.state(container), 'frozen');
  rig.restart();
  await rig.clock.advance(1000);
  assert.equal(rig.view(web).state, 'frozen');
  assert.equal(rig.pool(web).readyCount, 0);
  assert.equal(rig.told('set.frozen').length, 1);
  const ask = rig.ask(web);
  await rig.clock.advance(100);
  assert.equal(ask.became, 'admitted');
  assert.equal(rig.state(container), 'running');
});

test('what an earlier Tidegate froze is adopted although it is first seen in an older state', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'frozen');
  const now = rig.picture(container);
  rig.restart();
  rig.show(container, { ...now, status: 'exited', startedAt: 'an older run', endpoints: [], pid: 0 });
  await rig.clock.advance(100);
  rig.show(container, now);
  await rig.clock.advance(1000);
  assert.equal(rig.view(web).state, 'frozen');
  assert.equal(rig.pool(web).readyCount, 0);
});

test('what runs when Tidegate starts serves at once', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1 } });
  rig.add('web', 'running', { listensAfterMs: 0 });
  await rig.clock.advance(5);
  assert.equal(rig.view(web).state, 'up');
});

test('a container whose freezer cannot be asked is taken as running', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1 } });
  rig.engine.throwAtOnce('isFrozen');
  rig.add('web', 'running');
  await rig.clock.advance(100);
  assert.equal(rig.view(web).state, 'up');
  assert.equal(rig.told('replica.failed').length, 0);
});

test('with min ≥ 1 what Tidegate put to sleep is woken after a restart, and what a person stopped is not', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'running');
  await rig.clock.advance(70_000);
  rig.set('web', { scale: { min: 1 } });
  rig.restart();
  await rig.clock.advance(500);
  assert.equal(rig.view(web).state, 'up');
  assert.equal(rig.notes.size, 0);
  const [container] = rig.world.containers.values();
  assert.ok(container);
  rig.world.kill(container.id);
  await rig.clock.advance(3000);
  rig.restart();
  await rig.clock.advance(3000);
  assert.equal(rig.view(web).state, 'stopped');
});

test('notes of containers that are gone are gone too', async () => {
  const rig = new Rig();
  rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(11_000);
  assert.equal(rig.notes.size, 1);
  rig.world.remove(container.id, true);
  await rig.clock.advance(0);
  assert.equal(rig.notes.size, 0);
});

test('old pictures that arrive late change nothing', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1 } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  const before = rig.picture(container);
  rig.world.kill(container.id);
  await rig.clock.advance(100);
  const between = rig.picture(container);
  rig.show(container, before);
  assert.equal(rig.pool(web).upstreams.length, 0);
  rig.show(container, between);
  rig.world.start(container.id);
  await rig.clock.advance(100);
  rig.show(container, between);
  await rig.clock.advance(100);
  assert.equal(rig.view(web).state, 'up');
  rig.showTruth(container);
  await rig.clock.advance(5000);
  assert.equal(rig.view(web).state, 'up');
});

test('a picture that looks old is believed when discovery says nothing else', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1 } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  const truth = rig.picture(container);
  rig.show(container, { ...truth, status: 'exited', endpoints: [] });
  rig.show(container, truth);
  await rig.clock.advance(0);
  assert.equal(rig.view(web).ready, 0);
  await rig.clock.advance(1100);
  assert.equal(rig.view(web).state, 'up');
});
