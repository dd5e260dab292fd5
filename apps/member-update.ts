/**
 * Replaces members inside the replicas of a set, one replica after the other: pause container, address and all other
 * members stay as they are, and the next replica has its turn when this one serves as before.
 */
import type { Revision } from '#core/set-spec';
import type { SetRecord } from './app-record.ts';
import type { ReplicaSight } from './ports.ts';
import type { ReplicaFactory } from './replica-factory.ts';

export interface MemberUpdate {
  readonly factory: ReplicaFactory;
  readonly set: SetRecord;
  readonly revision: Revision;
  readonly members: readonly number[];
  /** All replicas of the set, as they are at the moment. */
  readonly replicas: () => readonly ReplicaSight[];
  /** Resolves when the replica is ready (again). @throws when it will not be */
  readonly ready: (replica: string) => Promise<void>;
  /** Resolves when its new members have run for a moment. @throws when one has ended */
  readonly proved: (replica: string) => Promise<void>;
  /** @throws when it is not wanted any more */
  readonly heed: () => void;
}

/** Resolves when every replica, also one that was made meanwhile, has the members of the revision. */
export async function updateMembers(update: MemberUpdate): Promise<void> {
  const { factory, set, revision, members } = update;
  const done = new Set<string>();
  for (;;) {
    const next = update.replicas().find((one) => one.revision === revision.share && !done.has(one.id));
    if (next === undefined) return;
    update.heed();
    const serves = next.phase === 'ready';
    await factory.replaceMembers(set, revision, members, next.id);
    if (serves) {
      await update.proved(next.id);
      await update.ready(next.id);
    }
    done.add(next.id);
  }
}
