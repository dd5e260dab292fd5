import assert from 'node:assert/strict';
import test from 'node:test';
import { Rig } from '#test/scaler/support/rig';

test('many requests for a stopped set cause one start, and each of them is served', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited', { listensAfterMs: 3000 });
  await rig.clock.advance(0);
  const asks = rig.asks(web, 500);
  await rig.clock.advance(4000);
  assert.deepEqual([...new Set(asks.map((one) => one.became))], ['admitted']);
  assert.equal(rig.engine.count('start'), 1);
  assert.equal(rig.told('set.waking').length, 1);
  assert.equal(rig.told('set.awake').length, 1);
  for (const ask of asks) ask.finish();
  assert.equal(rig.pool(web).inFlight, 0);
  assert.equal(rig.pool(web).held, 0);
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
