/** Sets that the API deploys: replicas of revisions are made, kept, drained and removed by their shares. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RevisionShare } from '#core/set';
import { FakeRefusal } from './support/fake-refusal.ts';
import type { FakeContainer } from './support/fake-world.ts';
import { noOverride, Rig } from './support/rig.ts';

function share(revision: string, changes: Partial<RevisionShare> = {}): RevisionShare {
  return { revision, weight: 100, replicas: null, held: false, ...changes };
}

function ofRevision(rig: Rig, revision: string): FakeContainer[] {
  return [...rig.world.containers.values()].filter((one) => one.revision === revision);
}

function states(rig: Rig, revision: string): string[] {
  return ofRevision(rig, revision).map((one) => rig.state(one));
}

test('a wake from nothing makes a replica, and serves everybody who waited for it', async () => {
  const rig = new Rig();
  const key = rig.set('web');
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(120_000);
  assert.equal(rig.world.containers.size, 0);
  assert.equal(rig.view(key).state, 'zero');
  const asks = rig.asks(key, 20);
  await rig.clock.advance(30);
  assert.equal(rig.view(key).state, 'waking');
  await rig.clock.advance(200);
  assert.ok(asks.every((one) => one.became === 'admitted'));
  assert.deepEqual(states(rig, 'r1'), ['running']);
  assert.equal(rig.told('replica.created').length, 1);
  assert.deepEqual(rig.told('replica.created')[0]?.data, { revision: 'r1' });
  assert.equal(rig.told('set.awake').length, 1);
});

test('its replicas sleep and wake as any', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 0, pauseMs: 10_000, stopMs: 60_000 } });
  rig.declare(key, [share('r1')]);
  const ask = rig.ask(key);
  await rig.clock.advance(500);
  ask.finish();
  await rig.clock.advance(11_000);
  assert.deepEqual(states(rig, 'r1'), ['frozen']);
  await rig.clock.advance(60_000);
  assert.deepEqual(states(rig, 'r1'), ['exited']);
  assert.equal(rig.view(key).state, 'zero');
  const again = rig.ask(key);
  await rig.clock.advance(500);
  assert.equal(again.became, 'admitted');
  assert.equal(ofRevision(rig, 'r1').length, 1);
});

test('with min ≥ 1 replicas are made without being asked for, several at a time', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 6, max: 10 } });
  let most = 0;
  rig.onMake = () => {
    most = Math.max(most, rig.making.length);
  };
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, 'r1'), Array(6).fill('running'));
  assert.equal(most, 4);
  assert.equal(rig.view(key).ready, 6);
});

test('a replica that a person stops is started again: what is to be is said by the API', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  const [container] = ofRevision(rig, 'r1');
  assert.ok(container);
  rig.world.kill(container.id);
  await rig.clock.advance(1000);
  assert.equal(rig.state(container), 'exited');
  await rig.clock.advance(4000);
  assert.equal(rig.state(container), 'running');
  assert.equal(rig.view(key).state, 'up');
  rig.world.pause(container.id);
  await rig.clock.advance(1000);
  assert.equal(rig.state(container), 'running');
});

test('one that a person removes is made anew', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  const [container] = ofRevision(rig, 'r1');
  assert.ok(container);
  rig.world.remove(container.id, true);
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, 'r1'), ['running']);
  assert.equal(rig.view(key).state, 'up');
});

test('a revision that is to prove itself is up and probed without taking a request, while the other sleeps', async () => {
  const rig = new Rig();
  const key = rig.set('web');
  rig.declare(key, [share('r1'), share('r2', { weight: 0, held: true, replicas: 2 })]);
  await rig.clock.advance(120_000);
  assert.deepEqual(states(rig, 'r1'), []);
  assert.deepEqual(states(rig, 'r2'), ['running', 'running']);
  const phases = rig.view(key).replicas.map((one) => [one.revision, one.phase, one.weight]);
  assert.deepEqual(phases, Array(2).fill(['r2', 'ready', 0]));
  assert.equal(rig.pool(key).readyCount, 0);
  const ask = rig.ask(key);
  await rig.clock.advance(500);
  assert.equal(rig.world.containers.get(ask.upstream?.replica.slice('local/'.length) ?? '')?.revision, 'r1');
});

test('traffic moves when the weights do, at once and with nobody turned away', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.declare(key, [share('r1'), share('r2', { weight: 0, held: true })]);
  await rig.clock.advance(1000);
  const revisionOf = (): string | null => {
    const ask = rig.ask(key);
    ask.finish();
    return ask.upstream?.revision ?? null;
  };
  assert.equal(revisionOf(), null);
  await rig.clock.advance(0);
  let fewest = 1;
  rig.pool(key).watch({
    onChanged: (pool) => {
      fewest = Math.min(fewest, pool.readyCount);
    },
  });
  for (const [weights, expected] of [
    [[100, 0], 'r1'],
    [[0, 100], 'r2'],
    [[100, 0], 'r1'],
  ] as const) {
    rig.declare(key, [share('r1', { weight: weights[0] }), share('r2', { weight: weights[1] })]);
    const asks = rig.asks(key, 5);
    await rig.clock.advance(0);
    assert.deepEqual(
      asks.map((one) => one.upstream?.revision),
      Array(5).fill(expected),
    );
    for (const ask of asks) ask.finish();
  }
  assert.equal(fewest, 1, 'at some moment nobody had any weight');
});

test('replicas of a revision in no share finish what they have in flight, and go', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 }, drainMs: 20_000 });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  rig.declare(key, [share('r1'), share('r2', { weight: 0, held: true })]);
  await rig.clock.advance(1000);
  const ask = rig.ask(key);
  await rig.clock.advance(10);
  assert.equal(ask.upstream?.revision, 'r1');
  rig.declare(key, [share('r2')]);
  await rig.clock.advance(5000);
  assert.deepEqual(states(rig, 'r1'), ['running']);
  assert.equal(rig.view(key).replicas.find((one) => one.revision === 'r1')?.phase, 'draining');
  ask.finish();
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, 'r1'), []);
  assert.deepEqual(states(rig, 'r2'), ['running']);
  assert.equal(rig.told('replica.removed').length, 1);
});

test('what a share does not want any more is removed, the youngest first', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 0, stopMs: null } });
  rig.declare(key, [share('r1', { replicas: 3, held: true })]);
  await rig.clock.advance(1000);
  const before = ofRevision(rig, 'r1').map((one) => one.id);
  assert.equal(before.length, 3);
  rig.declare(key, [share('r1', { replicas: 1, held: true })]);
  await rig.clock.advance(1000);
  assert.deepEqual(
    ofRevision(rig, 'r1').map((one) => one.id),
    before.slice(0, 1),
  );
});

test('a person may say how many', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.declare(key, [share('r1')]);
  rig.scaler.scale(key, noOverride({ replicas: 3 }));
  await rig.clock.advance(1000);
  assert.equal(ofRevision(rig, 'r1').length, 3);
  rig.scaler.scale(key, noOverride({ replicas: 0 }));
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, 'r1'), ['exited']);
});

test('a set whose store was lost keeps the replicas it has, and copies none of them', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 3, max: 5 } });
  const pods = ['r1', 'r2'].map((revision) => rig.add('web', 'running', { revision, sides: [] }));
  await rig.clock.advance(10_000);
  assert.deepEqual(
    pods.map((one) => rig.state(one)),
    ['running', 'running'],
  );
  assert.equal(rig.view(key).ready, 2);
  assert.equal(rig.world.containers.size, 2);
  assert.equal(rig.engine.count('clone'), 0);
});

test('a container of a person with the same labels is left as it is', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  const mine = rig.add('web', 'running');
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(5000);
  assert.equal(rig.state(mine), 'running');
  assert.deepEqual(states(rig, 'r1'), ['running']);
  assert.equal(rig.engine.calls.filter((one) => one.id === mine.id && one.call !== 'isFrozen').length, 0);
});

test('of class data two replicas never run at a time, and none is made while another is there', async () => {
  const rig = new Rig();
  const key = rig.set('db', { class: 'data', scale: { min: 1, max: 1, pauseMs: null, stopMs: null } });
  let most = 0;
  const count = (): void => {
    most = Math.max(most, rig.containersOf(key).length + rig.making.length);
  };
  rig.onMake = count;
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, 'r1'), ['running']);
  rig.declare(key, [share('r2')]);
  await rig.clock.advance(2000);
  assert.deepEqual([states(rig, 'r1'), states(rig, 'r2')], [[], ['running']]);
  assert.equal(most, 1);
});

test('a stopped replica of class data is not started while another one ends', async () => {
  const rig = new Rig();
  const key = rig.set('db', { class: 'data', scale: { min: 1, max: 1, pauseMs: null, stopMs: null } });
  const old = rig.add('db', 'running', { revision: 'r1', sides: [], endsAfterMs: 5000 });
  const next = rig.add('db', 'exited', { revision: 'r2', sides: [] });
  rig.declare(key, [share('r2')]);
  await rig.clock.advance(4000);
  assert.deepEqual([rig.state(old), rig.state(next)], ['running', 'exited']);
  await rig.clock.advance(4000);
  assert.deepEqual([rig.state(old), rig.state(next)], ['gone', 'running']);
});

test('a revision that cannot be made says why, waits longer each time, and is tried again when asked for', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.unmakeable.set('r1', new Error('no such image'));
  const tries: number[] = [];
  rig.onMake = () => tries.push(rig.clock.now());
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(14_000);
  const gaps = tries.map((at, i) => at - (tries[i - 1] ?? at)).slice(1);
  assert.deepEqual(
    gaps.map((ms) => Math.round(ms / 100)),
    [10, 20, 40],
  );
  const failed = rig.told('replica.failed');
  assert.equal(failed.length, 4);
  assert.equal(failed[0]?.cause, 'a replica of r1 could not be made: no such image');
  const [making] = rig.view(key).making;
  assert.deepEqual([making?.revision, making?.failures, making?.cause], ['r1', 4, 'no such image']);
  rig.unmakeable.clear();
  await rig.clock.advance(60_000);
  assert.deepEqual(states(rig, 'r1'), ['running']);
});

test('whoever waits for what cannot be made is told before his time is over', async () => {
  const rig = new Rig();
  const key = rig.set('web', { wakeTimeoutMs: 30_000 });
  rig.unmakeable.set('r1', new Error('no such image'));
  rig.declare(key, [share('r1')]);
  const ask = rig.ask(key);
  await rig.clock.advance(10_000);
  assert.equal(ask.became, 'no_replicas');
  assert.equal(rig.told('set.wake_failed').length, 1);
  rig.unmakeable.clear();
  await rig.clock.advance(6000);
  const again = rig.ask(key);
  await rig.clock.advance(1000);
  assert.equal(again.became, 'admitted');
});

test('a revision that crashes while it is to prove itself lets nobody be turned away', async () => {
  const rig = new Rig();
  const key = rig.set('web');
  rig.revisions.set('r2', { crashesAfterMs: 10, listensAfterMs: null });
  rig.declare(key, [share('r1'), share('r2', { weight: 0, held: true })]);
  await rig.clock.advance(5000);
  assert.ok((rig.view(key).replicas[0]?.failures ?? 0) >= 3);
  rig.makingMs = () => 3000;
  const ask = rig.ask(key);
  await rig.clock.advance(2500);
  assert.equal(ask.became, 'held');
  await rig.clock.advance(2000);
  assert.equal(ask.upstream?.revision, 'r1');
});

test('whoever waits for a revision that answers nothing is not put off by one that proves itself', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 }, wakeTimeoutMs: 3000 });
  rig.revisions.set('r1', { listensAfterMs: null });
  rig.declare(key, [share('r1'), share('r2', { weight: 0, held: true })]);
  await rig.clock.advance(5000);
  const ask = rig.ask(key);
  await rig.clock.advance(10);
  assert.equal(ask.became, 'no_replicas');
});

test('a revision that cannot be made holds up no other', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.unmakeable.set('r2', new Error('no such image'));
  rig.declare(key, [share('r1'), share('r2', { weight: 0, held: true, replicas: 3 })]);
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, 'r1'), ['running']);
  assert.equal(rig.told('replica.failed').length, 1);
});

test('a revision whose making hangs keeps no other from being woken', async () => {
  const rig = new Rig();
  const key = rig.set('web');
  rig.makingMs = (revision) => (revision === 'r2' ? 600_000 : 15);
  rig.declare(key, [share('r1'), share('r2', { weight: 0, held: true, replicas: 6 })]);
  await rig.clock.advance(1000);
  assert.equal(rig.making.length, 4);
  const ask = rig.ask(key);
  await rig.clock.advance(1000);
  assert.equal(ask.upstream?.revision, 'r1');
});

test('one that crashes is started again, later each time, and the view says why', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.revisions.set('r1', { crashesAfterMs: 10, listensAfterMs: null });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(3000);
  const [replica] = rig.view(key).replicas;
  assert.ok((replica?.failures ?? 0) >= 3);
  assert.equal(replica?.failure, 'it ended with exit code 1');
  assert.ok(rig.engine.count('start') < 8);
  assert.equal(ofRevision(rig, 'r1').length, 1);
});

test('one that ran out of memory says what to do', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  const [container] = ofRevision(rig, 'r1');
  assert.ok(container);
  container.oomKilled = true;
  rig.world.die(container.id, 137);
  const failed = rig.told('replica.failed')[0];
  assert.equal(failed?.cause, 'it ended with exit code 137: it ran out of memory');
  assert.equal(failed?.data?.hint, 'raise memory');
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, 'r1'), ['running']);
});

test('a side member that ends is started again while the replica serves on', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.revisions.set('r1', { sides: ['agent'] });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  const [container] = ofRevision(rig, 'r1');
  assert.ok(container);
  const run = container.startedAt;
  const [upstream] = rig.pool(key).upstreams;
  rig.world.loseSide(container.id, 'agent');
  await rig.clock.advance(100);
  assert.equal(container.sides?.[0]?.status, 'exited');
  assert.equal(rig.pool(key).readyCount, 1);
  await rig.clock.advance(1000);
  assert.equal(container.sides?.[0]?.status, 'running');
  assert.equal(container.startedAt, run);
  assert.equal(rig.pool(key).upstreams[0], upstream);
  const failed = rig.told('replica.failed')[0];
  assert.equal(failed?.data?.member, 'agent');
});

test('what is left of a replica whose main member ended is stopped with it', async () => {
  const rig = new Rig();
  const key = rig.set('web');
  const pod = rig.add('web', 'running', { revision: 'r1', sides: ['agent'] });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(500);
  rig.declare(key, [share('r1')], true);
  rig.world.die(pod.id, 1);
  await rig.clock.advance(10_000);
  assert.equal(pod.sides?.[0]?.status, 'exited');
  assert.equal(pod.pauseRuns, false);
  assert.ok(rig.engine.count('stop') <= 2);
  rig.declare(key, []);
  await rig.clock.advance(1000);
  assert.equal(rig.state(pod), 'gone');
});

test('a set that its tenant stopped sleeps, and says so to whoever asks', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  rig.declare(key, [share('r1', { held: true })], true);
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, 'r1'), ['exited']);
  assert.equal(rig.view(key).state, 'stopped');
  const ask = rig.ask(key);
  await rig.clock.advance(10);
  assert.equal(ask.became, 'stopped');
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  assert.deepEqual(states(rig, 'r1'), ['running']);
});

test('one that lost its network is stopped as a whole and started again', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  const [container] = ofRevision(rig, 'r1');
  assert.ok(container);
  const run = container.startedAt;
  rig.world.losePause(container.id);
  await rig.clock.advance(3000);
  assert.notEqual(container.startedAt, run);
  assert.equal(rig.view(key).ready, 1);
  assert.equal(rig.engine.count('stop'), 1);
});

test('one that lost a member for good serves until another is ready in its place', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  const [broken] = ofRevision(rig, 'r1');
  assert.ok(broken);
  broken.isIncomplete = true;
  rig.world.changed(broken);
  let fewest = 1;
  for (let ms = 0; ms < 500; ms++) {
    await rig.clock.advance(1);
    fewest = Math.min(fewest, rig.pool(key).readyCount);
  }
  assert.equal(fewest, 1);
  assert.deepEqual(states(rig, 'r1'), ['running']);
  assert.equal(rig.state(broken), 'gone');
});

test('requests wait while a set has no replica between two revisions', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  rig.declare(key, [share('r2', { replicas: 0 })]);
  await rig.clock.advance(2000);
  assert.equal(rig.world.containers.size, 0);
  const ask = rig.ask(key);
  await rig.clock.advance(2000);
  assert.equal(ask.became, 'held');
  rig.declare(key, [share('r2')]);
  await rig.clock.advance(1000);
  assert.equal(ask.upstream?.revision, 'r2');
});

test('nothing is made before all hosts were looked at: it may be there', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.isPartial = true;
  rig.declare(key, [share('r1')]);
  const ask = rig.ask(key);
  await rig.clock.advance(5000);
  assert.equal(rig.world.containers.size, 0);
  const [there] = [rig.add('web', 'running', { revision: 'r1', sides: [] })];
  rig.isPartial = false;
  rig.deliver(key);
  await rig.clock.advance(1000);
  assert.equal(ask.upstream?.replica, `local/${there.id}`);
  assert.equal(rig.world.containers.size, 1);
});

test('nobody waits for a set of which nothing was ever deployed', async () => {
  const rig = new Rig();
  const key = rig.set('web');
  rig.declare(key, []);
  const ask = rig.ask(key);
  await rig.clock.advance(10);
  assert.equal(ask.became, 'no_replicas');
});

test('whoever comes during the first deployment waits for it', async () => {
  const rig = new Rig();
  const key = rig.set('web');
  rig.declare(key, [share('r1', { weight: 0, held: true })]);
  const ask = rig.ask(key);
  await rig.clock.advance(1000);
  assert.equal(ask.became, 'held');
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(10);
  assert.equal(ask.became, 'admitted');
});

test('what it depends on is up first, also for a revision that has to prove itself', async () => {
  const rig = new Rig();
  const db = rig.set('db');
  const web = rig.set('web', { depends: ['db'] });
  rig.revisions.set('d1', { listensAfterMs: 2000 });
  rig.declare(db, [share('d1')]);
  rig.declare(web, [share('r1', { weight: 0, held: true })]);
  await rig.clock.advance(1500);
  assert.deepEqual([states(rig, 'd1'), states(rig, 'r1')], [['running'], []]);
  await rig.clock.advance(2000);
  assert.deepEqual([states(rig, 'd1'), states(rig, 'r1')], [['running'], ['running']]);
});

test('one that was made counts as there while discovery does not show it', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 2, max: 2 } });
  rig.delay = () => 'never';
  rig.blind = true;
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(30_000);
  assert.equal(rig.world.containers.size, 2);
  const [lost] = rig.world.containers.values();
  assert.ok(lost);
  rig.world.remove(lost.id, true);
  rig.blind = false;
  rig.delay = () => null;
  await rig.clock.advance(120_000);
  assert.deepEqual(states(rig, 'r1'), ['running', 'running']);
});

test('while the Engine is away nothing is counted as a failure of the revision', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 1 } });
  rig.unmakeable.set('r1', new FakeRefusal('engine.unreachable', 'connection refused'));
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(5000);
  assert.equal(rig.told('replica.failed').length, 0);
  rig.unmakeable.clear();
  await rig.clock.advance(2000);
  assert.deepEqual(states(rig, 'r1'), ['running']);
});

test('a change of what a view shows is said once per turn', async () => {
  const rig = new Rig();
  const key = rig.set('web', { scale: { min: 3, max: 3 } });
  rig.declare(key, [share('r1')]);
  await rig.clock.advance(1000);
  assert.ok(rig.viewsChanged.length > 0);
  rig.viewsChanged.length = 0;
  rig.deliver(key);
  rig.deliver(key);
  assert.deepEqual(rig.viewsChanged, []);
  await rig.clock.advance(0);
  assert.deepEqual(rig.viewsChanged, [key]);
});
