/** Warm replicas beyond those that are awake: kept frozen, thawed first, and never in anybody's way. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RevisionShare, SetKey } from '#core/set';
import type { ScalerPorts } from '#scaler/ports';
import { noOverride, Rig } from './support/rig.ts';

const SHARE: RevisionShare = { revision: 'r1', weight: 100, replicas: null, held: false };

function withSpares(rig: Rig, scale: object = {}): SetKey {
  const key = rig.set('web', { scale: { min: 1, max: 4, spare: 2, pauseMs: null, stopMs: null, ...scale } });
  rig.declare(key, [SHARE]);
  return key;
}

function states(rig: Rig, key: SetKey): string[] {
  return rig.containersOf(key).map((one) => rig.state(one));
}

test('spares come up after those that serve, and are frozen when they are warm', async () => {
  const rig = new Rig();
  const key = withSpares(rig);
  await rig.clock.advance(60);
  assert.equal(rig.containersOf(key).length, 1, 'nobody is made beside the one that is waited for');
  await rig.clock.advance(2000);
  assert.deepEqual(states(rig, key), ['running', 'frozen', 'frozen']);
  assert.equal(rig.view(key).ready, 1);
  const calls = rig.engine.calls.length;
  await rig.clock.advance(60_000);
  assert.equal(rig.engine.calls.length, calls, 'they stay as they are');
});

test('a burst thaws spares before anything is made, and others take their place', async () => {
  const rig = new Rig();
  const key = withSpares(rig);
  await rig.clock.advance(2000);
  const starts = rig.engine.count('start');
  rig.scaler.scale(key, noOverride({ replicas: 2 }));
  await rig.clock.advance(5);
  assert.equal(rig.view(key).ready, 2, 'within milliseconds');
  assert.equal(rig.engine.count('start'), starts);
  await rig.clock.advance(2000);
  assert.deepEqual(states(rig, key).toSorted(), ['frozen', 'frozen', 'running', 'running']);
});

test('no more are kept than the greatest scale allows', async () => {
  const rig = new Rig();
  const key = withSpares(rig, { min: 3, max: 4 });
  await rig.clock.advance(5000);
  assert.deepEqual(states(rig, key).toSorted(), ['frozen', 'running', 'running', 'running']);
  rig.scaler.scale(key, noOverride({ replicas: 4 }));
  await rig.clock.advance(5000);
  assert.deepEqual(states(rig, key), Array(4).fill('running'));
});

test('when one that serves dies a spare takes its place at once', async () => {
  const rig = new Rig();
  const key = withSpares(rig);
  await rig.clock.advance(2000);
  const [serving] = rig.containersOf(key);
  assert.ok(serving);
  rig.world.die(serving.id, 1);
  await rig.clock.advance(10);
  assert.equal(rig.view(key).ready, 1);
  const ask = rig.ask(key);
  assert.notEqual(ask.upstream?.replica, `local/${serving.id}`);
});

test('spares sleep with their set, and a wake brings up who is waited for first', async () => {
  const rig = new Rig();
  const key = withSpares(rig, { min: 0, max: 3, stopMs: 5000 });
  const first = rig.ask(key);
  await rig.clock.advance(3000);
  assert.deepEqual(states(rig, key).toSorted(), ['frozen', 'frozen', 'running']);
  first.finish();
  await rig.clock.advance(10_000);
  assert.deepEqual(states(rig, key), ['exited', 'exited', 'exited']);
  const again = rig.ask(key);
  await rig.clock.advance(40);
  assert.deepEqual(states(rig, key).toSorted(), ['exited', 'exited', 'running'], 'they do not start beside it');
  await rig.clock.advance(1000);
  assert.equal(again.became, 'admitted');
  assert.deepEqual(states(rig, key).toSorted(), ['frozen', 'frozen', 'running']);
});

test('a request in flight to a replica that becomes a spare is finished first', async () => {
  const rig = new Rig();
  const key = withSpares(rig, { min: 1, max: 4 });
  rig.scaler.scale(key, noOverride({ replicas: 2 }));
  await rig.clock.advance(3000);
  const asks = rig.asks(key, 6);
  await rig.clock.advance(1);
  const before = rig.engine.count('freeze');
  rig.scaler.scale(key, noOverride({ replicas: 1 }));
  await rig.clock.advance(1000);
  assert.equal(rig.engine.count('freeze'), before, 'not while requests are in flight');
  for (const ask of asks) {
    assert.equal(ask.became, 'admitted');
    ask.finish();
  }
  await rig.clock.advance(1000);
  assert.equal(rig.view(key).ready, 1);
});

test('one that served is frozen although other processes take a while to let go of it, whatever happens meanwhile', async () => {
  const rig = new Rig({ clearMs: 40 });
  const key = withSpares(rig, { spare: 3 });
  rig.scaler.scale(key, noOverride({ replicas: 4 }));
  await rig.clock.advance(3000);
  assert.deepEqual(states(rig, key), Array(4).fill('running'));
  const freezes = rig.engine.count('freeze');
  rig.scaler.scale(key, noOverride({ replicas: 1 }));
  for (let turn = 0; turn < 20; turn++) {
    await rig.clock.advance(10);
    rig.deliver(key);
  }
  assert.deepEqual(states(rig, key).toSorted(), ['frozen', 'frozen', 'frozen', 'running']);
  assert.equal(rig.engine.count('freeze'), freezes + 3);
});

const MINUTE_MS = 60_000;
const MIB = 2 ** 20;

/** A replica of 100 MiB. */
const usage: ScalerPorts['usage'] = () => ({
  ...{ at: 0, cpuPercent: 1, memoryPercent: 10, memoryBytes: 100 * MIB, pids: 1, receivedBytes: 0, sentBytes: 0 },
});

