/** How many spares bursts are worth, and what they are bounded by. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bursts, spareCount } from '#scaler/decider/spares';

const SEED = 20_261_128;
const MINUTE_MS = 60_000;

test('what is wanted more within the time of a start is one burst', () => {
  const bursts = new Bursts();
  assert.equal(bursts.greatest(0), 0);
  bursts.raised(0, 2, 3000);
  bursts.raised(2000, 3, 3000);
  assert.equal(bursts.greatest(2000), 5);
  bursts.raised(4000, 1, 3000);
  assert.equal(bursts.greatest(4000), 5, 'the last two came to four');
});

test('with quick starts a second is one burst, with slow ones a minute at most', () => {
  const quick = new Bursts();
  for (const at of [0, 900, 2500]) quick.raised(at, 1, 300);
  assert.equal(quick.greatest(2500), 2);
  const slow = new Bursts();
  for (const at of [0, 59_000, 61_000]) slow.raised(at, 1, 600_000);
  assert.equal(slow.greatest(61_000), 2);
  const unknown = new Bursts();
  for (const at of [0, 900, 2500]) unknown.raised(at, 1, null);
  assert.equal(unknown.greatest(2500), 2);
});

test('a burst is remembered for ten minutes; smaller ones that follow it for ten of their own', () => {
  const bursts = new Bursts();
  bursts.raised(0, 6, 1000);
  bursts.raised(5 * MINUTE_MS, 2, 1000);
  assert.equal(bursts.greatest(10 * MINUTE_MS - 1), 6);
  assert.equal(bursts.greatest(10 * MINUTE_MS), 2);
  assert.equal(bursts.greatest(15 * MINUTE_MS), 0);
});

test('spares are as many as asked for, within max; by bursts they are within the memory of hosts as well', () => {
  const facts = { wish: 'auto', burst: 4, max: 10, awake: 3, room: null } as const;
  assert.deepEqual(spareCount(facts), { count: 4, by: 'bursts' });
  assert.deepEqual(spareCount({ ...facts, awake: 8 }), { count: 2, by: 'max' });
  assert.deepEqual(spareCount({ ...facts, room: 1 }), { count: 1, by: 'memory' });
  assert.deepEqual(spareCount({ ...facts, room: -3 }), { count: 0, by: 'memory' });
  assert.deepEqual(spareCount({ ...facts, wish: 2, room: 1 }), { count: 2, by: 'wish' });
});

test('whatever bursts and memory say, spares and those awake are never more than max', () => {
  const facts = fc.record({
    wish: fc.oneof(fc.nat(1000), fc.constant('auto' as const)),
    burst: fc.nat(1000),
    max: fc.integer({ min: 1, max: 100 }),
    awake: fc.integer({ min: 1, max: 120 }),
    room: fc.option(fc.integer({ min: -100, max: 100 })),
  });
  fc.assert(
    fc.property(facts, (one) => {
      const { count } = spareCount(one);
      assert.ok(count >= 0 && one.awake + count <= Math.max(one.max, one.awake));
    }),
    { seed: SEED },
  );
});
