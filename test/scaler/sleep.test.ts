/** Idle sets go to sleep, tier by tier, and not a moment too early. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { FakeCall } from '#test/scaler/support/fake-engine';
import { type Ask, Rig } from '#test/scaler/support/rig';

const ENDLESS = { min: 0, pauseMs: null, stopMs: null };

async function awake(rig: Rig, key: Parameters<Rig['ask']>[0]): Promise<Ask> {
  const ask = rig.ask(key);
  await rig.clock.advance(500);
  assert.equal(ask.became, 'admitted');
  return ask;
}

test('an idle set is frozen, and later stopped', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'exited');
  (await awake(rig, web)).finish();
  await rig.clock.advance(9900);
  assert.equal(rig.state(container), 'running');
  await rig.clock.advance(200);
  assert.equal(rig.state(container), 'frozen');
  assert.equal(rig.view(web).state, 'frozen');
  await rig.clock.advance(49_000);
  assert.equal(rig.state(container), 'frozen');
  await rig.clock.advance(2000);
  assert.equal(rig.state(container), 'exited');
  assert.equal(rig.view(web).state, 'zero');
  assert.deepEqual(
    rig.events
      .filter((one) => one.type === 'set.frozen' || one.type === 'set.stopped')
      .map((one) => [one.type, one.cause]),
    [
      ['set.frozen', 'idle for 10 s'],
      ['set.stopped', 'idle for 60 s'],
    ],
  );
  assert.equal(rig.engine.count('pause'), 0);
});

test('a container with a HEALTHCHECK is frozen by the pause of the Engine', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running', { hasHealthcheck: true });
  await rig.clock.advance(11_000);
  assert.equal(rig.state(container), 'paused');
  const ask = await awake(rig, web);
  assert.equal(rig.engine.count('unpause'), 1);
  ask.finish();
});

test('where the freezer cannot be written the Engine pauses', async () => {
  const rig = new Rig();
  rig.engine.direct = false;
  rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(11_000);
  assert.equal(rig.state(container), 'paused');
});

test('without a time to freeze a set goes straight to zero', async () => {
  const rig = new Rig();
  rig.set('web', { scale: { pauseMs: null, stopMs: 5000 } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(4900);
  assert.equal(rig.state(container), 'running');
  await rig.clock.advance(300);
  assert.equal(rig.state(container), 'exited');
  assert.equal(rig.engine.count('freeze'), 0);
});

test('a set without idle times never sleeps', async () => {
  const rig = new Rig();
  rig.set('web', { scale: ENDLESS });
  const container = rig.add('web', 'running');
  await rig.clock.advance(100_000);
  assert.equal(rig.state(container), 'running');
});

test('a set with min ≥ 1 never sleeps', async () => {
  const rig = new Rig();
  rig.set('web', { scale: { min: 1 } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(200_000);
  assert.equal(rig.state(container), 'running');
});

test('a set of class data never sleeps', async () => {
  const rig = new Rig();
  rig.set('db', { class: 'data' });
  const container = rig.add('db', 'running');
  await rig.clock.advance(200_000);
  assert.equal(rig.state(container), 'running');
});

test('an open stream keeps a set awake for as long as it is open', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  const stream = rig.ask(web);
  await rig.clock.advance(300_000);
  assert.equal(rig.state(container), 'running');
  stream.finish();
  await rig.clock.advance(9900);
  assert.equal(rig.state(container), 'running');
  await rig.clock.advance(200);
  assert.equal(rig.state(container), 'frozen');
});

test('a lease keeps a set awake, and wakes it', async () => {
  const rig = new Rig();
  rig.set('web');
  const container = rig.add('web', 'exited');
  await rig.clock.advance(0);
  assert.equal(rig.scaler.lease('default', 'shop', 100_000), true);
  await rig.clock.advance(99_000);
  assert.equal(rig.state(container), 'running');
  await rig.clock.advance(12_000);
  assert.equal(rig.state(container), 'frozen');
  assert.equal(rig.scaler.lease('default', 'other', 1000), false);
});

test('a person at work in a container has it thawed and kept awake for a minute', async () => {
  const rig = new Rig();
  rig.set('web');
  const container = rig.add('web', 'running');
  const other = rig.add('web', 'running');
  await rig.clock.advance(11_000);
  assert.deepEqual([rig.state(container), rig.state(other)], ['frozen', 'frozen']);
  rig.scaler.touch(`local/${container.id}`);
  await rig.clock.advance(10);
  assert.equal(rig.state(container), 'running');
  await rig.clock.advance(59_000);
  assert.equal(rig.state(container), 'running');
  await rig.clock.advance(12_000);
  assert.equal(rig.state(container), 'frozen');
});

test('the health checks of the Engine do not keep a set awake', async () => {
  const rig = new Rig();
  rig.set('web');
  const container = rig.add('web', 'running', { hasHealthcheck: true });
  for (let i = 0; i < 20; i++) {
    rig.scaler.touch(`local/${container.id}`);
    await rig.clock.advance(1000);
  }
  assert.equal(rig.state(container), 'paused');
});

test('a visitor of the waiting page wakes the set, and it waits for his next request', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { pauseMs: 1000 } });
  const container = rig.add('web', 'exited', { listensAfterMs: 3000 });
  await rig.clock.advance(0);
  assert.equal(rig.scaler.knock(rig.pool(web)), null);
  await rig.clock.advance(20_000);
  assert.equal(rig.state(container), 'running');
  assert.equal(rig.view(web).state, 'up');
  assert.equal(rig.engine.count('start'), 1);
  await rig.clock.advance(12_000);
  assert.equal(rig.state(container), 'frozen');
});

test('an app that takes longer to start than its set may idle is left to start', async () => {
  const rig = new Rig();
  rig.set('web', { scale: { pauseMs: 500, stopMs: 1000 } });
  const container = rig.add('web', 'exited', { listensAfterMs: 5000 });
  await rig.clock.advance(0);
  rig.world.start(container.id);
  await rig.clock.advance(5400);
  assert.equal(rig.state(container), 'running');
  await rig.clock.advance(400);
  assert.equal(rig.state(container), 'frozen');
});

/** Where a request can arrive while a replica goes to sleep: during each of these calls. */
const PLACES: readonly { readonly call: FakeCall; readonly direct: boolean; readonly afterMs: number }[] = [
  { call: 'freeze', direct: true, afterMs: 10_000 },
  { call: 'freeze', direct: false, afterMs: 10_000 },
  { call: 'pause', direct: false, afterMs: 10_000 },
  { call: 'thaw', direct: true, afterMs: 60_000 },
  { call: 'stop', direct: true, afterMs: 60_000 },
  { call: 'stop', direct: false, afterMs: 60_000 },
];

