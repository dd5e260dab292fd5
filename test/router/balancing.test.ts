/** Load balancing: who may be chosen, and how often each is. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { LoadBalancing } from '#core/set';
import { type Choice, choose } from '#router/balancing';
import { Upstream } from '#router/upstream';
import { replica, seeded } from '#test/router/sample';

const SEED = 20_260_202;
const POLICIES: readonly LoadBalancing[] = [
  { kind: 'p2c' },
  { kind: 'least' },
  { kind: 'rr' },
  { kind: 'hash-ip' },
  { kind: 'hash-header', header: 'x-key' },
];

function upstreams(count: number): Upstream[] {
  return Array.from({ length: count }, (_, i) => new Upstream(replica(`r${i}`)));
}

function choice(changes: Partial<Choice> & Pick<Choice, 'lb'>): Choice {
  return { limit: 0, hash: 0, tried: null, random: seeded(SEED), turn: 0, ...changes };
}

/** How often each upstream is chosen in `rounds` choices. */
function tally(ready: readonly Upstream[], rounds: number, make: (round: number) => Choice): number[] {
  const counts = new Map<Upstream, number>(ready.map((one) => [one, 0]));
  for (let round = 0; round < rounds; round++) {
    const chosen = choose(ready, make(round));
    assert.ok(chosen !== null);
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  return [...counts.values()];
}

test('nothing ready, nothing chosen', () => {
  for (const lb of POLICIES) assert.equal(choose([], choice({ lb })), null);
});

test('every policy chooses only an upstream that has room and was not tried, and finds one whenever there is one', () => {
  const states = fc.array(fc.record({ inFlight: fc.nat(4), tried: fc.boolean() }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(states, fc.constantFrom(...POLICIES), fc.nat(4), fc.nat(), fc.nat(), (list, lb, limit, hash, turn) => {
      const ready = upstreams(list.length);
      const tried: Upstream[] = [];
      ready.forEach((one, i) => {
        one.inFlight = list[i]?.inFlight ?? 0;
        if (list[i]?.tried) tried.push(one);
      });
      const usable = ready.filter((one) => !tried.includes(one) && (limit === 0 || one.inFlight < limit));
      const chosen = choose(ready, choice({ lb, limit, hash, turn, tried: tried.length > 0 ? tried : null }));
      if (usable.length === 0) assert.equal(chosen, null);
      else assert.ok(chosen !== null && usable.includes(chosen));
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test('p2c looks at two distinct upstreams: of two, the busier one is never chosen', () => {
  const ready = upstreams(2);
  const [idle, busy] = ready;
  assert.ok(idle && busy);
  busy.inFlight = 1;
  const random = seeded(SEED);
  for (let i = 0; i < 1000; i++) assert.equal(choose(ready, choice({ lb: { kind: 'p2c' }, random })), idle);
});

test('p2c is unbiased among equals, for any number of them', () => {
  for (const count of [2, 3, 5, 8]) {
    const random = seeded(SEED + count);
    const rounds = 4000 * count;
    for (const times of tally(upstreams(count), rounds, () => choice({ lb: { kind: 'p2c' }, random }))) {
      // 4000 expected, standard deviation below 64: eight of them on either side.
      assert.ok(times > 3500 && times < 4500, `${times} of 4000 with ${count} upstreams`);
    }
  }
});

test('p2c sends the busiest of many nothing and the idlest the most', () => {
  const ready = upstreams(4);
  ready.forEach((one, i) => {
    one.inFlight = i;
  });
  const random = seeded(SEED);
  const [idlest = 0, second = 0, third = 0, busiest] = tally(ready, 6000, () =>
    choice({ lb: { kind: 'p2c' }, random }),
  );
  assert.equal(busiest, 0);
  // The chance to be the less busy of two out of four: 3/6, 2/6, 1/6.
  assert.ok(idlest > 2600 && idlest < 3400, String(idlest));
  assert.ok(second > 1600 && second < 2400, String(second));
  assert.ok(third > 700 && third < 1300, String(third));
});

test('least chooses the least busy, and among equals everyone has a turn', () => {
  const ready = upstreams(4);
  const [a, b, c, d] = ready;
  assert.ok(a && b && c && d);
  a.inFlight = 2;
  b.inFlight = 1;
  c.inFlight = 1;
  d.inFlight = 3;
  const random = seeded(SEED);
  const [ofA, ofB = 0, ofC = 0, ofD] = tally(ready, 2000, () => choice({ lb: { kind: 'least' }, random }));
  assert.deepEqual([ofA, ofD], [0, 0]);
  assert.ok(ofB > 0 && ofC > 0);
  b.inFlight = 0;
  assert.equal(choose(ready, choice({ lb: { kind: 'least' }, random })), b);
});

test('rr goes round, and passes over who has no room', () => {
  const ready = upstreams(3);
  const names = (limit: number): string[] =>
    Array.from({ length: 6 }, (_, turn) => choose(ready, choice({ lb: { kind: 'rr' }, turn, limit }))?.name ?? '-');
  assert.deepEqual(names(0), ['r0', 'r1', 'r2', 'r0', 'r1', 'r2']);
  const [, middle] = ready;
  assert.ok(middle);
  middle.inFlight = 1;
  assert.deepEqual(names(1), ['r0', 'r2', 'r2', 'r0', 'r2', 'r2']);
});

test('hash sends one key to one upstream, whatever chance and turn say', () => {
  const ready = upstreams(5);
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (hash, turn, seed) => {
      const lb: LoadBalancing = { kind: 'hash-ip' };
      const once = choose(ready, choice({ lb, hash }));
      assert.equal(choose([...ready].reverse(), choice({ lb, hash, turn, random: seeded(seed) })), once);
    }),
    { seed: SEED },
  );
});

test('when an upstream leaves, hash moves its own keys only, and spreads them over the others', () => {
  const ready = upstreams(5);
  const lb: LoadBalancing = { kind: 'hash-header', header: 'x-key' };
  const gone = ready[2];
  assert.ok(gone);
  const left = ready.filter((one) => one !== gone);
  const heirs = new Set<string>();
  let moved = 0;
  for (let key = 0; key < 5000; key++) {
    const before = choose(ready, choice({ lb, hash: key }));
    const after = choose(left, choice({ lb, hash: key }));
    if (before !== gone) assert.equal(after, before);
    else {
      moved++;
      heirs.add(after?.name ?? '-');
    }
  }
  assert.ok(moved > 700 && moved < 1300, `${moved} of 5000 keys were on one of five`);
  assert.equal(heirs.size, 4);
});

test('hash moves on to another upstream when its own has failed the request', () => {
  const ready = upstreams(3);
  const lb: LoadBalancing = { kind: 'hash-ip' };
  const first = choose(ready, choice({ lb, hash: 7 }));
  assert.ok(first);
  const second = choose(ready, choice({ lb, hash: 7, tried: [first] }));
  assert.ok(second !== null && second !== first);
});
