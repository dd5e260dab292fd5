/** What the turn of a set puts in force when its revision has proved itself, and how whoever comes after a kill knows that it did. */
import type { RevisionShare } from '#core/set';
import type { Revision } from '#core/set-spec';
import type { InForce } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import type { SetTurn } from './deployment-record.ts';
import { scaledIn } from './scale-bounds.ts';
import { labelsInForce } from './spec-comparison.ts';

export interface ProvedTurn {
  readonly turn: SetTurn;
  /** Null: it is not kept any more. */
  readonly revision: Revision | null;
  /** The share that replicas of the revision carry. */
  readonly share: string;
  /** Members were put in the place of others; all else is as it was. */
  readonly isUpdate: boolean;
  /** The set is not wished otherwise by a newer deployment. */
  readonly isLast: () => boolean;
}

export function inForceAfter(now: SetRecord, { turn, revision, share, isUpdate, isLast }: ProvedTurn): InForce {
  const shares: RevisionShare[] = [{ revision: share, weight: 100, replicas: null, held: false }];
  const spec = revision?.spec ?? now.spec;
  const labels = labelsInForce(spec, now.spec.labels);
  // What was scaled is given up for other bounds that are in force, and not for those of a wish that may come to nothing.
  const changed = { current: turn.revision, labels, shares, scaled: scaledIn(now, { labels }) };
  if (!isUpdate) return { ...changed, routing: null };
  // Members that were not to be replaced are as they were: nobody finds them wished otherwise by that.
  return isLast() ? { ...changed, spec: { ...spec, labels: now.spec.labels } } : changed;
}

/**
 * It is in force, though nobody could write yet that its turn is done. There is nothing to go back to: the replicas of
 * before may be gone, and whoever wants it ended now comes too late for this set.
 */
export function isInForce({ current }: Pick<SetRecord, 'current'>, { revision, from }: SetTurn): boolean {
  return revision !== null && revision !== from && revision === current;
}
