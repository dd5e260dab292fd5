/** What replicas use, as Prometheus reads it; never more series than allowed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricsText } from '#admin/metrics-text';
import { REPLICAS_TOLD, replicaMetrics } from '#admin/replica-metrics';
import type { ReplicaSnapshot } from '#core/set';
import type { ContainerUsage } from '#docker/container-reader';
import { replica, snapshot } from '#test/router/sample';

const USAGE: ContainerUsage = {
  ...{ cpuNs: 1.5e9, throttledNs: 2.5e8, cpuLimit: 1, memoryBytes: 4096, memoryLimitBytes: null, oomKills: 2, pids: 3 },
  ...{ readBytes: 1, writtenBytes: 2, receivedBytes: 10, sentBytes: 20 },
};

test('each replica that was read has its counters, under tenant, app, set and a short id', () => {
  const [known, unknown] = [replica('a'.repeat(64)), replica('b'.repeat(64))];
  const sampler = { countersOf: (one: ReplicaSnapshot) => (one === known ? USAGE : null) };
  const sets = [snapshot('acme/shop/web', [], { replicas: [known, unknown] })];
  const lines = metricsText(replicaMetrics(sampler, sets)).split('\n');
  const labels = `{tenant="acme",app="shop",set="web",replica="${known.host}/aaaaaaaaaaaa"}`;
  for (const expected of [
    `tidegate_replica_cpu_seconds_total${labels} 1.5`,
    `tidegate_replica_cpu_throttled_seconds_total${labels} 0.25`,
    `tidegate_replica_memory_working_set_bytes${labels} 4096`,
    `tidegate_replica_network_received_bytes_total${labels} 10`,
    `tidegate_replica_network_sent_bytes_total${labels} 20`,
    `tidegate_replica_pids${labels} 3`,
    `tidegate_replica_oom_kills_total${labels} 2`,
  ]) {
    assert.ok(lines.includes(expected), expected);
  }
  assert.ok(!lines.some((line) => line.startsWith('tidegate_replica_memory_limit_bytes{')), 'it has no limit');
  assert.ok(!lines.some((line) => line.includes('bbbb')), 'it was not read');
});

test('beyond the limit those with the most memory are told, and the number of the others', () => {
  const replicas = Array.from({ length: REPLICAS_TOLD + 3 }, (_, n) => replica(String(n).padStart(12, '0')));
  const sampler = {
    countersOf: (one: ReplicaSnapshot) => ({ ...USAGE, memoryBytes: replicas.indexOf(one) }),
  };
  const families = replicaMetrics(sampler, [snapshot('acme/shop/web', [], { replicas })]);
  const samples = (name: string) => [...(families.find((one) => one.name === name)?.samples ?? [])];
  const memory = samples('tidegate_replica_memory_working_set_bytes');
  assert.equal(memory.length, REPLICAS_TOLD);
  assert.ok(memory.every(({ value }) => value >= 3));
  assert.equal(samples('tidegate_replicas_untold')[0]?.value, 3);
});
