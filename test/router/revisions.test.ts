/** How a pool chooses among revisions: by match, by what a visitor has, by who he is, and never where there is no weight. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Pool } from '#router/pool';
import { ANY_REVISION, type RevisionWish } from '#router/revision-wish';
import type { Upstream } from '#router/upstream';
import { hashText } from '#router/upstream';
import { addReady, emptyPool, policy, seeded } from '#test/router/sample';

const SEED = 20_261_128;
const VISITORS = Array.from({ length: 4000 }, (_, i) => hashText(`198.51.${i >> 8}.${i & 255}`));

type Weights = Readonly<Record<string, number>>;

/** A pool with one replica for each revision, or several. */
function poolOf(weights: Weights, replicas = 1): Pool {
  const pool = emptyPool({ random: seeded(SEED) });
  for (const [revision, weight] of Object.entries(weights)) {
    for (let i = 0; i < replicas; i++) addReady(pool, `${revision}.${i}`, { revision, weight });
  }
  return pool;
}

function weigh(pool: Pool, weights: Weights): void {
  for (const one of pool.upstreams) pool.weigh(one, weights[one.revision ?? ''] ?? 0);
}

/** Claims and gives back. */
function ask(
  pool: Pool,
  wish: Partial<RevisionWish> | null,
  tried: readonly Upstream[] | null = null,
): Upstream | null {
  const upstream = pool.claim(0, tried, wish === null ? null : { ...ANY_REVISION, ...wish });
  if (upstream !== null) pool.release(upstream);
  return upstream;
}

function homes(pool: Pool): (string | null)[] {
  return VISITORS.map((visitor) => ask(pool, { visitor })?.revision ?? null);
}

test('a match reaches its revision whatever its weight, and nobody else reaches one without weight', () => {
  const pool = poolOf({ r1: 100, r2: 0 });
  for (let i = 0; i < 200; i++) {
    assert.equal(ask(pool, null)?.revision, 'r1');
    assert.equal(ask(pool, { kept: 'r2', visitor: i })?.revision, 'r1');
    assert.equal(ask(pool, { matched: ['r2'], kept: 'r1', visitor: i })?.revision, 'r2');
  }
  assert.equal(pool.readyCount, 1);
});

test('the first match whose revision has a ready replica counts; with none of them the request goes on', () => {
  const pool = poolOf({ r1: 100, r2: 0, r3: 0 });
  assert.equal(ask(pool, { matched: ['r9', 'r3', 'r2'] })?.revision, 'r3');
  const [, , third] = pool.upstreams;
  assert.ok(third);
  pool.drain(third);
  assert.equal(ask(pool, { matched: ['r9', 'r3', 'r2'] })?.revision, 'r2');
  assert.equal(ask(pool, { matched: ['r9', 'r3'] })?.revision, 'r1');
});

test('a visitor stays where he was, for as long as that has weight', () => {
  const pool = poolOf({ r1: 90, r2: 10 });
  for (const kept of ['r1', 'r2']) {
    for (const visitor of VISITORS.slice(0, 100)) assert.equal(ask(pool, { kept, visitor })?.revision, kept);
  }
  weigh(pool, { r1: 0, r2: 100 });
  for (const visitor of VISITORS.slice(0, 100)) assert.equal(ask(pool, { kept: 'r1', visitor })?.revision, 'r2');
});

test('visitors are spread by the weights, each the same way every time and in every process', () => {
  const weights = { r1: 50, r2: 30, r3: 20 };
  const first = homes(poolOf(weights));
  const otherOrder = homes(poolOf({ r3: 20, r1: 50, r2: 30 }, 2));
  assert.deepEqual(first, otherOrder);
  for (const [revision, weight] of Object.entries(weights)) {
    const share = (100 * first.filter((one) => one === revision).length) / VISITORS.length;
    // Standard deviation below 0.8 points: four of them.
    assert.ok(Math.abs(share - weight) < 3.2, `${revision}: ${share} % at a weight of ${weight}`);
  }
});

