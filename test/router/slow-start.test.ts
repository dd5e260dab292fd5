/** Slow start: what a new upstream is given while it warms up. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { LoadBalancing } from '#core/set';
import type { Pool } from '#router/pool';
import { addReady, emptyPool, policy, seeded, visit } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';

const SLOW_START_MS = 10_000;
const ROUNDS = 4000;
const POLICIES: readonly LoadBalancing[] = [{ kind: 'p2c' }, { kind: 'least' }, { kind: 'rr' }, { kind: 'hash-ip' }];

/** The part of the requests that one upstream gets, one at a time. */
function shareOf(pool: Pool, name: string): number {
  let count = 0;
  for (let i = 0; i < ROUNDS; i++) if (visit(pool, Math.imul(i + 1, 0x9e3779b1)) === name) count++;
  return count / ROUNDS;
}

function assertNear(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) < 0.05, `${what}: ${actual}, not about ${expected}`);
}

for (const lb of POLICIES) {
  test(`with ${lb.kind} the share of a new upstream grows with the time to that of the others`, async () => {
    const clock = new FakeClock();
    const pool = emptyPool({ clock, random: seeded(7), policy: policy({ lb, slowStartMs: SLOW_START_MS }) });
    addReady(pool, 'old');
    await clock.advance(SLOW_START_MS);
    addReady(pool, 'new');
    const shares: number[] = [];
    for (let step = 0; step < 4; step++) {
      shares.push(shareOf(pool, 'new'));
      await clock.advance(SLOW_START_MS / 3);
    }
    // A hash spreads only roughly: its full share is what it is once warm.
    const full = shares[3] ?? 0;
    assertNear(full, 0.5, 'warm');
    for (const [step, warmth] of [0.1, 0.4, 0.7].entries())
      assertNear(shares[step] ?? 0, full * warmth, `step ${step}`);
  });

  test(`with ${lb.kind} equally new upstreams share as if there were no slow start`, () => {
    const pool = emptyPool({ random: seeded(8), policy: policy({ lb, slowStartMs: SLOW_START_MS }) });
    addReady(pool, 'a');
    addReady(pool, 'b');
    assertNear(shareOf(pool, 'a'), 0.5, 'share');
  });
}

test('a new upstream alone takes everything, and so it does when the others are full or failed already', async () => {
  const clock = new FakeClock();
  const pool = emptyPool({ clock, policy: policy({ slowStartMs: SLOW_START_MS, concurrency: 1 }) });
  const old = addReady(pool, 'old');
  await clock.advance(SLOW_START_MS);
  addReady(pool, 'new');
  for (let i = 0; i < 100; i++) assert.equal(visit(pool, 0, [old]), 'new');
  while (pool.claim(0, null) !== old) for (const one of pool.upstreams) if (one.inFlight > 0) pool.release(one);
  for (let i = 0; i < 100; i++) assert.equal(visit(pool), 'new');
  pool.remove(old);
  for (let i = 0; i < 100; i++) assert.equal(visit(pool), 'new');
});

test('with a hash a key that has moved to the new upstream stays there while that warms up', async () => {
  const clock = new FakeClock();
  const pool = emptyPool({ clock, policy: policy({ lb: { kind: 'hash-ip' }, slowStartMs: SLOW_START_MS }) });
  addReady(pool, 'old');
  await clock.advance(SLOW_START_MS);
  addReady(pool, 'new');
  const keys = Array.from({ length: 500 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
  const moved = new Set<number>();
  for (let step = 0; step < 11; step++) {
    for (const key of keys) {
      const isNew = visit(pool, key) === 'new';
      assert.ok(isNew || !moved.has(key), `the key ${key} went back`);
      if (isNew) moved.add(key);
    }
    await clock.advance(SLOW_START_MS / 10);
  }
  assert.ok(moved.size > 150 && moved.size < 350, `${moved.size} keys moved`);
});

test('an upstream that comes back from being unhealthy begins anew', async () => {
  const clock = new FakeClock();
  const pool = emptyPool({ clock, random: seeded(9), policy: policy({ slowStartMs: SLOW_START_MS }) });
  const a = addReady(pool, 'a');
  addReady(pool, 'b');
  await clock.advance(SLOW_START_MS);
  for (let i = 0; i < policy().health.fall; i++) pool.signal(a, 'fail');
  assert.equal(visit(pool), 'b');
  pool.signal(a, 'pass');
  assertNear(shareOf(pool, 'a'), 0.05, 'share');
});

test('off, a new upstream has its full share at once', async () => {
  const clock = new FakeClock();
  const pool = emptyPool({ clock, random: seeded(10) });
  addReady(pool, 'old');
  await clock.advance(SLOW_START_MS);
  addReady(pool, 'new');
  assertNear(shareOf(pool, 'new'), 0.5, 'share');
});