for (const { call, direct, afterMs } of PLACES) {
  for (const intoIt of [0, 50]) {
    const way = direct ? 'by the freezer' : 'by the Engine';
    test(`a request that comes ${intoIt} ms into a ${call} (${way}) waits and is served`, async () => {
      const rig = new Rig();
      rig.engine.direct = direct;
      rig.engine.latency = () => 100;
      const web = rig.set('web');
      const container = rig.add('web', 'running');
      await rig.clock.advance(afterMs - 100);
      const asks: Ask[] = [];
      rig.engine.onCall = (made) => {
        if (made === call && asks.length === 0) rig.clock.after(intoIt, () => asks.push(rig.ask(web)));
      };
      await rig.clock.advance(5000);
      assert.deepEqual(
        asks.map((one) => one.became),
        ['admitted'],
      );
      // What had not begun yet when the request came was not begun at all.
      if (call === 'freeze' && !direct) assert.equal(rig.engine.count('pause'), 0);
      assert.equal(rig.world.answers(container), true);
      assert.equal(rig.engine.calls.filter((one) => one.call === call).length, 1);
    });
  }
}

test('two thousand requests over cycles of sleep that the scaler itself makes are all served', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { pauseMs: 40, stopMs: 400 } });
  const container = rig.add('web', 'running', { endsAfterMs: 20 });
  const gaps = [5, 60, 38, 41, 300, 405, 420, 440, 500];
  for (let i = 0; i < 200; i++) {
    const asks = rig.asks(web, 10);
    await rig.clock.advance(150);
    for (const ask of asks) {
      assert.equal(ask.became, 'admitted');
      assert.equal(rig.world.answers(container), true);
      ask.finish();
    }
    await rig.clock.advance(gaps[i % gaps.length] ?? 0);
  }
  assert.ok(rig.engine.count('freeze') > 20);
  assert.ok(rig.engine.count('stop') > 20);
  assert.equal(rig.pool(web).inFlight, 0);
});

test('a changed idle time counts at once', async () => {
  const rig = new Rig();
  rig.set('web', { scale: { pauseMs: 100_000, stopMs: null } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(20_000);
  rig.set('web', { scale: { pauseMs: 25_000, stopMs: null } });
  await rig.clock.advance(4000);
  assert.equal(rig.state(container), 'running');
  await rig.clock.advance(1500);
  assert.equal(rig.state(container), 'frozen');
});

test('a set that may sleep from now on begins to idle now, and one that may not is woken', async () => {
  const rig = new Rig();
  rig.set('web', { scale: { min: 1 } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(100_000);
  rig.set('web', { scale: { min: 0 } });
  await rig.clock.advance(9000);
  assert.equal(rig.state(container), 'running');
  await rig.clock.advance(1500);
  assert.equal(rig.state(container), 'frozen');
  rig.set('web', { scale: { min: 1 } });
  await rig.clock.advance(100);
  assert.equal(rig.state(container), 'running');
});
