/** What people do with docker is respected. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Rig } from '#test/scaler/support/rig';

const KEPT = { scale: { min: 1 } };

test('a set with min ≥ 1 that a person stopped is not started, and whoever asks hears so after a moment', async () => {
  const rig = new Rig();
  const web = rig.set('web', KEPT);
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.world.kill(container.id);
  await rig.clock.advance(100);
  const early = rig.ask(web);
  await rig.clock.advance(4700);
  assert.equal(early.became, 'held');
  await rig.clock.advance(700);
  assert.equal(early.became, 'stopped');
  assert.deepEqual(rig.ask(web).became, 'held');
  await rig.clock.advance(0);
  const late = rig.ask(web);
  await rig.clock.advance(0);
  assert.deepEqual(late.outcome, { outcome: 'stopped', code: 'stopped', retryAfterS: 30 });
  assert.deepEqual(rig.scaler.knock(rig.pool(web)), { outcome: 'stopped', code: 'stopped', retryAfterS: 30 });
  assert.equal(rig.engine.count('start'), 0);
  assert.equal(rig.view(web).state, 'stopped');
  rig.world.start(container.id);
  await rig.clock.advance(100);
  const again = rig.ask(web);
  await rig.clock.advance(0);
  assert.equal(again.became, 'admitted');
});

test('a set with min ≥ 1 that a person paused is left paused', async () => {
  const rig = new Rig();
  const web = rig.set('web', KEPT);
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.world.pause(container.id);
  await rig.clock.advance(0);
  const ask = rig.ask(web);
  await rig.clock.advance(0);
  assert.equal(ask.became, 'stopped');
  assert.equal(rig.engine.count('unpause'), 0);
});

test('a restart by a person costs whoever asks meanwhile a wait and nothing else', async () => {
  const rig = new Rig();
  const web = rig.set('web', KEPT);
  const container = rig.add('web', 'running', { listensAfterMs: 4000 });
  await rig.clock.advance(5000);
  rig.world.kill(container.id);
  await rig.clock.advance(10);
  const asks = rig.asks(web, 3);
  await rig.clock.advance(500);
  rig.world.start(container.id);
  await rig.clock.advance(5000);
  assert.deepEqual(
    asks.map((one) => one.became),
    ['admitted', 'admitted', 'admitted'],
  );
  assert.equal(rig.engine.count('start'), 0);
});

test('a container that the Engine itself starts again is waited for', async () => {
  const rig = new Rig();
  const web = rig.set('web', KEPT);
  const container = rig.add('web', 'running', { restarts: true, listensAfterMs: 3000 });
  await rig.clock.advance(4000);
  rig.world.die(container.id, 1);
  const ask = rig.ask(web);
  await rig.clock.advance(4000);
  assert.equal(ask.became, 'admitted');
  assert.equal(rig.engine.count('start'), 0);
});

test('a set with min = 0 is woken however it came to sleep', async () => {
  for (const act of ['kill', 'pause', 'die'] as const) {
    const rig = new Rig();
    const web = rig.set('web');
    const container = rig.add('web', 'running');
    await rig.clock.advance(100);
    if (act === 'die') rig.world.die(container.id, 137);
    else rig.world[act](container.id);
    await rig.clock.advance(100);
    const ask = rig.ask(web);
    await rig.clock.advance(400);
    assert.equal(ask.became, 'admitted', `after ${act}`);
  }
});

test('a stop by a person while requests are in flight is not taken for a crash', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  const inFlight = rig.ask(web);
  rig.world.kill(container.id);
  const next = rig.ask(web);
  await rig.clock.advance(300);
  assert.equal(inFlight.became, 'admitted');
  assert.equal(next.became, 'admitted');
  assert.equal(rig.told('replica.failed').length, 0);
});

test('a set whose container was frozen by Tidegate and then stopped by a person stays stopped when it may not sleep any more', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(11_000);
  rig.world.kill(container.id);
  await rig.clock.advance(500);
  rig.set('web', { scale: { min: 1 } });
  await rig.clock.advance(5000);
  assert.equal(rig.view(web).state, 'stopped');
});

test('a stopping container takes nothing new before it is dead', async () => {
  const rig = new Rig();
  const web = rig.set('web', KEPT);
  const leaving = rig.add('web', 'running', { endsAfterMs: 5000 });
  const staying = rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.world.kill(leaving.id);
  for (let i = 0; i < 20; i++) {
    const ask = rig.ask(web, { hash: i });
    await rig.clock.advance(1);
    assert.equal(ask.upstream?.replica, `local/${staying.id}`);
  }
});

test('a container that outlives its stop signal serves again', async () => {
  const rig = new Rig();
  const web = rig.set('web', KEPT);
  const container = rig.add('web', 'running', { endsAfterMs: null, stopTimeoutS: 1000 });
  await rig.clock.advance(100);
  rig.world.kill(container.id);
  const ask = rig.ask(web);
  await rig.clock.advance(3000);
  assert.equal(ask.became, 'held');
  container.stopping = false;
  rig.world.changed(container);
  await rig.clock.advance(100);
  assert.equal(ask.became, 'admitted');
});

test('a container that gets another address is looked at anew before it takes requests there', async () => {
  const rig = new Rig();
  const web = rig.set('web', KEPT);
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  container.sick = true;
  container.address = '10.0.1.1';
  rig.world.changed(container);
  const ask = rig.ask(web);
  await rig.clock.advance(100);
  assert.equal(ask.became, 'held');
  container.sick = false;
  await rig.clock.advance(100);
  assert.equal(ask.became, 'admitted');
});

test('a person who stops a frozen container is not kept waiting by the frost', async () => {
  const rig = new Rig();
  rig.set('web');
  const container = rig.add('web', 'frozen', { stopTimeoutS: 30 });
  await rig.clock.advance(100);
  rig.world.kill(container.id);
  await rig.clock.advance(200);
  assert.equal(rig.state(container), 'exited');
});

test('a thaw for a person that fails at first is tried again', async () => {
  const rig = new Rig();
  rig.set('web');
  const container = rig.add('web', 'frozen', { stopTimeoutS: 30 });
  await rig.clock.advance(100);
  rig.engine.throwAtOnce('thaw', undefined, 2);
  rig.world.kill(container.id);
  await rig.clock.advance(2000);
  assert.equal(rig.state(container), 'exited');
});

test('a container that is stopped while it is being frozen is not left frozen', async () => {
  const rig = new Rig();
  rig.engine.latency = (call) => (call === 'freeze' ? 50 : 1);
  rig.set('web');
  const container = rig.add('web', 'running', { stopTimeoutS: 30, endsAfterMs: 100 });
  await rig.clock.advance(10_025);
  assert.equal(rig.engine.count('freeze'), 1);
  rig.world.kill(container.id);
  await rig.clock.advance(400);
  assert.equal(rig.state(container), 'exited');
});

test('a container that is restarted while it is being frozen is not left frozen', async () => {
  const rig = new Rig();
  rig.set('web', { scale: { pauseMs: 100 } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(50);
  rig.engine.latency = () => 50;
  await rig.clock.advance(60);
  assert.equal(rig.engine.count('freeze'), 1);
  rig.world.die(container.id, 0);
  rig.world.start(container.id);
  // A freezer that is found by the name of the container catches the new run.
  container.frozen = true;
  const pid = container.pid;
  rig.world.freeze = () => true;
  await rig.clock.advance(200);
  assert.equal(container.pid, pid);
  assert.equal(rig.state(container), 'running');
});

test('requests wait for the successor of a container that was removed', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const old = rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.world.remove(old.id, true);
  const ask = rig.ask(web);
  await rig.clock.advance(3000);
  assert.equal(ask.became, 'held');
  const next = rig.world.create('web', {});
  rig.world.start(next.id);
  await rig.clock.advance(200);
  assert.equal(ask.upstream?.replica, `local/${next.id}`);
});

test('requests of a set that vanishes are sent away, and nothing of it stays', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited', { listensAfterMs: null });
  await rig.clock.advance(0);
  const pool = rig.pool(web);
  const asks = rig.asks(web, 5);
  await rig.clock.advance(100);
  rig.vanish(web);
  await rig.clock.advance(0);
  assert.deepEqual([...new Set(asks.map((one) => one.became))], ['no_replicas']);
  assert.equal(pool.held, 0);
  assert.equal(pool.upstreams.length, 0);
  assert.equal(rig.scaler.view(web), null);
  const calls = rig.engine.calls.length;
  await rig.clock.advance(100_000);
  assert.equal(rig.engine.calls.length, calls);
  assert.equal(rig.clock.pendingCount, 0);
});

for (const tier of ['stopped', 'frozen'] as const) {
  test(`what a person starts in a set that has been idle for long enough to be ${tier} gets its idle time`, async () => {
    const rig = new Rig();
    const scale =
      tier === 'stopped' ? { min: 0, pauseMs: null, stopMs: 2000 } : { min: 0, pauseMs: 2000, stopMs: null };
    rig.set('web', { scale });
    const container = rig.add('web', 'exited');
    await rig.clock.advance(60_000);
    rig.world.start(container.id);
    await rig.clock.advance(1900);
    assert.equal(rig.state(container), 'running');
    assert.equal(rig.engine.count('stop'), 0);
    await rig.clock.advance(2000);
    assert.notEqual(rig.state(container), 'running');
  });
}
