/** The judgement on a new revision: what ends it, what does not, and how often chance alone would. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type CanaryVerdict, type CountedSpan, judge, type RevisionCounters } from '#apps/canary';
import { FINE_LATENCY_BOUNDS_S } from '#core/latency';
import { seeded } from '#test/router/sample';

const SEED = 20_261_128;

/** Counters with answers of these times. */
class Side {
  requests = 0;
  errors = 0;
  readonly latency = new Array<number>(FINE_LATENCY_BOUNDS_S.length + 1).fill(0);

  answer(ms: number, failed = false): void {
    this.requests++;
    if (failed) this.errors++;
    const bucket = FINE_LATENCY_BOUNDS_S.findIndex((bound) => ms / 1000 <= bound);
    const i = bucket < 0 ? FINE_LATENCY_BOUNDS_S.length : bucket;
    this.latency[i] = (this.latency[i] ?? 0) + 1;
  }

  get span(): CountedSpan {
    return { from: null, to: this };
  }
}

function failing(errors: number, requests: number, ms = 10): CountedSpan {
  const side = new Side();
  for (let i = 0; i < requests; i++) side.answer(ms, i < errors);
  return side.span;
}

function kindOf(verdict: CanaryVerdict): string {
  return typeof verdict === 'object' ? 'abort' : verdict;
}

type Counted = readonly [errors: number, requests: number];

const BY_ERRORS: readonly (readonly [what: string, baseline: Counted, candidate: Counted, verdict: string])[] = [
  ['nothing was asked', [0, 0], [0, 0], 'wait'],
  ['little was asked, and answered', [0, 30], [0, 3], 'wait'],
  ['one error in three requests', [0, 1000], [1, 3], 'wait'],
  ['four errors in four requests', [0, 1000], [4, 4], 'wait'],
  ['twenty of twenty', [0, 1000], [20, 20], 'abort'],
  ['five of five beside many good ones', [0, 1000], [5, 5], 'abort'],
  ['twenty of twenty, and nothing to compare with', [0, 0], [20, 20], 'abort'],
  ['both fail alike: it is not the new one', [20, 20], [20, 20], 'wait'],
  ['both fail alike, in great numbers', [9000, 9000], [1000, 1000], 'go'],
  ['five in a hundred against none in a thousand', [0, 1000], [5, 100], 'abort'],
  ['as many as before', [50, 1000], [6, 100], 'go'],
  ['certainly worse, but by less than matters', [0, 1_000_000], [500, 100_000], 'go'],
  ['better', [100, 1000], [0, 100], 'go'],
  ['half of a few, with little to compare with', [0, 10], [5, 10], 'wait'],
];

for (const [what, baseline, candidate, verdict] of BY_ERRORS) {
  test(`errors: ${what}: ${verdict}`, () => {
    assert.equal(kindOf(judge({ baseline: failing(...baseline), candidate: failing(...candidate) })), verdict);
  });
}

const BY_TIME: readonly (readonly [
  what: string,
  baselineMs: number,
  candidateMs: number,
  answers: number,
  verdict: string,
])[] = [
  ['as fast', 10, 10, 1000, 'go'],
  ['slower, but by less than 50 ms', 2, 40, 1000, 'go'],
  ['five times as slow', 20, 100, 1000, 'abort'],
  ['five times as slow, told by too few', 20, 100, 299, 'go'],
  ['a tenth slower, over a bound of a bucket', 245, 270, 1000, 'go'],
  ['twice as slow', 245, 490, 1000, 'abort'],
  ['faster', 500, 20, 1000, 'go'],
  ['beyond all bounds', 1000, 120_000, 1000, 'abort'],
];

for (const [what, baselineMs, candidateMs, answers, verdict] of BY_TIME) {
  test(`time: ${what}: ${verdict}`, () => {
    const baseline = failing(0, 3000, baselineMs);
    assert.equal(kindOf(judge({ baseline, candidate: failing(0, answers, candidateMs) })), verdict);
  });
}

test('a reason says what was seen, in numbers', () => {
  const byErrors = judge({ baseline: failing(1, 1000), candidate: failing(20, 40) });
  assert.deepEqual(byErrors, {
    abort: '50.0 % of its requests failed (20 of 40), and 0.1 % of those of the old one (1 of 1000)',
  });
  const byTime = judge({ baseline: failing(0, 1000, 20), candidate: failing(0, 1000, 400) });
  assert.ok(typeof byTime === 'object');
  assert.match(
    byTime.abort,
    /^1000 of its 1000 answers took longer than \d+ ms; 99 % of those of the old one took 2\d ms at most$/,
  );
});

