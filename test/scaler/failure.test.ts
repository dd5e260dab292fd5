/** Starts that fail, Engines that are away, and what those hear who wait. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { FAKE_CALLS } from '#test/scaler/support/fake-engine';
import { FakeRefusal } from '#test/scaler/support/fake-refusal';
import { Rig } from '#test/scaler/support/rig';

test('an app that crashes again and again fails its wake, and is tried again later', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'exited', { listensAfterMs: null, crashesAfterMs: 50 });
  await rig.clock.advance(0);
  const asks = rig.asks(web, 3);
  await rig.clock.advance(3000);
  assert.deepEqual(
    asks.map((one) => one.outcome),
    Array.from({ length: 3 }, () => ({ outcome: 'stopped', code: 'no_replicas', retryAfterS: 5 })),
  );
  assert.equal(rig.engine.count('start'), 3);
  assert.deepEqual(
    rig.told('replica.failed').map((one) => one.data),
    [250, 500, 1000].map((ms, i) => ({ failures: i + 1, retry_in_ms: ms })),
  );
  assert.equal(rig.view(web).state, 'wake-failed');
  const early = rig.ask(web);
  await rig.clock.advance(0);
  assert.equal(early.became, 'no_replicas');
  assert.equal(rig.engine.count('start'), 3);
  Object.assign(container, { listensAfterMs: 20, crashesAfterMs: null });
  await rig.clock.advance(5000);
  const late = rig.ask(web);
  await rig.clock.advance(500);
  assert.equal(late.became, 'admitted');
  assert.equal(rig.told('set.wake_failed').length, 1);
});

test('a failed wake does not keep those out who come while a person has it started', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'exited', { listensAfterMs: null, crashesAfterMs: 10 });
  await rig.clock.advance(0);
  rig.ask(web);
  await rig.clock.advance(3000);
  assert.equal(rig.view(web).state, 'wake-failed');
  Object.assign(container, { listensAfterMs: 1000, crashesAfterMs: null });
  rig.world.start(container.id);
  await rig.clock.advance(100);
  const ask = rig.ask(web);
  await rig.clock.advance(1000);
  assert.equal(ask.became, 'admitted');
});

test('a start that fails because the app ended at once counts as one failure', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'exited');
  await rig.clock.advance(0);
  rig.engine.start = async (id) => {
    rig.world.start(id);
    rig.world.die(id, 127);
    throw new FakeRefusal('engine.refused', 'exec: no such file');
  };
  rig.ask(web);
  await rig.clock.advance(10);
  assert.equal(container.exitCode, 127);
  assert.equal(rig.told('replica.failed').length, 1);
});

test('a replica that was ready for long starts over with a clean record when it crashes', async () => {
  const rig = new Rig();
  rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.scaler.lease('default', 'shop', 1_000_000);
  for (const aliveMs of [100, 100, 15_000]) {
    await rig.clock.advance(aliveMs);
    rig.world.die(container.id, 1);
    await rig.clock.advance(2000);
  }
  assert.deepEqual(
    rig.told('replica.failed').map((one) => one.data?.failures),
    [1, 2, 1],
  );
});

test('a wake that failed is not tried on for visitors of the waiting page', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited', { listensAfterMs: null, crashesAfterMs: 10 });
  await rig.clock.advance(0);
  assert.equal(rig.scaler.knock(rig.pool(web)), null);
  await rig.clock.advance(4000);
  assert.deepEqual(rig.scaler.knock(rig.pool(web)), { outcome: 'stopped', code: 'no_replicas', retryAfterS: 2 });
  await rig.clock.advance(25_000);
  assert.equal(rig.engine.count('start'), 3);
});

test('every failed wake makes the next one wait longer, up to a minute', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited', { listensAfterMs: null, crashesAfterMs: 10 });
  await rig.clock.advance(0);
  for (let i = 0; i < 7; i++) {
    rig.ask(web);
    await rig.clock.advance(62_000);
  }
  assert.deepEqual(
    rig.told('set.wake_failed').map((one) => one.data?.retry_in_ms),
    [5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000],
  );
});

test('a container that the Engine refuses to start fails its wake', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited');
  await rig.clock.advance(0);
  rig.engine.fail('start', new FakeRefusal('engine.refused', 'start: no such device'));
  const ask = rig.ask(web);
  await rig.clock.advance(3000);
  assert.equal(ask.became, 'no_replicas');
  assert.match(rig.told('replica.failed')[0]?.cause ?? '', /start failed: start: no such device/);
});

test('an app that never listens is given up after the wake timeout, and whoever comes later hears so at once', async () => {
  const rig = new Rig();
  const web = rig.set('web', { wakeTimeoutMs: 5000, scale: { pauseMs: null, stopMs: 20_000 } });
  const container = rig.add('web', 'exited', { listensAfterMs: null });
  await rig.clock.advance(0);
  const first = rig.ask(web);
  await rig.clock.advance(5100);
  assert.equal(first.became, 'timed-out');
  const second = rig.ask(web);
  await rig.clock.advance(0);
  assert.equal(second.became, 'no_replicas');
  assert.equal(rig.view(web).state, 'unhealthy');
  await rig.clock.advance(26_000);
  assert.equal(rig.state(container), 'exited');
});

test('a replica that cannot be dialled is told from one that is not ready yet', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited', { unroutable: 'it has no network' });
  await rig.clock.advance(0);
  const ask = rig.ask(web);
  await rig.clock.advance(1000);
  assert.equal(ask.became, 'no_replicas');
  assert.equal(rig.view(web).replicas[0]?.phase, 'unroutable');
});

test('a replica without weight is not waited for', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1 } });
  rig.add('web', 'running', { weight: 0 });
  await rig.clock.advance(100);
  const ask = rig.ask(web);
  await rig.clock.advance(0);
  assert.equal(ask.became, 'no_replicas');
});

test('a replica that had its time is passed over for one that sleeps', async () => {
  const rig = new Rig();
  const web = rig.set('web', { wakeTimeoutMs: 3000 });
  rig.add('web', 'running', { unroutable: 'it has no network' });
  const other = rig.add('web', 'exited');
  await rig.clock.advance(100);
  const ask = rig.ask(web);
  await rig.clock.advance(500);
  assert.equal(ask.upstream?.replica, `local/${other.id}`);
});

for (const mood of ['away', 'hung'] as const) {
  test(`while the Engine is ${mood} a start is tried again, and counts as nobody's failure`, async () => {
    const rig = new Rig();
    const web = rig.set('web', { wakeTimeoutMs: 120_000 });
    rig.add('web', 'exited');
    await rig.clock.advance(0);
    rig.engine.mood = mood;
    const ask = rig.ask(web);
    await rig.clock.advance(65_000);
    assert.equal(ask.became, 'held');
    assert.equal(rig.told('replica.failed').length, 0);
    assert.ok(rig.engine.count('start') <= 140);
    assert.equal(rig.warnings.length, 1);
    rig.engine.recover();
    await rig.clock.advance(1000);
    assert.equal(ask.became, 'admitted');
  });
}

test('while the breaker holds calls back a start is tried again without counting', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited');
  await rig.clock.advance(0);
  rig.engine.fail('start', new FakeRefusal('engine.breaker_open', 'held back'), 20);
  const ask = rig.ask(web);
  await rig.clock.advance(12_000);
  assert.equal(ask.became, 'admitted');
  assert.equal(rig.told('replica.failed').length, 0);
});

test('a container that was frozen by the freezer is thawed although the Engine hangs', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(11_000);
  assert.equal(rig.state(container), 'frozen');
  rig.engine.mood = 'hung';
  const ask = rig.ask(web);
  await rig.clock.advance(10);
  assert.equal(ask.became, 'admitted');
});

test('a stop that fails because the Engine is away does not hold up a thaw', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'running');
  await rig.clock.advance(11_000);
  rig.engine.mood = 'away';
  await rig.clock.advance(50_000);
  const ask = rig.ask(web);
  await rig.clock.advance(10);
  assert.equal(ask.became, 'admitted');
});

test('a request finds a replica that the Engine refused to freeze', async () => {
  const rig = new Rig();
  rig.engine.direct = false;
  const web = rig.set('web');
  rig.add('web', 'running');
  rig.engine.fail('pause');
  for (let i = 0; i < 30; i++) {
    await rig.clock.advance(11_000);
    const ask = rig.ask(web);
    await rig.clock.advance(100);
    assert.equal(ask.became, 'admitted');
    ask.finish();
  }
  assert.equal(rig.told('set.wake_failed').length, 0);
});

test('failures to go to sleep do not count against the next wake', async () => {
  const rig = new Rig();
  rig.engine.direct = false;
  const web = rig.set('web', { scale: { pauseMs: 1000 } });
  const container = rig.add('web', 'running');
  rig.engine.fail('pause');
  while (rig.told('replica.failed').length < 2) await rig.clock.advance(5);
  rig.world.die(container.id, 0);
  const ask = rig.ask(web);
  await rig.clock.advance(150);
  assert.equal(ask.became, 'admitted');
});

test('a refusal that somebody else made true already is no failure', async () => {
  const rig = new Rig();
  rig.engine.direct = false;
  const web = rig.set('web');
  const container = rig.add('web', 'paused');
  await rig.clock.advance(0);
  rig.delay = () => 'never';
  rig.world.unpause(container.id);
  const ask = rig.ask(web);
  await rig.clock.advance(200);
  assert.equal(ask.became, 'admitted');
  assert.equal(rig.told('replica.failed').length, 0);
});

test('a container that is gone without a word is looked for, not counted', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'exited');
  await rig.clock.advance(0);
  rig.delay = () => 'never';
  rig.world.remove(container.id);
  const ask = rig.ask(web);
  await rig.clock.advance(100);
  assert.deepEqual(rig.view(web).replicas, []);
  assert.equal(ask.became, 'held');
  assert.equal(rig.told('replica.failed').length, 0);
});

test('a start of which discovery shows nothing is not repeated at once', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'exited');
  await rig.clock.advance(0);
  rig.delay = () => 'never';
  rig.blind = true;
  const ask = rig.ask(web);
  await rig.clock.advance(3000);
  assert.equal(rig.engine.count('start'), 2);
  rig.show(container);
  await rig.clock.advance(100);
  assert.equal(ask.became, 'admitted');
});

for (const call of FAKE_CALLS) {
  for (const how of ['fail', 'throwAtOnce'] as const) {
    test(`an Engine that always ${how === 'fail' ? 'refuses' : 'throws on'} ${call} costs a bounded number of calls`, async () => {
      const rig = new Rig();
      rig.engine.latency = () => 0;
      const web = rig.set('web', { scale: { pauseMs: 100, stopMs: 1000, max: 3 } });
      rig.add('web', 'running', { hasHealthcheck: call === 'pause' || call === 'unpause' });
      rig.add('web', 'exited');
      rig.engine[how](call);
      await rig.clock.advance(100);
      rig.scaler.scale(web, { min: null, max: null, replicas: 3 });
      for (let i = 0; i < 30; i++) {
        rig.ask(web);
        await rig.clock.advance(1000);
      }
      assert.equal(rig.engine.ranAway, false);
      assert.ok(rig.engine.calls.length < 500, `${rig.engine.calls.length} calls in half a minute`);
      assert.deepEqual(rig.errors, []);
    });
  }
}

test('a host that is not known costs nothing but a wait', async () => {
  const rig = new Rig();
  const web = rig.set('web', { wakeTimeoutMs: 3000 });
  const container = rig.add('web', 'exited');
  rig.show(container, { ...rig.picture(container), host: 'elsewhere' });
  await rig.clock.advance(0);
  const ask = rig.ask(web);
  await rig.clock.advance(3100);
  assert.equal(ask.became, 'timed-out');
  assert.equal(rig.engine.calls.length, 0);
});

test('a storm of pictures causes no calls to the Engine', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'running');
  rig.add('web', 'exited');
  await rig.clock.advance(100);
  const calls = rig.engine.calls.length;
  for (let i = 0; i < 5000; i++) rig.deliver(web);
  await rig.clock.advance(100);
  assert.equal(rig.engine.calls.length, calls);
  assert.ok(rig.clock.pendingCount < 10);
});
