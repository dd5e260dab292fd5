/** Counters of revisions: bounded, and each for itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FINE_LATENCY_BOUNDS_S } from '#core/latency';
import { setKey } from '#core/set';
import { RevisionMetrics } from '#gateway/revision-metrics';
import { Upstream } from '#router/upstream';
import { replica } from '#test/router/sample';

const KEY = setKey('default', 'app', 'web');

function of(revision: string | null): Upstream {
  return new Upstream(replica('a', { revision }));
}

test('an answer goes into the bucket whose bound it does not exceed', () => {
  const metrics = new RevisionMetrics();
  const bounds = FINE_LATENCY_BOUNDS_S.map((bound) => bound * 1000);
  for (const bound of bounds) metrics.answered(of('r1'), false, bound);
  metrics.answered(of('r1'), false, 0);
  metrics.answered(of('r1'), false, 60_001);
  const [counts] = [...metrics.collect(KEY)];
  assert.deepEqual(counts?.latency, [2, ...bounds.slice(1).map(() => 1), 1]);
  assert.equal(counts?.requests, bounds.length + 2);
});

test('eight revisions are remembered: those that were asked last', () => {
  const metrics = new RevisionMetrics();
  for (let i = 1; i <= 10; i++) {
    metrics.answered(of(`r${i}`), i % 2 === 0, 1);
    metrics.failed(of('r1'));
  }
  metrics.broke(of('r1'));
  metrics.failed(of(null));
  const counts = new Map([...metrics.collect(KEY)].map((one) => [one.revision, one]));
  assert.deepEqual([...counts.keys()].sort(), ['r1', 'r10', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9']);
  assert.deepEqual([counts.get('r1')?.requests, counts.get('r1')?.errors], [11, 11]);
  assert.deepEqual([counts.get('r10')?.requests, counts.get('r10')?.errors], [1, 1]);
  assert.deepEqual([counts.get('r9')?.requests, counts.get('r9')?.errors], [1, 0]);
});