test('only what was counted since the beginning speaks, and counters that began anew begin anew', () => {
  const before: RevisionCounters = { requests: 100, errors: 60, latency: [100] };
  const sound: RevisionCounters = { requests: 300, errors: 60, latency: [300] };
  const baseline = failing(0, 1000);
  assert.equal(judge({ baseline, candidate: { from: before, to: sound } }), 'go');
  assert.equal(kindOf(judge({ baseline, candidate: { from: null, to: sound } })), 'abort');
  const anew: RevisionCounters = { requests: 40, errors: 40, latency: [40] };
  assert.equal(kindOf(judge({ baseline, candidate: { from: before, to: anew } })), 'abort');
  assert.equal(judge({ baseline: { from: null, to: null }, candidate: { from: null, to: null } }), 'wait');
});

interface World {
  readonly errors: readonly [old: number, next: number];
  /** Spread of the times: standard deviation of their logarithm. */
  readonly spread: number;
  /** Times of the new revision, as a multiple of those of the old one. */
  readonly slower: number;
  readonly weight: number;
}

const LOOK_EVERY = 100;
const REQUESTS = 10_000;
const MEDIAN_MS = 80;

/** One hold of a step, looked at again and again: requests to the new revision until it was aborted; null: it was not. */
function hold(world: World, random: () => number): number | null {
  const old = new Side();
  const next = new Side();
  for (let i = 1; i <= REQUESTS; i++) {
    const isNext = random() < world.weight;
    // Box and Muller (1958).
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const ms = MEDIAN_MS * Math.exp(world.spread * normal) * (isNext ? world.slower : 1);
    (isNext ? next : old).answer(ms, random() < world.errors[isNext ? 1 : 0]);
    if (i % LOOK_EVERY === 0 && kindOf(judge({ baseline: old.span, candidate: next.span })) === 'abort') {
      return next.requests;
    }
  }
  return null;
}

function holds(world: World, runs: number): readonly (number | null)[] {
  const random = seeded(SEED);
  return Array.from({ length: runs }, () => hold(world, random));
}

const SOUND: readonly (readonly [errors: number, weight: number, spread: number])[] = [
  [0, 0.1, 0.3],
  [0.001, 0.1, 1],
  [0.01, 0.5, 1],
  [0.05, 0.05, 0.8],
  [0.2, 0.1, 0.8],
];

test('a sound revision is aborted in fewer than 1 % of the holds, whatever both of them do', (t) => {
  let aborted = 0;
  let runs = 0;
  for (const [errors, weight, spread] of SOUND) {
    const ends = holds({ errors: [errors, errors], spread, slower: 1, weight }, 80);
    const wrong = ends.filter((one) => one !== null).length;
    t.diagnostic(`${100 * errors} % errors, weight ${weight}, spread ${spread}: ${wrong} of ${ends.length} aborted`);
    aborted += wrong;
    runs += ends.length;
  }
  assert.ok(aborted / runs < 0.01, `${aborted} of ${runs}`);
});

test('a revision with 5 % more errors, or three times as slow, is caught', (t) => {
  const worse: readonly (readonly [string, World, number])[] = [
    ['all fail', { errors: [0.001, 1], spread: 0.5, slower: 1, weight: 0.1 }, 30],
    ['5 % more errors', { errors: [0.001, 0.051], spread: 0.5, slower: 1, weight: 0.1 }, 500],
    ['5 % more errors than 1 %', { errors: [0.01, 0.06], spread: 0.5, slower: 1, weight: 0.1 }, 900],
    ['three times as slow', { errors: [0, 0], spread: 0.5, slower: 3, weight: 0.1 }, 800],
  ];
  for (const [what, world, within] of worse) {
    const ends = holds(world, 40);
    const requests = ends.map((one) => one ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
    t.diagnostic(`${what}: aborted after ${requests[20]} of its requests (median), ${requests.at(-1)} at most`);
    assert.ok((requests.at(-1) ?? 0) <= within, `${what}: ${requests.at(-1)}`);
  }
});
