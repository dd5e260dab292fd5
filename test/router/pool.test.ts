/** A pool: who takes requests, what is counted, and who is told. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Pool } from '#router/pool';
import type { PoolWatcher } from '#router/pool-watcher';
import { Upstream } from '#router/upstream';
import { addReady, emptyPool, policy, replica, seeded, visit } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';

const SEED = 20_260_203;

function watched(pool: Pool): string[] {
  const told: string[] = [];
  const watcher: PoolWatcher = {
    onRoom: () => told.push('room'),
    onIdle: () => told.push('idle'),
    onRemoved: (upstream) => told.push(`removed ${upstream.name}`),
    onSuspect: (_pool, upstream) => told.push(`suspect ${upstream.name}`),
  };
  pool.watch(watcher);
  return told;
}

test('an upstream takes nothing before its first passed probe', () => {
  const pool = emptyPool();
  const upstream = new Upstream(replica('a'));
  pool.add(upstream);
  assert.equal(pool.readyCount, 0);
  assert.equal(pool.claim(0, null), null);
  assert.equal(pool.signal(upstream, 'pass'), true);
  assert.equal(pool.readyCount, 1);
  assert.equal(visit(pool), 'a');
});

test('a signal tells whether the upstream came or left', () => {
  const pool = emptyPool({ policy: policy({ health: { ...policy().health, fall: 2 } }) });
  const upstream = new Upstream(replica('a'));
  pool.add(upstream);
  assert.deepEqual(
    (['fail', 'pass', 'pass', 'fail', 'fail', 'fail', 'pass', 'eject', 'restore'] as const).map((signal) =>
      pool.signal(upstream, signal),
    ),
    [false, true, false, false, true, false, true, true, true],
  );
});

test('claims and releases are counted on the upstream and on the pool, with the time of the last', async () => {
  const clock = new FakeClock();
  const pool = emptyPool({ clock });
  const upstream = addReady(pool, 'a');
  await clock.advance(5);
  pool.claim(0, null);
  pool.claim(0, null);
  assert.deepEqual([upstream.inFlight, pool.inFlight, pool.claims, pool.lastUsedAt], [2, 2, 2, 5]);
  await clock.advance(5);
  pool.release(upstream);
  assert.deepEqual([upstream.inFlight, pool.inFlight, pool.claims, pool.lastUsedAt], [1, 1, 2, 10]);
});

test('an upstream at its concurrency limit takes nothing until it has finished one', () => {
  const pool = emptyPool({ policy: policy({ concurrency: 2 }) });
  const upstream = addReady(pool, 'a');
  pool.claim(0, null);
  pool.claim(0, null);
  assert.equal(pool.claim(0, null), null);
  pool.release(upstream);
  assert.equal(pool.claim(0, null), upstream);
});

test('a new limit holds from the next claim on, and says that there is room', () => {
  const pool = emptyPool({ policy: policy({ concurrency: 1 }) });
  addReady(pool, 'a');
  pool.claim(0, null);
  assert.equal(pool.claim(0, null), null);
  const told = watched(pool);
  pool.policy = policy({ concurrency: 2 });
  assert.deepEqual(told, ['room']);
  assert.notEqual(pool.claim(0, null), null);
});

test('what failed a request is not given to it again', () => {
  const pool = emptyPool();
  const [a, b] = [addReady(pool, 'a'), addReady(pool, 'b')];
  for (let i = 0; i < 50; i++) assert.equal(visit(pool, i, [a]), 'b');
  assert.equal(pool.claim(0, [a, b]), null);
});

test('the only upstream is not given again either to a request it failed', () => {
  const pool = emptyPool();
  const only = addReady(pool, 'a');
  assert.equal(pool.claim(0, [only]), null);
});

test('while requests are held nobody overtakes them', () => {
  const pool = emptyPool();
  const upstream = addReady(pool, 'a');
  pool.held = 1;
  assert.equal(pool.claim(0, null), null);
  assert.equal(pool.claimForHeld(0, null), upstream);
});

test('a draining upstream takes nothing new, finishes what it has, and can be taken back', () => {
  const pool = emptyPool();
  const upstream = addReady(pool, 'a');
  pool.claim(0, null);
  const told = watched(pool);
  pool.drain(upstream);
  assert.equal(pool.claim(0, null), null);
  assert.equal(pool.readyCount, 0);
  pool.release(upstream);
  pool.drain(upstream, false);
  assert.equal(pool.readyCount, 1);
  assert.deepEqual(told, ['idle', 'room']);
});

test('a removed upstream takes nothing, is told of once, and what it has in flight still counts', () => {
  const pool = emptyPool();
  const upstream = addReady(pool, 'a');
  pool.claim(0, null);
  const told = watched(pool);
  pool.remove(upstream);
  pool.remove(upstream);
  assert.equal(upstream.removed, true);
  assert.equal(pool.claim(0, null), null);
  assert.equal(pool.inFlight, 1);
  pool.suspect(upstream);
  pool.release(upstream);
  assert.equal(pool.inFlight, 0);
  assert.deepEqual(told, ['removed a', 'idle']);
});

test('watchers hear of room when an upstream becomes ready, and when a request ends while others are held', () => {
  const pool = emptyPool({ policy: policy({ health: { ...policy().health, fall: 1 } }) });
  const told = watched(pool);
  const upstream = addReady(pool, 'a');
  pool.signal(upstream, 'fail');
  pool.signal(upstream, 'pass');
  assert.deepEqual(told, ['room', 'room']);
  pool.claim(0, null);
  pool.claim(0, null);
  pool.release(upstream);
  assert.deepEqual(told, ['room', 'room'], 'nobody waits, nobody is told');
  pool.held = 1;
  pool.release(upstream);
  assert.deepEqual(told, ['room', 'room', 'room', 'idle']);
});

test('a draining upstream whose health comes back makes no room', () => {
  const pool = emptyPool();
  const upstream = new Upstream(replica('a'));
  pool.add(upstream);
  pool.drain(upstream);
  const told = watched(pool);
  assert.equal(pool.signal(upstream, 'pass'), true);
  assert.deepEqual(told, []);
  assert.equal(pool.claim(0, null), null);
});

test('a request that ends and is followed by another from the waiting room leaves no idle moment', () => {
  const pool = emptyPool();
  const upstream = addReady(pool, 'a');
  const told = watched(pool);
  pool.watch({
    onRoom: (one) => {
      if (one.held === 0) return;
      one.held = 0;
      one.claimForHeld(0, null);
    },
  });
  pool.claim(0, null);
  pool.held = 1;
  pool.release(upstream);
  assert.deepEqual(told, ['room']);
  pool.release(upstream);
  assert.deepEqual(told, ['room', 'idle']);
});

test('a suspect upstream is looked at by whoever watches', () => {
  const pool = emptyPool();
  const upstream = addReady(pool, 'a');
  const told = watched(pool);
  pool.suspect(upstream);
  assert.deepEqual(told, ['suspect a']);
});

test('round robin goes on where it was when an upstream joins', () => {
  const pool = emptyPool({ policy: policy({ lb: { kind: 'rr' } }) });
  addReady(pool, 'a');
  addReady(pool, 'b');
  assert.deepEqual([visit(pool), visit(pool), visit(pool)], ['a', 'b', 'a']);
  addReady(pool, 'c');
  assert.equal(new Set([visit(pool), visit(pool), visit(pool)]).size, 3);
});

test('a sticky cookie finds its replica while that is ready, has room and has not failed', () => {
  const pool = emptyPool({ policy: policy({ concurrency: 1 }) });
  const a = addReady(pool, 'a');
  addReady(pool, 'b');
  assert.equal(pool.claimTagged(a.tag, null), a);
  assert.equal(pool.claimTagged(a.tag, null), null, 'at its limit');
  pool.release(a);
  assert.equal(pool.claimTagged(a.tag, [a]), null, 'failed already');
  pool.drain(a);
  assert.equal(pool.claimTagged(a.tag, null), null, 'draining');
  assert.equal(pool.claimTagged('none', null), null);
});

test('the pool counts what its upstreams serve, over any row of claims, releases, drains and removals', () => {
  const steps = fc.array(
    fc.record({ what: fc.constantFrom('claim', 'release', 'drain', 'leave', 'join'), pick: fc.nat() }),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, fc.nat(3), (row, concurrency) => {
      const pool = emptyPool({ policy: policy({ concurrency }), random: seeded(SEED) });
      const inFlight: Upstream[] = [];
      let joined = 0;
      for (const { what, pick } of row) {
        const member = pool.upstreams[pick % Math.max(1, pool.upstreams.length)];
        if (what === 'join') addReady(pool, `r${joined++}`);
        if (what === 'claim') {
          const claimed = pool.claim(pick, null);
          if (claimed === null) continue;
          assert.ok(!claimed.draining && !claimed.removed);
          inFlight.push(claimed);
        }
        if (what === 'release') {
          const [ended] = inFlight.splice(pick % Math.max(1, inFlight.length), 1);
          if (ended !== undefined) pool.release(ended);
        }
        if (what === 'drain' && member !== undefined) pool.drain(member, pick % 2 === 0);
        if (what === 'leave' && member !== undefined) pool.remove(member);
        assert.equal(pool.inFlight, inFlight.length);
        for (const upstream of pool.upstreams) {
          assert.equal(upstream.inFlight, inFlight.filter((one) => one === upstream).length);
          if (concurrency > 0) assert.ok(upstream.inFlight <= concurrency);
        }
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('what does not count as use leaves the idle time as it is, here and when another process tells of it', async () => {
  const clock = new FakeClock();
  const pool = emptyPool({ clock });
  const upstream = addReady(pool, 'r1');
  const usedAt = pool.lastUsedAt;
  await clock.advance(1000);
  assert.equal(pool.claim(0, null, null, true), upstream);
  pool.release(upstream, true);
  pool.note(upstream, 1, 1, true);
  pool.note(upstream, -1, 0, true);
  assert.deepEqual([pool.lastUsedAt, pool.claims, pool.inFlight, upstream.loud], [usedAt, 2, 0, false]);
  pool.note(upstream, 1, 1);
  assert.deepEqual([pool.lastUsedAt, upstream.loud], [clock.now(), true]);
});
