/** How many spares of a set the memory of hosts has room for: those that there are, and what is left beside them. */
import type { ReplicaUsage } from '#core/replica-usage';
import type { ScalerPorts } from './ports.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';

/** What is looked at of a replica. */
export type HousedReplica = Pick<ReplicaKeeper, 'isMade' | 'isReady' | 'isFrozen' | 'snapshot'>;

export interface RoomFacts {
  /** Replicas that are to be awake. */
  readonly awake: number;
  /** Bytes that spares of other sets are about to take. */
  readonly claimed: number;
}

/** Null: it is not known, and nothing speaks against more. */
export function spareRoom(
  replicas: readonly HousedReplica[],
  { usage, memoryRoom }: Pick<ScalerPorts, 'usage' | 'memoryRoom'>,
  { awake, claimed }: RoomFacts,
): number | null {
  const free = memoryRoom?.() ?? null;
  if (free === null) return null;
  // Who is about to take what there is has to give nothing back.
  const bytes = free > 0 ? Math.max(0, free - claimed) : free;
  const spares = Math.max(0, replicas.filter((one) => one.isMade).length - awake);
  const each = memoryOfEach(replicas, usage);
  if (each === 0) return bytes > 0 ? null : bytes < 0 ? 0 : spares;
  const more = Math.floor(bytes / each);
  if (more < 0) return spares + more;
  // Those on their way, also to be awake, do not use yet what they will.
  return Math.max(spares, warmSpares(replicas, awake) + more);
}

/** Bytes that so many spares will take beyond what there is in use; 0 where it is not known what one takes. */
export function memoryToCome(
  replicas: readonly HousedReplica[],
  usage: ScalerPorts['usage'],
  { awake, spares }: { readonly awake: number; readonly spares: number },
): number {
  return Math.max(0, spares - warmSpares(replicas, awake)) * memoryOfEach(replicas, usage);
}

/** Bytes; 0: not known. */
function memoryOfEach(replicas: readonly HousedReplica[], usage: ScalerPorts['usage']): number {
  const used = replicas.filter((one) => one.isReady).map((one) => usage?.(one.snapshot) ?? null);
  return Math.max(0, ...used.filter(isKnown).map(({ memoryBytes }) => memoryBytes));
}

/** Negative: some of those that are to be awake are on their way. */
function warmSpares(replicas: readonly HousedReplica[], awake: number): number {
  return replicas.filter((one) => one.isMade && (one.isReady || one.isFrozen)).length - awake;
}

function isKnown(usage: ReplicaUsage | null): usage is ReplicaUsage {
  return usage !== null;
}
