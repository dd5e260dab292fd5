/** Leases that replicas ask for in their answers: work that no request shows is not put to sleep. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RevisionShare, SetKey } from '#core/set';
import { noOverride, Rig } from './support/rig.ts';

const SHARE: RevisionShare = { revision: 'r1', weight: 100, replicas: null, held: false };

/** A set of one container that is up and was used; `lease` is what its answer said. */
async function used(rig: Rig, scale: object = {}): Promise<{ key: SetKey; lease: (forMs: number) => void }> {
  const key = rig.set('web', { scale });
  rig.add('web', 'running');
  await rig.clock.advance(100);
  const ask = rig.ask(key);
  await rig.clock.advance(10);
  const replica = ask.upstream?.replica;
  assert.ok(replica !== undefined);
  ask.finish();
  return { key, lease: (forMs) => rig.pool(key).lease(replica, forMs) };
}

test('an answer with a lease keeps its set awake for that long, and no longer', async () => {
  const rig = new Rig();
  const { key, lease } = await used(rig);
  assert.equal(rig.view(key).leasedUntil, null);
  lease(100_000);
  assert.equal(rig.view(key).leasedUntil, rig.clock.wall() + 100_000);
  await rig.clock.advance(99_000);
  assert.equal(rig.view(key).state, 'up');
  assert.equal(rig.engine.count('freeze'), 0);
  await rig.clock.advance(1000 + 10_000);
  assert.equal(rig.view(key).state, 'frozen', 'its idle time began when the lease ended');
  assert.equal(rig.view(key).leasedUntil, null);
  await rig.clock.advance(50_000);
  assert.equal(rig.view(key).state, 'zero');
});

test('a shorter lease takes nothing from a longer one', async () => {
  const rig = new Rig();
  const { key, lease } = await used(rig);
  lease(100_000);
  lease(1000);
  await rig.clock.advance(99_000);
  assert.equal(rig.view(key).state, 'up');
});

test('a lease outlives Tidegate, and is noted and thought about seldom however often it is asked for', async () => {
  const rig = new Rig();
  const { key, lease } = await used(rig);
  let notes = 0;
  const put = rig.leases.set.bind(rig.leases);
  rig.leases.set = (...note) => {
    notes++;
    return put(...note);
  };
  lease(100_000);
  await rig.clock.advance(10);
  const looks = rig.viewsChanged.length;
  for (let i = 0; i < 1000; i++) {
    lease(100_000);
    await rig.clock.advance(10);
  }
  assert.ok(notes > 0 && notes <= 2, `${notes} notes of a thousand answers in ten seconds`);
  assert.ok(rig.viewsChanged.length - looks <= 2, `looked at ${rig.viewsChanged.length - looks} times`);
  rig.restart();
  await rig.clock.advance(99_000);
  assert.equal(rig.view(key).state, 'up');
  assert.equal(rig.engine.count('freeze'), 0);
  await rig.clock.advance(100_000);
  assert.equal(rig.view(key).state, 'zero');
});

test('a lease that somebody asked the API for outlives Tidegate to the millisecond', async () => {
  const rig = new Rig();
  const { key } = await used(rig, { pauseMs: 1, stopMs: null });
  rig.scaler.lease('default', 'shop', 60_000);
  const end = rig.clock.now() + 60_000;
  rig.restart();
  await rig.clock.advance(end - rig.clock.now());
  assert.equal(rig.view(key).state, 'up');
  await rig.clock.advance(50);
  assert.equal(rig.view(key).state, 'frozen');
});

test('a set that is gone leaves no lease to one that has its name later', async () => {
  const rig = new Rig();
  const { key, lease } = await used(rig);
  lease(3_600_000);
  assert.equal(rig.leases.size, 1);
  rig.vanish(key);
  assert.equal(rig.leases.size, 0);
});

test('the replica that is at work is none of those that become too many', async () => {
  const rig = new Rig();
  const key = rig.set('web', { concurrency: 1, scale: { min: 1, max: 3, target: 1, stopMs: null } });
  rig.declare(key, [SHARE]);
  await rig.clock.advance(1000);
  const asks = rig.asks(key, 3);
  await rig.clock.advance(2000);
  assert.equal(rig.view(key).ready, 3);
  // The youngest would be the first to go.
  const youngest = rig.containersOf(key).at(-1);
  assert.ok(youngest !== undefined);
  rig.pool(key).lease(`local/${youngest.id}`, 600_000);
  for (const ask of asks) ask.finish();
  await rig.clock.advance(590_000);
  assert.deepEqual(
    rig.containersOf(key).map((one) => one.id),
    [youngest.id],
    'the others went',
  );
});

test('one at work that answers no longer stays, and takes the place of none that answers', async () => {
  const rig = new Rig();
  const key = rig.set('web', { concurrency: 1, scale: { min: 1, max: 3, target: 1, stopMs: null } });
  rig.declare(key, [SHARE]);
  await rig.clock.advance(1000);
  const asks = rig.asks(key, 3);
  await rig.clock.advance(2000);
  const youngest = rig.containersOf(key).at(-1);
  assert.ok(youngest !== undefined);
  rig.pool(key).lease(`local/${youngest.id}`, 600_000);
  youngest.sick = true;
  for (const ask of asks) {
    if (ask.upstream?.replica === `local/${youngest.id}`) rig.pool(key).suspect(ask.upstream);
    ask.finish();
  }
  await rig.clock.advance(300_000);
  assert.equal(rig.view(key).ready, 1, 'the set answers');
  assert.equal(rig.containersOf(key).length, 2);
  assert.equal(rig.state(youngest), 'running');
  youngest.sick = false;
  await rig.clock.advance(60_000);
  assert.deepEqual(
    rig.containersOf(key).map((one) => one.id),
    [youngest.id],
    'one is enough',
  );
});

test('all that are at work stay, however few are wanted, until they have ended', async () => {
  const rig = new Rig();
  const key = rig.set('web', { concurrency: 1, scale: { min: 1, max: 3, target: 1, spare: 1, stopMs: null } });
  rig.declare(key, [SHARE]);
  await rig.clock.advance(1000);
  const asks = rig.asks(key, 3);
  await rig.clock.advance(2000);
  for (const ask of asks) rig.pool(key).lease(ask.upstream?.replica ?? '', 300_000);
  for (const ask of asks) ask.finish();
  const freezes = rig.engine.count('freeze');
  await rig.clock.advance(299_000);
  assert.equal(rig.containersOf(key).filter((one) => rig.state(one) === 'running').length, 3);
  assert.equal(rig.engine.count('freeze'), freezes, 'none of them was taken for a spare');
  await rig.clock.advance(60_000);
  assert.deepEqual(
    rig
      .containersOf(key)
      .map((one) => rig.state(one))
      .toSorted(),
    ['frozen', 'running'],
    'one, and its spare',
  );
});

test('a person goes before what replicas ask for', async () => {
  const rig = new Rig();
  const { key, lease } = await used(rig);
  const ask = rig.ask(key);
  await rig.clock.advance(1);
  lease(600_000);
  rig.scaler.scale(key, noOverride({ replicas: 0 }));
  // The answer that is still on its way says it again.
  lease(600_000);
  ask.finish();
  await rig.clock.advance(1000);
  assert.equal(rig.view(key).state, 'zero');
  rig.restart();
  await rig.clock.advance(1000);
  assert.equal(rig.view(key).state, 'zero', 'nothing of it was noted');
});
