/** Outlier ejection: who is left out for its answers, for how long, and who never is. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Pool } from '#router/pool';
import type { Upstream } from '#router/upstream';
import { addReady, emptyPool, policy, visit } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';

const OUTLIER = { errors: 3, timeMs: 1000 };
const SEED = 20_261_128;

interface Scene {
  readonly clock: FakeClock;
  readonly pool: Pool;
  readonly upstreams: readonly Upstream[];
}

function scene(count: number): Scene {
  const clock = new FakeClock();
  const pool = emptyPool({ clock, policy: policy({ outlier: OUTLIER }) });
  return { clock, pool, upstreams: Array.from({ length: count }, (_, i) => addReady(pool, `r${i}`)) };
}

function fail(pool: Pool, upstream: Upstream | undefined, times = OUTLIER.errors): boolean {
  assert.ok(upstream !== undefined);
  let ejected = false;
  for (let i = 0; i < times; i++) ejected = pool.judge(upstream, true);
  return ejected;
}

test('errors in a row eject an upstream, and it takes nothing until its time is over', async () => {
  const { clock, pool, upstreams } = scene(2);
  const [a] = upstreams;
  assert.equal(fail(pool, a, 2), false);
  assert.equal(fail(pool, a, 1), true);
  assert.equal(a?.health.health, 'ejected');
  await clock.advance(999);
  for (let i = 0; i < 50; i++) assert.equal(visit(pool), 'r1');
  await clock.advance(1);
  const seen = new Set(Array.from({ length: 50 }, () => visit(pool)));
  assert.deepEqual([...seen].sort(), ['r0', 'r1']);
  assert.equal(a?.health.health, 'healthy');
});

test('a good answer in between makes the count begin anew', () => {
  const { pool, upstreams } = scene(2);
  const [a] = upstreams;
  assert.ok(a !== undefined);
  for (let i = 0; i < 20; i++) {
    assert.equal(fail(pool, a, 2), false);
    assert.equal(pool.judge(a, false), false);
  }
});

test('whoever fails again soon after it came back is left out longer, ten times at most; later all is forgotten', async () => {
  const { clock, pool, upstreams } = scene(2);
  const [a] = upstreams;
  const times: number[] = [];
  for (let round = 0; round < 12; round++) {
    assert.equal(fail(pool, a), true);
    let ms = 0;
    while (a?.health.health === 'ejected') {
      await clock.advance(500);
      ms += 500;
      visit(pool);
    }
    times.push(ms);
  }
  assert.deepEqual(
    times,
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10].map((repeats) => repeats * 1000),
  );
  await clock.advance(10_001);
  assert.equal(fail(pool, a), true);
  await clock.advance(1000);
  visit(pool);
  assert.equal(a?.health.health, 'healthy');
});

test('an upstream alone is never ejected, and of three only one is', () => {
  const alone = scene(1);
  assert.equal(fail(alone.pool, alone.upstreams[0], 50), false);
  const { pool, upstreams } = scene(3);
  assert.deepEqual(
    upstreams.map((one) => fail(pool, one)),
    [true, false, false],
  );
});

test('what is out for its probes counts as out', () => {
  const { pool, upstreams } = scene(4);
  const [a, b, c, d] = upstreams;
  for (let i = 0; i < policy().health.fall; i++) if (a !== undefined) pool.signal(a, 'fail');
  assert.deepEqual(
    [b, c, d].map((one) => fail(pool, one)),
    [true, false, false],
  );
});

test('an ejected upstream comes back at once when it is all that is left', () => {
  const { pool, upstreams } = scene(2);
  const [a, b] = upstreams;
  assert.ok(a !== undefined && b !== undefined);
  fail(pool, a);
  for (let i = 0; i < policy().health.fall; i++) pool.signal(b, 'fail');
  assert.equal(pool.readyCount, 1);
  assert.equal(visit(pool), 'r0');
  pool.signal(b, 'pass');
  assert.equal(fail(pool, b), true);
  pool.remove(a);
  assert.equal(visit(pool), 'r1');
});

test('an ejected upstream that fails its probes comes back by them alone', async () => {
  const { clock, pool, upstreams } = scene(2);
  const [a] = upstreams;
  assert.ok(a !== undefined);
  fail(pool, a);
  for (let i = 0; i < policy().health.fall; i++) pool.signal(a, 'fail');
  await clock.advance(5000);
  for (let i = 0; i < 20; i++) assert.equal(visit(pool), 'r1');
  pool.signal(a, 'pass');
  assert.equal(pool.readyCount, 2);
});

test('off, answers are not counted', () => {
  const pool = emptyPool();
  const a = addReady(pool, 'a');
  addReady(pool, 'b');
  assert.equal(fail(pool, a, 100), false);
  assert.equal(pool.readyCount, 2);
});

test('whatever happens, half of the pool is never ejected and requests find an upstream', async () => {
  const step = fc.record({ of: fc.nat(5), failed: fc.boolean(), ms: fc.nat(400) });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 200 }), async (count, steps) => {
      const { clock, pool, upstreams } = scene(count);
      for (const { of, failed, ms } of steps) {
        const upstream = upstreams[of % count];
        if (upstream !== undefined) pool.judge(upstream, failed);
        const ejected = upstreams.filter((one) => one.health.health === 'ejected').length;
        assert.ok(ejected <= Math.floor(count / 2), `${ejected} of ${count} are out`);
        assert.notEqual(visit(pool), null);
        await clock.advance(ms);
      }
    }),
    { seed: SEED, numRuns: 60 },
  );
});
