/**
 * What replicas use, as metrics. Their number is bounded, since every replica that ever was would be a series of its own
 * in the memory of whoever stores them: beyond it those that use the most memory are told, and how many were left out.
 */
import type { ReplicaSnapshot, SetSnapshot } from '#core/set';
import type { ContainerUsage } from '#docker/container-reader';
import type { UsageSampler } from '#docker/usage-sampler';
import type { MetricFamily, MetricSample } from './ports.ts';

export const REPLICAS_TOLD = 1000;
const NS_PER_S = 1e9;
/** Of an id, as `docker ps` shows it. */
const ID_LENGTH = 12;

interface Told {
  readonly labels: Readonly<Record<string, string>>;
  readonly usage: ContainerUsage;
}

export function replicaMetrics(sampler: Pick<UsageSampler, 'countersOf'>, sets: Iterable<SetSnapshot>): MetricFamily[] {
  const all: Told[] = [];
  for (const { tenant, app, set, replicas } of sets) {
    for (const replica of replicas) {
      const usage = sampler.countersOf(replica);
      if (usage !== null) all.push({ labels: { tenant, app, set, replica: nameOf(replica) }, usage });
    }
  }
  const omitted = Math.max(0, all.length - REPLICAS_TOLD);
  const told =
    omitted === 0 ? all : all.sort((a, b) => b.usage.memoryBytes - a.usage.memoryBytes).slice(0, REPLICAS_TOLD);
  const family = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    pick: (usage: ContainerUsage) => number | null,
  ): MetricFamily => ({
    name: `tidegate_replica_${name}`,
    ...{ type, help, isOlder: true },
    samples: told.flatMap(({ labels, usage }): MetricSample[] => {
      const value = pick(usage);
      return value === null ? [] : [{ labels, value }];
    }),
  });
  return [
    family(
      'counter',
      'cpu_seconds_total',
      'Processor time used since the replica began.',
      (use) => use.cpuNs / NS_PER_S,
    ),
    family(
      'counter',
      'cpu_throttled_seconds_total',
      'Time for which its limit held the replica back.',
      (use) => use.throttledNs / NS_PER_S,
    ),
    family(
      'gauge',
      'memory_working_set_bytes',
      'Memory in use, without inactive pages of files.',
      (use) => use.memoryBytes,
    ),
    family('gauge', 'memory_limit_bytes', 'Limit of its memory; not there without one.', (use) => use.memoryLimitBytes),
    family(
      'counter',
      'network_received_bytes_total',
      'Bytes received, without the loopback.',
      (use) => use.receivedBytes,
    ),
    family('counter', 'network_sent_bytes_total', 'Bytes sent, without the loopback.', (use) => use.sentBytes),
    family('gauge', 'pids', 'Processes and threads.', (use) => use.pids),
    family('counter', 'oom_kills_total', 'Processes killed for want of memory.', (use) => use.oomKills),
    {
      name: 'tidegate_replicas_untold',
      type: 'gauge',
      help: `Replicas whose use is left out of the metrics, beyond ${REPLICAS_TOLD} of them.`,
      samples: [{ value: omitted }],
    },
  ];
}

function nameOf({ host, containerId }: ReplicaSnapshot): string {
  return `${host}/${containerId.slice(0, ID_LENGTH)}`;
}
