/** Warm replicas beyond those that are awake: kept frozen, thawed first, and never in anybody's way. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RevisionShare, SetKey } from '#core/set';
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
