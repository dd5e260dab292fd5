/**
 * Which tier each replica of a set should be in, given what the set needs: the heart of a reconcile, as a pure function
 * of what is seen.
 *
 * Replicas that their operator made are never removed, and with min ≥ 1 never stopped or started against his will;
 * clones exist only as far as the target asks for more replicas than the operator made.
 */
import type { WantedTier } from './demand.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';
import type { ReplicaPhase } from './replica-phase.ts';
import type { ReplicaWish } from './replica-step.ts';
import type { ScaleTarget } from './scale-target.ts';

export interface WishFacts {
  readonly replicas: readonly ReplicaKeeper[];
  readonly target: ScaleTarget;
  /** Where the set should be; null: idle, but not for long enough to change anything. */
  readonly tier: WantedTier;
  /** A person fixed or bounded the number of replicas: those beyond it are put to sleep. */
  readonly fixed: boolean;
  readonly stoppedByPerson: boolean;
  readonly dependenciesReady: boolean;
  /** It said that it is at work: as long as nobody fixes the number of replicas, it is none of those that are too many. */
  readonly isLeased: (replica: ReplicaKeeper) => boolean;
  /** What the clones were made from is gone, and no successor came: they go too. */
  readonly orphaned: boolean;
}

export interface WishPlan {
  readonly wishes: ReadonlyMap<ReplicaKeeper, ReplicaWish>;
  /** Clones that are missing now. */
  readonly clones: number;
  /** What to clone: the newest replica its operator made; null: there is none. */
  readonly original: ReplicaKeeper | null;
}

export function planWishes(facts: WishFacts): WishPlan {
  const { replicas, target, tier } = facts;
  const made = replicas.filter((one) => one.snapshot.cloneOf === null);
  const clones = replicas.filter((one) => one.snapshot.cloneOf !== null);
  // One of several containers, of a set that the store has lost, cannot be copied.
  const original = made.filter((one) => !one.isMade).toSorted(newestFirst)[0] ?? null;
  // Without any original its clones stand in for it.
  const current = clones.filter((one) => original === null || one.snapshot.cloneOf === original.snapshot.containerId);
  const wanted = facts.orphaned ? 0 : Math.max(0, target.awake - made.length);
  const chosen = new Set(leasedFirst(made.toSorted(liveliestFirst), facts).slice(0, target.awake));
  const ordered = leasedFirst(current.toSorted(liveliestThenOldestFirst), facts);
  const mayWork = !facts.fixed && !facts.orphaned;
  const kept = new Set(ordered.filter((one, place) => place < wanted || (mayWork && facts.isLeased(one))));

  const wishes = new Map<ReplicaKeeper, ReplicaWish>();
  for (const replica of made) wishes.set(replica, wishForMade(replica, chosen.has(replica), facts));
  for (const replica of current) wishes.set(replica, kept.has(replica) ? wishForClone(replica, facts) : 'removed');
  // Clones of what is no longer the newest serve until their successors are ready.
  const succeeded = [...made, ...kept].filter((one) => one.isReady).length >= target.awake;
  for (const replica of clones) {
    if (wishes.has(replica)) continue;
    const dispensable = succeeded || facts.stoppedByPerson || tier !== 'awake' || replica.isAsleep;
    wishes.set(replica, dispensable ? 'removed' : 'leave');
  }

  const mayMake = tier === 'awake' && facts.dependenciesReady && !facts.stoppedByPerson && original !== null;
  return { wishes, original, clones: mayMake ? Math.max(0, wanted - kept.size) : 0 };
}

function wishForMade(replica: ReplicaKeeper, chosen: boolean, facts: WishFacts): ReplicaWish {
  const { tier, target, fixed } = facts;
  if (!chosen && fixed && tier !== 'frozen') return 'stopped';
  if (tier !== 'awake') return asleep(tier);
  if (!chosen) return replica.isTouched && replica.isFrozen ? 'awake' : 'leave';
  if (target.min > 0 && !replica.sleptByUs) return 'leave';
  return facts.dependenciesReady || !replica.isAsleep ? 'awake' : 'leave';
}

function wishForClone(replica: ReplicaKeeper, facts: WishFacts): ReplicaWish {
  if (facts.stoppedByPerson) return 'stopped';
  if (facts.tier !== 'awake') return asleep(facts.tier);
  return facts.dependenciesReady || !replica.isAsleep ? 'awake' : 'leave';
}

/** What a tier of sleep comes to for one replica. */
export function asleep(tier: Exclude<WantedTier, 'awake'>): ReplicaWish {
  return tier === 'absent' ? 'removed' : (tier ?? 'leave');
}

function newestFirst(a: ReplicaKeeper, b: ReplicaKeeper): number {
  return b.snapshot.createdAt - a.snapshot.createdAt || (a.snapshot.id < b.snapshot.id ? -1 : 1);
}

const LIVELINESS: Readonly<Partial<Record<ReplicaPhase, number>>> = {
  ready: 0,
  running: 0,
  probing: 1,
  starting: 1,
  thawing: 1,
  unhealthy: 2,
  frozen: 3,
  sandbox: 4,
  failed: 6,
};
const LIVELINESS_OF_OTHERS = 5;
const LIVELINESS_IN_VAIN = 7;

function liveliness(replica: ReplicaKeeper): number {
  return replica.isHopeless ? LIVELINESS_IN_VAIN : (LIVELINESS[replica.phase] ?? LIVELINESS_OF_OTHERS);
}

/** Ready before starting before frozen before sandbox before stopped: the cheapest wake first, and the newest among equals. Those without traffic come last. */
function liveliestFirst(a: ReplicaKeeper, b: ReplicaKeeper): number {
  return Number(a.isInVain) - Number(b.isInVain) || liveliness(a) - liveliness(b) || newestFirst(a, b);
}

/** Those that answer and are at work before all others, which stay in order: what does not answer takes nobody's place. */
export function leasedFirst(
  replicas: readonly ReplicaKeeper[],
  { isLeased }: Pick<WishFacts, 'isLeased'>,
): ReplicaKeeper[] {
  return replicas.toSorted((a, b) => Number(b.isReady && isLeased(b)) - Number(a.isReady && isLeased(a)));
}

/** By liveliness, and the oldest among equals: what Tidegate made goes in the opposite order of its making. */
export function liveliestThenOldestFirst(a: ReplicaKeeper, b: ReplicaKeeper): number {
  return liveliness(a) - liveliness(b) || newestFirst(b, a);
}
