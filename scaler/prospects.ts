/**
 * Is it worth waiting for a replica of a set, and if not, what does whoever asks hear? Pure functions of what is seen.
 */
import type { RevisionShare } from '#core/set';
import type { Admission } from '#router/admission';
import type { ReplicaKeeper } from './replica-keeper.ts';
import { servingShares, wantedByShare } from './share-wishes.ts';

export type TurnedAway = Extract<Admission, { outcome: 'stopped' }>;

/** A stop by a person may be half of a restart: requests wait that long before they are told that it is stopped. */
export const RESTART_GRACE_MS = 5000;
/** A container that is being removed may have a successor; once it is gone its set lingers for as long again. */
const REMOVAL_GRACE_MS = 10_000;
/** What a client is told to wait for a set that a person stopped. */
const STOPPED_RETRY_S = 30;
const NO_REPLICAS_RETRY_S = 5;

interface ProspectFacts {
  /** Upstreams that take requests now. */
  readonly readyCount: number;
  /** Ms until a failed wake may be tried again; 0: none failed. */
  readonly failedForMs: number;
  readonly min: number;
  /** Monotonic ms. */
  readonly now: number;
  readonly replicas: readonly ReplicaKeeper[];
  /** What those hear who ask for a dependency that serves nobody now. */
  readonly dependencyRefusals: readonly TurnedAway[];
}

/** Why nothing will become ready for whoever asks now; null: it is worth waiting. @param facts `shares` null: by labels */
export function refusalOf(facts: SetProspectFacts): TurnedAway | null {
  const { shares, target } = facts;
  return shares === null ? refusalFor({ ...facts, min: target.min }) : refusalForShares({ ...facts, shares });
}

function refusalFor(facts: ProspectFacts): TurnedAway | null {
  const { replicas } = facts;
  if (facts.readyCount > 0) return null;
  const isFailed = facts.failedForMs > 0 && !replicas.some((one) => one.isComingUp);
  if (isFailed) return noReplicas(Math.ceil(facts.failedForMs / 1000));
  // The last container of a set is gone: a successor may be on its way.
  if (replicas.length === 0) return null;
  if (stoppedByPerson(facts) && replicas.every((one) => one.isAsleep)) {
    return { outcome: 'stopped', code: 'stopped', retryAfterS: STOPPED_RETRY_S };
  }
  if (!replicas.some((one) => isPromising(one, facts))) return noReplicas();
  const [refusal] = facts.dependencyRefusals;
  return refusal === undefined ? null : noReplicas(refusal.retryAfterS);
}

interface ShareProspectFacts extends Omit<ProspectFacts, 'min' | 'now'> {
  readonly shares: readonly RevisionShare[];
  readonly target: { readonly awake: number };
  readonly isStopped: boolean;
  /** Replicas can be made. */
  readonly canMake: boolean;
}

export interface SetProspectFacts extends Omit<ShareProspectFacts, 'shares' | 'target'> {
  readonly shares: readonly RevisionShare[] | null;
  readonly target: { readonly min: number; readonly awake: number };
  /** Monotonic ms. */
  readonly now: number;
}

/** {@link refusalFor} a set that the API deploys: what is missing is made, and nobody but its tenant stops it. */
function refusalForShares(facts: ShareProspectFacts): TurnedAway | null {
  const { replicas, shares, target } = facts;
  if (facts.readyCount > 0) return null;
  if (facts.isStopped) return { outcome: 'stopped', code: 'stopped', retryAfterS: STOPPED_RETRY_S };
  const counts = wantedByShare(shares, target);
  const serving = servingShares(shares).filter((one) => (counts.get(one.revision) ?? 0) > 0);
  const own = replicas.filter(
    (one) => !one.isMade || serving.some((share) => share.revision === one.snapshot.revision),
  );
  // Of one that is to have no replicas for the moment, others are on their way.
  if (serving.length === 0 && own.length === 0) return shares.some((one) => one.weight > 0) ? null : noReplicas();
  const isFailed = facts.failedForMs > 0 && !own.some((one) => one.isComingUp);
  if (isFailed) return noReplicas(Math.ceil(facts.failedForMs / 1000));
  const hopeful = own.filter((one) => !one.isHopeless);
  const wanted = serving.reduce((sum, share) => sum + (counts.get(share.revision) ?? 0), 0);
  const isThere = own.length >= wanted && own.every((one) => one.snapshot.status !== 'dead');
  if (hopeful.length === 0 && (isThere || !facts.canMake)) return noReplicas();
  const [refusal] = facts.dependencyRefusals;
  return refusal === undefined ? null : noReplicas(refusal.retryAfterS);
}

/** What stands against the sets that serve nobody yet. */
export function refusalsOf(
  sets: readonly { readonly servesDependents: boolean; refusal(): TurnedAway | null }[],
): TurnedAway[] {
  return sets.map((one) => (one.servesDependents ? null : one.refusal())).filter((one) => one !== null);
}

/** With min ≥ 1 a stop or pause by a person is respected: every replica its operator made is down by his doing. */
export function stoppedByPerson({ replicas, min, now }: Pick<ProspectFacts, 'replicas' | 'min' | 'now'>): boolean {
  if (min === 0) return false;
  const made = replicas.filter((one) => one.snapshot.cloneOf === null);
  return made.length > 0 && made.every((one) => one.isAsleep && !one.sleptByUs && !isRestarting(one, now));
}

export function noReplicas(retryAfterS = NO_REPLICAS_RETRY_S): TurnedAway {
  return { outcome: 'stopped', code: 'no_replicas', retryAfterS: Math.max(1, retryAfterS) };
}

/** It is up and may become ready, or will be started. */
function isPromising(replica: ReplicaKeeper, { min, now }: ProspectFacts): boolean {
  // Being removed: another in its place may follow, as with a recreated container.
  if (replica.snapshot.status === 'dead') return isRestarting(replica, now);
  if (replica.isInVain) return false;
  if (!replica.isAsleep || min === 0) return true;
  return replica.sleptByUs || replica.snapshot.cloneOf !== null || isRestarting(replica, now);
}

function isRestarting({ downSince, snapshot }: ReplicaKeeper, now: number): boolean {
  const graceMs = snapshot.status === 'dead' ? REMOVAL_GRACE_MS : RESTART_GRACE_MS;
  return downSince !== null && now - downSince < graceMs;
}
