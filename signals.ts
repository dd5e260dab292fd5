/**
 * What replicas and this machine use: one reader for all who want to know. The scaler asks it for a replica; the API shows
 * it; metrics and events are made of it.
 */
import { loadavg } from 'node:os';
import type { MetricFamily } from '#admin/ports';
import { replicaMetrics } from '#admin/replica-metrics';
import { SetUsage } from '#admin/set-usage';
import type { Clock } from '#core/clock';
import type { Config } from '#core/config';
import type { EventSink } from '#core/event';
import type { ReplicaUsage } from '#core/replica-usage';
import type { ReplicaSnapshot, SetSnapshot } from '#core/set';
import type { UsageEngine } from '#docker/cgroup-stats';
import { readHostPressure } from '#docker/host-pressure';
import { UsageSampler } from '#docker/usage-sampler';
import { MemoryAlerts } from './memory-alerts.ts';

export interface SignalsOptions {
  readonly config: Pick<Config, 'usageEveryMs'>;
  readonly clock: Clock;
  readonly emit: EventSink;
  /** By name of host. */
  readonly engines: ReadonlyMap<string, UsageEngine>;
  readonly sets: () => Iterable<SetSnapshot>;
}

export interface Signals {
  /** Yet to begin. */
  readonly sampler: UsageSampler;
  /** As it was last read; null: not known. */
  readonly usage: (replica: ReplicaSnapshot) => ReplicaUsage | null;
  readonly families: () => MetricFamily[];
}

export function openSignals({ config, clock, emit, engines, sets }: SignalsOptions): Signals {
  const engine = (host: string): UsageEngine | null => engines.get(host) ?? null;
  const sampler = new UsageSampler({ engine, sets, clock, everyMs: config.usageEveryMs });
  const usage = (replica: ReplicaSnapshot): ReplicaUsage | null => sampler.of(replica);
  const setUsage = new SetUsage({ sampler, sets });
  const alerts = new MemoryAlerts({ emit, sets, usage });
  sampler.onRound(() => alerts.look());
  return {
    ...{ sampler, usage },
    families: () => [...setUsage.families(), ...replicaMetrics(sampler, sets()), ...machineMetrics(sampler)],
  };
}

/** Of the machine that this process runs on. */
function machineMetrics(sampler: UsageSampler): MetricFamily[] {
  const gauge = (name: string, help: string, value: number | null | undefined): MetricFamily[] =>
    value === null || value === undefined ? [] : [{ name, help, type: 'gauge', samples: [{ value }] }];
  const pressure = readHostPressure();
  return [
    ...gauge('tidegate_machine_memory_bytes', 'Memory of the machine.', pressure?.totalBytes),
    ...gauge('tidegate_machine_memory_available_bytes', 'What can be had without swapping.', pressure?.availableBytes),
    ...gauge(
      'tidegate_machine_memory_pressure_percent',
      'Share of the last ten seconds in which something waited for memory.',
      pressure?.someAvg10,
    ),
    ...gauge('tidegate_machine_load', 'Processes that run or want to, over the last minute.', loadavg()[0]),
    {
      name: 'tidegate_usage_rounds_cut_total',
      type: 'counter',
      help: 'Rounds in which there was no time to read what every replica uses.',
      samples: [{ value: sampler.cut }],
    },
  ];
}
