/** One wake for all who ask, from every tier. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Rig } from '#test/scaler/support/rig';

test('many requests for a stopped set cause one start, and each of them is served', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited', { listensAfterMs: 3000 });
  await rig.clock.advance(0);
  const asks = rig.asks(web, 500);
  for (const ask of asks) ask.onSettled = () => void rig.clock.after(10, () => ask.finish());
  await rig.clock.advance(4000);
  assert.deepEqual([...new Set(asks.map((one) => one.became))], ['admitted']);
  assert.equal(rig.engine.count('start'), 1);
  assert.equal(rig.engine.count('isFrozen'), 0);
  assert.equal(rig.told('set.waking').length, 1);
  assert.equal(rig.told('set.awake').length, 1);
  assert.equal(rig.pool(web).inFlight, 0);
  assert.equal(rig.pool(web).held, 0);
});

test('the parts of a wait for a wake are its whole, for the first one and for those who came later', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited', { listensAfterMs: 100 });
  await rig.clock.advance(0);
  const asks = [rig.ask(web)];
  await rig.clock.advance(60);
  asks.push(rig.ask(web));
  await rig.clock.advance(500);
  const waits = asks.map((one) => (one.outcome?.outcome === 'admitted' ? one.outcome : null));
  for (const wait of waits) {
    assert.ok(wait?.phases !== undefined && wait.wakeMs !== null);
    const { tier, decideMs, engineMs, probeMs, queueMs } = wait.phases;
    assert.equal(decideMs + engineMs + probeMs + queueMs, wait.wakeMs);
    assert.equal(tier, 'stopped');
  }
  const [first, second] = waits;
  // The Engine had finished before the second one came.
  assert.ok((first?.phases?.engineMs ?? 0) > 0 && second?.phases?.engineMs === 0);
  assert.ok((second?.phases?.probeMs ?? 0) > 0);
  const told = rig.told('set.awake')[0]?.data ?? {};
  assert.deepEqual([told.tier, told.wake_ms], ['stopped', waits[0]?.wakeMs]);
  const counted = rig.scaler.wakeTimes();
  assert.deepEqual(
    counted.map((one) => [one.tier, one.phase, one.latency.reduce((sum, count) => sum + count)]),
    ['decide', 'engine', 'probe', 'queue'].map((phase) => ['stopped', phase, 2]),
  );
});

test('the wait for a wake is told to those who waited for it, and to nobody else', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited', { listensAfterMs: 100 });
  await rig.clock.advance(0);
  const first = rig.ask(web);
  await rig.clock.advance(500);
  const second = rig.ask(web);
  await rig.clock.advance(0);
  assert.ok(first.outcome?.outcome === 'admitted' && second.outcome?.outcome === 'admitted');
  assert.ok((first.outcome.wakeMs ?? 0) >= 100);
  assert.equal(second.outcome.wakeMs, null);
});

test('what was known of the last run of a container does not count for the next, although its address is the same', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running', { fixedAddress: '10.0.9.9', listensAfterMs: 1000 });
  await rig.clock.advance(2000);
  rig.world.kill(container.id);
  await rig.clock.advance(100);
  const ask = rig.ask(web);
  await rig.clock.advance(900);
  assert.equal(ask.became, 'held');
  await rig.clock.advance(300);
  assert.equal(ask.became, 'admitted');
});

test('a request that comes right after a stop finds no dead replica, although discovery is late', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { pauseMs: null, stopMs: 5000 } });
  const container = rig.add('web', 'running');
  rig.delay = (event) => (event === 'start' ? null : 'never');
  rig.blind = true;
  await rig.clock.advance(5500);
  assert.equal(rig.state(container), 'exited');
  const ask = rig.ask(web);
  await rig.clock.advance(500);
  assert.equal(ask.became, 'admitted');
  assert.equal(rig.world.answers(container), true);
});

for (const [from, action] of [
  ['created', 'start'],
  ['exited', 'start'],
  ['paused', 'unpause'],
  ['frozen', 'thaw'],
] as const) {
  test(`a request wakes a set whose container is ${from}`, async () => {
    const rig = new Rig();
    const web = rig.set('web');
    const container = rig.add('web', from);
    await rig.clock.advance(10);
    assert.equal(rig.state(container), from);
    const ask = rig.ask(web);
    await rig.clock.advance(200);
    assert.equal(ask.became, 'admitted');
    assert.equal(rig.engine.count(action), 1);
    assert.equal(rig.state(container), 'running');
  });
}

test('one more request that is held has nobody look at the whole set, and keeps it awake', async () => {
  const rig = new Rig();
  const web = rig.set('web', { concurrency: 1, wakeTimeoutMs: 600_000 });
  rig.add('web', 'exited');
  await rig.clock.advance(0);
  const first = rig.ask(web);
  await rig.clock.advance(0);
  rig.viewsChanged.length = 0;
  rig.ask(web).abort();
  await rig.clock.advance(0);
  assert.deepEqual(rig.viewsChanged, [], 'the wake is under way for the first one');
  await rig.clock.advance(500);
  assert.equal(first.became, 'admitted');
  rig.viewsChanged.length = 0;
  const second = rig.ask(web);
  await rig.clock.advance(0);
  assert.deepEqual([rig.pool(web).held, rig.viewsChanged.length], [1, 0]);
  first.finish();
  await rig.clock.advance(0);
  assert.equal(second.became, 'admitted');
  await rig.clock.advance(500_000);
  assert.equal(rig.view(web).state, 'up');
});