test('who is on a revision whose weight grows stays there, and only those move who have to', () => {
  const random = seeded(SEED);
  const names = ['r1', 'r2', 'r3', 'r4'];
  for (let round = 0; round < 25; round++) {
    const before: Record<string, number> = {};
    for (const name of names) before[name] = 1 + Math.floor(random() * 100);
    const grown = names[Math.floor(random() * names.length)] ?? 'r1';
    const after = { ...before, [grown]: (before[grown] ?? 0) + 1 + Math.floor(random() * 100) };
    const pool = poolOf(before);
    const was = homes(pool);
    weigh(pool, after);
    homes(pool).forEach((home, i) => {
      if (home !== was[i]) assert.equal(home, grown, `round ${round}: a visitor moved from ${was[i]} to ${home}`);
    });
  }
});

test('from 10 to 20 in 100 one visitor in ten moves, and all of them to the new revision', () => {
  const pool = poolOf({ r1: 90, r2: 10 });
  const was = homes(pool);
  weigh(pool, { r1: 80, r2: 20 });
  const is = homes(pool);
  const moved = is.filter((home, i) => home !== was[i]);
  assert.ok(moved.every((home) => home === 'r2'));
  assert.ok(moved.length > VISITORS.length * 0.08 && moved.length < VISITORS.length * 0.12, String(moved.length));
});

test('a further try stays on the revision of the first, then goes to the others', () => {
  const pool = poolOf({ r1: 99, r2: 1 }, 3);
  const ofNew = pool.upstreams.filter((one) => one.revision === 'r2');
  for (const wish of [ANY_REVISION, { kept: 'r2', visitor: 7 }, { matched: ['r2'] }]) {
    for (let i = 0; i < 50; i++) {
      assert.equal(ask(pool, wish, ofNew.slice(0, 1))?.revision, 'r2');
      assert.equal(ask(pool, wish, ofNew.slice(0, 2)), ofNew[2]);
      assert.equal(ask(pool, wish, ofNew)?.revision, 'r1');
    }
  }
});

test('a revision without room leaves a visitor to the others for once', () => {
  const pool = emptyPool({ policy: policy({ concurrency: 1 }), random: seeded(SEED) });
  addReady(pool, 'a', { revision: 'r1', weight: 50 });
  addReady(pool, 'b', { revision: 'r2', weight: 50 });
  const kept = { ...ANY_REVISION, kept: 'r2' };
  assert.equal(pool.claim(0, null, kept)?.revision, 'r2');
  assert.equal(pool.claim(0, null, kept)?.revision, 'r1');
  assert.equal(pool.claim(0, null, kept), null);
});

test('from the moment a weight is 0 nothing goes there, and from the moment it is not those who wait hear of it', () => {
  const pool = poolOf({ r1: 50, r2: 50 });
  let room = 0;
  pool.watch({ onRoom: () => room++ });
  weigh(pool, { r1: 100, r2: 0 });
  for (let i = 0; i < 200; i++) assert.equal(ask(pool, null)?.revision, 'r1');
  weigh(pool, { r1: 0, r2: 0 });
  assert.equal(ask(pool, null), null);
  assert.equal(pool.readyCount, 0);
  room = 0;
  weigh(pool, { r1: 0, r2: 1 });
  assert.equal(room, 1);
  assert.equal(ask(pool, null)?.revision, 'r2');
});

test('the cookie of a replica counts only where its revision may be reached', () => {
  const pool = poolOf({ r1: 90, r2: 10, r3: 0 });
  const [one, two, three] = pool.upstreams;
  assert.ok(one && two && three);
  const claimed = (upstream: Upstream, wish: Partial<RevisionWish> | null): boolean => {
    const found = pool.claimTagged(upstream.tag, null, wish === null ? null : { ...ANY_REVISION, ...wish });
    if (found !== null) pool.release(found);
    return found === upstream;
  };
  assert.deepEqual([claimed(one, null), claimed(two, null), claimed(three, null)], [true, true, false]);
  assert.deepEqual([claimed(one, { kept: 'r2' }), claimed(two, { kept: 'r2' })], [false, true]);
  assert.deepEqual([claimed(one, { matched: ['r3'] }), claimed(three, { matched: ['r3'] })], [false, true]);
  assert.deepEqual([claimed(one, { visitor: 1 }), claimed(two, { visitor: 1 })], [true, true]);
  weigh(pool, { r1: 0, r2: 100 });
  assert.equal(claimed(one, { kept: 'r1', visitor: 1 }), false);
});
