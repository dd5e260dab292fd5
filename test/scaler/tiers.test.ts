/** How deep the replicas of a set that the API deploys sleep: frozen, sandbox, stopped, absent, and back. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RevisionShare, SetKey } from '#core/set';
import type { SleepNote } from '#scaler/ports';
import type { FakeContainer } from './support/fake-world.ts';
import { noOverride, Rig, type SetTraits } from './support/rig.ts';

const ALL = { min: 0, pauseMs: 1000, sandboxMs: 5000, stopMs: 20_000, removeMs: 60_000 };
const SHARE: RevisionShare = { revision: 'r1', weight: 100, replicas: null, held: false };

function deployed(rig: Rig, traits: SetTraits = { scale: ALL }): SetKey {
  const key = rig.set('web', traits);
  rig.declare(key, [SHARE]);
  return key;
}

async function awake(rig: Rig, key: SetKey): Promise<FakeContainer> {
  const ask = rig.ask(key);
  await rig.clock.advance(500);
  assert.equal(ask.became, 'admitted');
  ask.finish();
  const [container] = rig.containersOf(key);
  assert.ok(container);
  return container;
}

function phases(rig: Rig, key: SetKey): string[] {
  return rig.view(key).replicas.map((one) => one.phase);
}

test('a set goes down through every tier, says so once for each, and comes back from nothing', async () => {
  const rig = new Rig();
  const key = deployed(rig);
  const container = await awake(rig, key);
  const seen: string[] = [];
  for (const ms of [1500, 4000, 15_000, 40_000]) {
    await rig.clock.advance(ms);
    seen.push(rig.containersOf(key).length === 0 ? 'absent' : (phases(rig, key)[0] ?? ''));
  }
  assert.deepEqual(seen, ['frozen', 'sandbox', 'stopped', 'absent']);
  for (const type of ['set.frozen', 'set.sandbox', 'set.stopped', 'set.absent'] as const) {
    assert.equal(rig.told(type).length, 1, type);
  }
  assert.equal(rig.world.containers.has(container.id), false);
  const again = await awake(rig, key);
  assert.notEqual(again.id, container.id);
});

test('in a sandbox the pause container goes on, and a wake starts the members alone', async () => {
  const rig = new Rig();
  const key = deployed(rig);
  rig.revisions.set('r1', { sides: ['agent'] });
  const container = await awake(rig, key);
  await rig.clock.advance(6000);
  assert.equal(container.status, 'exited');
  assert.equal(container.pauseRuns, true);
  assert.equal(container.sides?.[0]?.status, 'exited');
  assert.equal(rig.view(key).state, 'sandbox');
  assert.equal(rig.engine.count('stop'), 0);
  assert.equal((await awake(rig, key)).id, container.id);
  assert.equal(container.sides?.[0]?.status, 'running');
});

test('from a sandbox it is stopped whole: the pause container, too', async () => {
  const rig = new Rig();
  const key = deployed(rig);
  const container = await awake(rig, key);
  await rig.clock.advance(6000);
  assert.equal(container.pauseRuns, true);
  await rig.clock.advance(20_000);
  assert.equal(container.pauseRuns, false);
  assert.equal(rig.engine.count('stop'), 1);
});

test('a container of a person has no pause container: it is never rested or removed', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { ...ALL, stopMs: 70_000 } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(65_000);
  assert.equal(rig.state(container), 'frozen');
  await rig.clock.advance(65_000);
  assert.equal(rig.state(container), 'exited');
  assert.equal(rig.engine.count('rest') + rig.engine.count('remove'), 0);
  assert.equal(rig.view(key).state, 'zero');
});

test('a pause container that a person stops while it is kept leaves the replica stopped, and it wakes as one', async () => {
  const rig = new Rig();
  const key = deployed(rig);
  const container = await awake(rig, key);
  await rig.clock.advance(6000);
  rig.world.losePause(container.id);
  await rig.clock.advance(10);
  assert.deepEqual(phases(rig, key), ['stopped']);
  await rig.clock.advance(8000);
  assert.equal(container.pauseRuns, false, 'it is not started for the sake of being kept');
  await awake(rig, key);
});

test('members that a person starts in a sandbox wake the set', async () => {
  const rig = new Rig();
  const key = deployed(rig);
  const container = await awake(rig, key);
  await rig.clock.advance(6000);
  rig.world.start(container.id);
  await rig.clock.advance(500);
  assert.deepEqual(phases(rig, key), ['ready']);
});

test('a Tidegate that comes back knows that it made the sandbox, and wakes from it', async () => {
  const notes = new Map<string, SleepNote>();
  const rig = new Rig({ notes });
  const key = deployed(rig);
  const container = await awake(rig, key);
  await rig.clock.advance(6000);
  assert.deepEqual([...notes.values()], [{ tier: 'sandbox', direct: false }]);
  rig.restart();
  await rig.clock.advance(100);
  assert.equal(container.pauseRuns, true);
  assert.deepEqual(phases(rig, key), ['sandbox']);
  assert.equal((await awake(rig, key)).id, container.id);
  await rig.clock.advance(1000);
  assert.equal(notes.size, 0);
});

test('an Engine that hangs while members are stopped loses no request that comes meanwhile', async () => {
  const rig = new Rig();
  const key = deployed(rig, { scale: ALL, wakeTimeoutMs: 60_000 });
  await awake(rig, key);
  await rig.clock.advance(4000);
  rig.engine.mood = 'hung';
  await rig.clock.advance(2000);
  const ask = rig.ask(key);
  await rig.clock.advance(3000);
  rig.engine.recover();
  await rig.clock.advance(10_000);
  assert.equal(ask.became, 'admitted');
});

test('of several replicas the one that wakes the cheapest is kept', async () => {
  const rig = new Rig();
  const key = deployed(rig, { scale: { ...ALL, max: 3 } });
  rig.scaler.scale(key, noOverride({ replicas: 2 }));
  // A person who asks for replicas will come back for them.
  await rig.clock.advance(36_000);
  const [older, younger] = rig.containersOf(key);
  assert.ok(older && younger);
  rig.world.losePause(older.id);
  await rig.clock.advance(10);
  assert.deepEqual(phases(rig, key), ['stopped', 'sandbox']);
  rig.scaler.scale(key, noOverride());
  const ask = rig.ask(key);
  await rig.clock.advance(500);
  assert.equal(ask.upstream?.replica, `local/${younger.id}`);
  assert.equal(rig.world.containers.has(older.id), false);
});

for (const [tier, afterMs] of [
  ['frozen', ALL.pauseMs],
  ['sandbox', ALL.sandboxMs],
  ['stopped', ALL.stopMs],
  ['absent', ALL.removeMs],
] as const) {
  test(`a request at any moment of the way to ${tier} is served by a replica that runs`, async () => {
    for (let offsetMs = -10; offsetMs <= 110; offsetMs++) {
      const rig = new Rig({ seed: offsetMs + 11 });
      const key = deployed(rig);
      await awake(rig, key);
      const idleMs = rig.clock.now() - rig.pool(key).lastUsedAt;
      await rig.clock.advance(afterMs - idleMs + offsetMs);
      const ask = rig.ask(key);
      await rig.clock.advance(1000);
      assert.equal(ask.became, 'admitted', `${offsetMs} ms`);
      const serving = rig.world.containers.get(ask.upstream?.replica.slice('local/'.length) ?? '');
      assert.ok(serving !== undefined && rig.world.answers(serving), `${offsetMs} ms: it answers`);
      await rig.clock.advance(100_000);
      assert.ok(rig.world.answers(serving), `${offsetMs} ms: nothing is put to sleep under a request`);
      assert.deepEqual(rig.errors, []);
    }
  });
}
