/** Counts of revisions, and of wakes over all sets, as metrics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revisionMetrics, trafficMetrics } from '#admin/traffic-metrics';
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

test('first octets after wakes are counted by tier, over all sets', () => {
  const quiet = {
    requests: [],
    aborted: 0,
    latency: [],
    latencySumS: 0,
    retries: 0,
    ejections: 0,
    held: 0,
    upgrades: 0,
  };
  const count = (latency: readonly number[], latencySumS: number) => ({ latency, latencySumS });
  const [family] = trafficMetrics(
    [
      {
        key: setKey('acme', 'shop', 'web'),
        firstBytes: { frozen: count([1, 2, 0], 0.5), stopped: count([0, 0, 1], 9) },
      },
      { key: setKey('acme', 'shop', 'api'), firstBytes: { frozen: count([0, 1, 0], 0.25) } },
    ].map((one) => ({ ...quiet, bytesIn: 0, bytesOut: 0, errors: {}, ...one })),
    [0.1, 1],
  ).filter((one) => one.name === 'tidegate_wake_first_byte_seconds');
  const told = [...(family?.samples ?? [])].map(({ suffix, labels, value }) => [
    labels?.tier,
    suffix,
    labels?.le,
    value,
  ]);
  assert.deepEqual(told, [
    ['frozen', '_bucket', '0.1', 1],
    ['frozen', '_bucket', '1', 4],
    ['frozen', '_bucket', '+Inf', 4],
    ['frozen', '_sum', undefined, 0.75],
    ['frozen', '_count', undefined, 4],
    ['stopped', '_bucket', '0.1', 0],
    ['stopped', '_bucket', '1', 0],
    ['stopped', '_bucket', '+Inf', 1],
    ['stopped', '_sum', undefined, 9],
    ['stopped', '_count', undefined, 1],
  ]);
});
