/** Buckets for latencies: fine ones that add up to coarse ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coarseLatency, FINE_LATENCY_BOUNDS_S, LATENCY_BOUNDS_S } from '#core/latency';

test('every coarse bound is a fine one, and fine ones lie close together', () => {
  for (const bound of LATENCY_BOUNDS_S) assert.ok(FINE_LATENCY_BOUNDS_S.includes(bound), String(bound));
  for (const [i, bound] of FINE_LATENCY_BOUNDS_S.entries()) {
    const before = FINE_LATENCY_BOUNDS_S[i - 1];
    if (before !== undefined) assert.ok(bound > before && bound / before < 1.27, `${before} to ${bound}`);
  }
});

test('fine buckets add up to coarse ones', () => {
  const fine = [...FINE_LATENCY_BOUNDS_S, Number.POSITIVE_INFINITY].map(() => 1);
  const coarse = coarseLatency(fine);
  assert.equal(coarse.length, LATENCY_BOUNDS_S.length + 1);
  assert.equal(
    coarse.reduce((a, b) => a + b),
    fine.length,
  );
  LATENCY_BOUNDS_S.forEach((bound, i) => {
    const below = LATENCY_BOUNDS_S[i - 1] ?? 0;
    assert.equal(coarse[i], FINE_LATENCY_BOUNDS_S.filter((one) => one > below && one <= bound).length, String(bound));
  });
  assert.equal(coarse.at(-1), 1);
});
