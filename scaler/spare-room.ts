/** How many spares of a set the memory of hosts has room for: those that there are, and what is left beside them. */
import type { ReplicaUsage } from '#core/replica-usage';
import type { ScalerPorts } from './ports.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';

/** What is looked at of a replica. */
export type HousedReplica = Pick<ReplicaKeeper, 'isMade' | 'isReady' | 'isFrozen' | 'snapshot'>;

/**
 * Null: it is not known, and nothing speaks against more.
 * @param awake replicas that are to be awake
 */
export function spareRoom(
  replicas: readonly HousedReplica[],
  { usage, memoryRoom }: Pick<ScalerPorts, 'usage' | 'memoryRoom'>,
  awake: number,
): number | null {
  const bytes = memoryRoom?.() ?? null;
  if (bytes === null) return null;
  const made = replicas.filter((one) => one.isMade);
  const spares = Math.max(0, made.length - awake);
  const used = replicas.filter((one) => one.isReady).map((one) => usage?.(one.snapshot) ?? null);
  const each = Math.max(0, ...used.filter(isKnown).map(({ memoryBytes }) => memoryBytes));
  if (each === 0) return bytes > 0 ? null : bytes < 0 ? 0 : spares;
  const more = Math.floor(bytes / each);
  if (more < 0) return spares + more;
  // Those on their way, also to be awake, do not use yet what they will.
  const warm = made.filter((one) => one.isReady || one.isFrozen).length - awake;
  return Math.max(spares, warm + more);
}

function isKnown(usage: ReplicaUsage | null): usage is ReplicaUsage {
  return usage !== null;
}
