/** Counts of revisions as metrics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revisionMetrics } from '#admin/traffic-metrics';
import { FINE_LATENCY_BOUNDS_S, LATENCY_BOUNDS_S } from '#core/latency';
import { setKey } from '#core/set';

test('tries by revision and outcome, and times in the buckets of all other metrics', () => {
  const latency = [...FINE_LATENCY_BOUNDS_S, Number.POSITIVE_INFINITY].map(() => 1);
  const [requests, times] = revisionMetrics([
    { key: setKey('acme', 'shop', 'web'), revision: 'r2', requests: 60, errors: 4, latency, latencySumS: 7.5 },
  ]);
  const labels = { tenant: 'acme', app: 'shop', set: 'web', revision: 'r2' };
  assert.equal(requests?.name, 'tidegate_revision_requests_total');
  assert.deepEqual(
    [...(requests?.samples ?? [])],
    [
      { labels: { ...labels, outcome: 'answered' }, value: 56 },
      { labels: { ...labels, outcome: 'failed' }, value: 4 },
    ],
  );
  const samples = [...(times?.samples ?? [])];
  assert.equal(times?.name, 'tidegate_revision_response_seconds');
  assert.equal(samples.filter((one) => one.suffix === '_bucket').length, LATENCY_BOUNDS_S.length + 1);
  assert.deepEqual(samples.slice(-3), [
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: latency.length },
    { suffix: '_sum', labels, value: 7.5 },
    { suffix: '_count', labels, value: latency.length },
  ]);
});