/** With as many spares as its bursts ask for. */
function withBursts(rig: Rig, scale: object = {}, name = 'web'): SetKey {
  const key = rig.set(name, {
    concurrency: 10,
    scale: {
      ...{ min: 1, max: 10, spare: 'auto', pauseMs: null, stopMs: null, windowMs: 10_000, cooldownMs: 5000 },
      ...scale,
    },
  });
  rig.declare(key, [SHARE]);
  return key;
}

/** So many requests at once, each of which takes two seconds. */
function come(rig: Rig, key: SetKey, count: number): void {
  for (let number = 0; number < count; number++) {
    const ask = rig.ask(key);
    ask.onSettled = () => void rig.clock.after(2000, () => ask.finish());
  }
}

/** A burst of them, and the calm after it. */
async function burst(rig: Rig, key: SetKey, count: number): Promise<void> {
  come(rig, key, count);
  await rig.clock.advance(MINUTE_MS);
}

function frozenOf(rig: Rig, key: SetKey): number {
  return states(rig, key).filter((state) => state === 'frozen').length;
}

test('by bursts there are no spares before the first one, as many as it asked for after it, and none when they are over', async () => {
  const rig = new Rig();
  const key = withBursts(rig);
  await rig.clock.advance(MINUTE_MS);
  assert.deepEqual(states(rig, key), ['running']);
  await burst(rig, key, 40);
  assert.equal(rig.view(key).ready, 1);
  const spares = frozenOf(rig, key);
  assert.ok(spares >= 3, `${states(rig, key)}`);
  assert.equal(rig.view(key).spares?.by, 'bursts');
  const starts = rig.engine.count('start');
  come(rig, key, 40);
  await rig.clock.advance(105);
  assert.ok(rig.view(key).ready >= 3, 'the next one finds them');
  assert.equal(rig.engine.count('start'), starts);
  await rig.clock.advance(15 * MINUTE_MS);
  assert.deepEqual(states(rig, key), ['running']);
});

test('by bursts there are no more than scale.max allows beyond those that are awake', async () => {
  const rig = new Rig();
  const key = withBursts(rig, { max: 6 });
  await burst(rig, key, 60);
  assert.ok(frozenOf(rig, key) > 1);
  rig.scaler.scale(key, noOverride({ max: 2 }));
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, key).toSorted(), ['frozen', 'running']);
  assert.equal(rig.view(key).spares?.by, 'max');
});

test('by bursts they give way where memory of the host is short, and are no more than there is room for', async () => {
  let room = 250 * MIB;
  const rig = new Rig({ usage, memoryRoom: () => room - (rig.world.containers.size - 1) * 100 * MIB });
  const key = withBursts(rig);
  await burst(rig, key, 60);
  assert.deepEqual(states(rig, key).toSorted(), ['frozen', 'frozen', 'running']);
  assert.equal(rig.view(key).spares?.by, 'memory');
  room = -MIB;
  await rig.clock.advance(5000);
  assert.deepEqual(states(rig, key), ['running']);
});

test('sets whose bursts come together do not fill the same memory twice', async () => {
  const keys: SetKey[] = [];
  // What is on its way uses nothing yet.
  const warm = (): number => {
    const now = rig.clock.now();
    return [...rig.world.containers.values()].filter((one) => one.status === 'running' && one.listensAt <= now).length;
  };
  const rig: Rig = new Rig({ usage, memoryRoom: () => (7.2 - warm()) * 100 * MIB });
  for (const name of ['one', 'two', 'three']) keys.push(withBursts(rig, {}, name));
  for (const key of keys) come(rig, key, 60);
  await rig.clock.advance(MINUTE_MS);
  const most = { made: 0, spares: 0 };
  for (let second = 0; second < 120; second++) {
    await rig.clock.advance(1000);
    most.made = Math.max(most.made, rig.world.containers.size);
    most.spares = Math.max(
      most.spares,
      keys.reduce((sum, key) => sum + frozenOf(rig, key), 0),
    );
  }
  assert.deepEqual(most, { made: 7, spares: 4 }, 'three that are awake, and room for four more');
});

test('what the load wants while a number of a person holds is not on its way, and no start', async () => {
  const rig = new Rig();
  const key = withBursts(rig);
  await rig.clock.advance(1000);
  rig.scaler.scale(key, noOverride({ replicas: 1 }));
  for (let second = 0; second < 300; second += 2) {
    come(rig, key, 30);
    await rig.clock.advance(2000);
  }
  assert.equal(rig.view(key).ready, 1);
  rig.scaler.scale(key, noOverride());
  come(rig, key, 30);
  await rig.clock.advance(5000);
  assert.ok(rig.view(key).ready > 1);
  const { startMs } = rig.view(key).spares ?? {};
  assert.ok((startMs ?? 0) < 5000, `${startMs} ms`);
});

test('spares that are thawed for a set without requests are no starts either', async () => {
  const rig = new Rig();
  const key = withBursts(rig, { spare: 3 });
  await rig.clock.advance(MINUTE_MS);
  assert.equal(frozenOf(rig, key), 3);
  rig.scaler.scale(key, noOverride({ min: 4 }));
  await rig.clock.advance(3000);
  assert.equal(rig.view(key).ready, 4);
  assert.equal(rig.view(key).spares?.startMs, null);
});

test('more replicas for a schedule, or because a person asked for them, are no burst', async () => {
  const rig = new Rig();
  const key = withBursts(rig);
  await rig.clock.advance(1000);
  rig.scaler.scale(key, noOverride({ min: 5 }));
  await rig.clock.advance(5000);
  assert.equal(rig.view(key).ready, 5);
  assert.equal(rig.view(key).spares?.count, 0);
});
