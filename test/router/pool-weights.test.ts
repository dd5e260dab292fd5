/** How a pool splits traffic: by weights of revisions, and by keys. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Pool } from '#router/pool';
import { addReady, emptyPool, policy, seeded, visit } from '#test/router/sample';

const SEED = 20_260_205;

function tally(pool: Pool, rounds: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < rounds; i++) {
    const name = visit(pool, i) ?? 'none';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

test('traffic is split by the weights of the revisions, not by how many replicas they have', () => {
  const pool = emptyPool({ random: seeded(SEED) });
  for (const id of ['a1', 'a2', 'a3']) addReady(pool, id, { revision: 'a', weight: 90 });
  addReady(pool, 'b1', { revision: 'b', weight: 10 });
  const counts = tally(pool, 10_000);
  const ofB = counts.get('b1') ?? 0;
  // 1000 expected, standard deviation 30: ten of them on either side.
  assert.ok(ofB > 700 && ofB < 1300, `${ofB} of 10000 at a weight of 10 in 100`);
  for (const id of ['a1', 'a2', 'a3']) assert.ok((counts.get(id) ?? 0) > 2500, id);
});

test('without revisions, equal weights share one part and a different weight is a part of its own', () => {
  const pool = emptyPool({ random: seeded(SEED) });
  addReady(pool, 'a', { weight: 75 });
  addReady(pool, 'b', { weight: 75 });
  addReady(pool, 'c', { weight: 25 });
  const counts = tally(pool, 10_000);
  const ofC = counts.get('c') ?? 0;
  assert.ok(ofC > 2000 && ofC < 3000, `${ofC} of 10000 at a weight of 25 in 100`);
});

test('a weight of 0 takes no traffic', () => {
  const pool = emptyPool({ random: seeded(SEED) });
  addReady(pool, 'a', { revision: 'a', weight: 100 });
  addReady(pool, 'b', { revision: 'b', weight: 0 });
  assert.deepEqual([...tally(pool, 500).keys()], ['a']);
  assert.equal(pool.readyCount, 1);
});

test('a revision without room leaves its part to the others', () => {
  const pool = emptyPool({ policy: policy({ concurrency: 1 }), random: seeded(SEED) });
  const a = addReady(pool, 'a', { revision: 'a', weight: 99 });
  addReady(pool, 'b', { revision: 'b', weight: 1 });
  assert.equal(pool.claim(0, [a])?.name, 'b');
  assert.equal(pool.claim(0, null)?.name, 'a');
  assert.equal(pool.claim(0, null), null);
});

test('hash keeps a key on its revision and on its replica, and keeps the weights', () => {
  const pool = emptyPool({ policy: policy({ lb: { kind: 'hash-ip' } }), random: seeded(SEED) });
  for (const id of ['a1', 'a2']) addReady(pool, id, { revision: 'a', weight: 80 });
  for (const id of ['b1', 'b2']) addReady(pool, id, { revision: 'b', weight: 20 });
  let onB = 0;
  const used = new Set<string | null>();
  for (let key = 0; key < 5000; key++) {
    const first = visit(pool, key);
    assert.equal(visit(pool, key), first, `key ${key}`);
    if (first?.startsWith('b')) onB++;
    used.add(first);
  }
  assert.ok(onB > 700 && onB < 1300, `${onB} of 5000 at a weight of 20 in 100`);
  assert.deepEqual([...used].sort(), ['a1', 'a2', 'b1', 'b2']);
});
