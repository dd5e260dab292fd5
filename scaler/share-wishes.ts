/**
 * Which tier each replica of a set that the API deploys should be in, and which are missing, by the shares of its
 * revisions: the sibling of wishes.ts, as a pure function of what is seen.
 *
 * What Tidegate made it may remove: replicas beyond what a share wants, the youngest of those in no better state first, all
 * of revisions in no share, and those that lost a member for good, when others serve in their place. Containers of people that carry the labels of the set are left as they are. Of class `data`
 * two never run at a time: none is made or started while another is there.
 */
import type { RevisionShare } from '#core/set';
import type { ReplicaKeeper } from './replica-keeper.ts';
import type { ReplicaWish } from './replica-step.ts';
import type { ScaleTarget } from './scale-target.ts';
import { asleep, leasedFirst, liveliestThenOldestFirst, type WishFacts } from './wishes.ts';

export interface ShareFacts extends Pick<WishFacts, 'replicas' | 'tier' | 'fixed' | 'dependenciesReady' | 'isLeased'> {
  readonly shares: readonly RevisionShare[];
  readonly target: Pick<ScaleTarget, 'awake'>;
  /** Class `data`. */
  readonly isData: boolean;
  /** Replicas to be kept frozen beyond those that are awake, of the revision with the most traffic. */
  readonly spare: number;
  /** A person stopped it: not even what is held is kept up. */
  readonly isStopped: boolean;
}

export interface SharePlan {
  readonly wishes: ReadonlyMap<ReplicaKeeper, ReplicaWish>;
  /** Replicas that are not there, by revision. */
  readonly missing: ReadonlyMap<string, number>;
}

/**
 * Replicas that each share wants while the set is awake, by revision. Those that name no number have what the set is to
 * have between them, by weight; each has one at least, also without weight: a match may lead to it.
 */
export function wantedByShare(
  shares: readonly RevisionShare[],
  { awake }: Pick<ScaleTarget, 'awake'>,
): ReadonlyMap<string, number> {
  const wanted = new Map(shares.map((one) => [one.revision, one.replicas ?? Math.min(1, awake)]));
  const open = shares.filter((one) => one.replicas === null);
  const countOf = ({ revision }: RevisionShare): number => wanted.get(revision) ?? 0;
  // The next one goes where most weight is carried by each replica; what came first wins among equals.
  for (let left = awake - open.length; left > 0 && open.length > 0; left--) {
    const neediest = open.reduce((a, b) => (b.weight / countOf(b) > a.weight / countOf(a) ? b : a));
    wanted.set(neediest.revision, countOf(neediest) + 1);
  }
  return wanted;
}

/** The shares that requests wait for: those with weight, or, before any has one, those that prove themselves. */
export function servingShares(shares: readonly RevisionShare[]): readonly RevisionShare[] {
  const weighted = shares.filter((one) => one.weight > 0);
  return weighted.length > 0 ? weighted : shares.filter((one) => one.held);
}

export function planShares(facts: ShareFacts): SharePlan {
  const { replicas, shares, target, isData } = facts;
  const made = replicas.filter((one) => one.isMade);
  const wishes = new Map<ReplicaKeeper, ReplicaWish>();
  const missing = new Map<string, number>();
  for (const replica of replicas) wishes.set(replica, replica.isMade ? 'removed' : 'leave');
  const wanted = wantedByShare(shares, target);
  const [busiest] = servingShares(shares).toSorted((a, b) => b.weight - a.weight);
  for (const share of shares) {
    const own = made.filter((one) => one.snapshot.revision === share.revision);
    const whole = own.filter((one) => one.snapshot.isIncomplete !== true);
    const ordered = leasedFirst(whole.toSorted(liveliestThenOldestFirst), facts);
    const isOpen = share.replicas === null && !facts.fixed;
    const count = wanted.get(share.revision) ?? 0;
    const atWork = isOpen ? ordered.slice(count).filter((one) => facts.isLeased(one)) : [];
    const kept = [...ordered.slice(0, count), ...atWork];
    for (const replica of kept) wishes.set(replica, wishFor(replica, share, facts));
    // Those at work beyond what is needed are warm as well.
    const spareCount = share === busiest ? Math.max(0, facts.spare - atWork.length) : 0;
    const spares = ordered.filter((one) => !kept.includes(one)).slice(0, spareCount);
    const serves = kept.filter((one) => one.isReady).length >= count;
    for (const replica of own) {
      if (replica.isReady && !whole.includes(replica) && !serves && !isData) wishes.set(replica, 'leave');
    }
    // Neither making nor starting a spare may hold up who is waited for.
    for (const replica of spares) wishes.set(replica, spareWish(replica, serves, wishFor(replica, share, facts)));
    const isUp = tierOf(share, facts) === 'awake' && facts.dependenciesReady;
    const missingSpares = serves ? spareCount - spares.length : 0;
    missing.set(share.revision, isUp ? Math.max(0, count - kept.length) + missingSpares : 0);
  }
  return isData ? oneAtATime({ wishes, missing }, made) : { wishes, missing };
}

function tierOf(share: RevisionShare, { tier, isStopped }: ShareFacts): ShareFacts['tier'] {
  if (isStopped) return 'stopped';
  return share.held ? 'awake' : tier;
}

function wishFor(replica: ReplicaKeeper, share: RevisionShare, facts: ShareFacts): ReplicaWish {
  const tier = tierOf(share, facts);
  if (tier !== 'awake') return asleep(tier);
  return facts.dependenciesReady || !replica.isAsleep ? 'awake' : 'leave';
}

/** A spare comes up once, to be warm, and is frozen then; it sleeps as the set does. */
function spareWish(replica: ReplicaKeeper, serves: boolean, wish: ReplicaWish): ReplicaWish {
  if (wish !== 'awake') return wish;
  // Not by whether it is ready: on its way to be frozen it is not, and would be called back.
  if (replica.isFrozen || replica.answered) return 'frozen';
  return serves || !replica.isAsleep ? 'awake' : 'leave';
}

/** None is started while another one is up, and none is made while another one is there. */
function oneAtATime({ wishes, missing }: SharePlan, made: readonly ReplicaKeeper[]): SharePlan {
  const careful = new Map(wishes);
  let isTaken = made.some((one) => !one.isAsleep);
  for (const replica of made) {
    if (careful.get(replica) !== 'awake' || !replica.isAsleep) continue;
    if (isTaken) careful.set(replica, 'leave');
    isTaken = true;
  }
  const first = [...missing].find(([, count]) => count > 0);
  const one = made.length === 0 && first !== undefined ? new Map([[first[0], 1]]) : new Map<string, number>();
  return { wishes: careful, missing: one };
}
