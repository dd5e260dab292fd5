/** What the ready replicas of a set use of their limits, on average: what scaling by processor and memory goes by. */
import type { ReplicaUsage } from '#core/replica-usage';
import type { MeanUse } from './autoscaler.ts';
import type { ScalerPorts } from './ports.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';

export function meanUse(replicas: readonly ReplicaKeeper[], usage: ScalerPorts['usage']): MeanUse {
  if (usage === undefined) return { cpu: null, memory: null };
  const used = replicas.filter((one) => one.isReady).map((one) => usage(one.snapshot));
  return { cpu: mean(used, (one) => one.cpuPercent), memory: mean(used, (one) => one.memoryPercent) };
}

/** Over those of which it is known. */
function mean(used: readonly (ReplicaUsage | null)[], of: (usage: ReplicaUsage) => number | null): number | null {
  const known = used.map((one) => (one === null ? null : of(one))).filter((one) => one !== null);
  return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0) / known.length;
}
