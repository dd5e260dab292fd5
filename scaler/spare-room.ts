/** How many spares of a set the memory of hosts has room for: those that there are, and what is left beside them. */
import type { ReplicaUsage } from '#core/replica-usage';
import type { ScalerPorts } from './ports.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';

/** @param spares that there are now, or are on their way; null: it is not known, and nothing speaks against more */
export function spareRoom(
  replicas: readonly ReplicaKeeper[],
  { usage, memoryRoom }: Pick<ScalerPorts, 'usage' | 'memoryRoom'>,
  spares: number,
): number | null {
  const bytes = memoryRoom?.() ?? null;
  if (bytes === null) return null;
  const used = replicas.filter((one) => one.isReady).map((one) => usage?.(one.snapshot) ?? null);
  const each = Math.max(...used.filter(isKnown).map(({ memoryBytes }) => memoryBytes));
  if (each > 0) return spares + Math.floor(bytes / each);
  return bytes > 0 ? null : 0;
}

function isKnown(usage: ReplicaUsage | null): usage is ReplicaUsage {
  return usage !== null;
}
