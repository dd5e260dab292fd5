/** The turn of a set of which only some members are replaced: through all its replicas, and back again if that went wrong. */
import type { AppLibrary } from './app-library.ts';
import type { DeploymentProgress } from './deployment-progress.ts';
import { Halt } from './halt.ts';
import { updateMembers } from './member-update.ts';
import type { ReplicaFactory } from './replica-factory.ts';
import type { RevisionWatch } from './revision-watch.ts';

export interface MemberTurnOptions {
  readonly factory: ReplicaFactory;
  readonly library: AppLibrary;
  readonly progress: DeploymentProgress;
  /** Which turn of the deployment. */
  readonly i: number;
  readonly watch: RevisionWatch;
}

export class MemberTurn {
  readonly #options: MemberTurnOptions;

  constructor(options: MemberTurnOptions) {
    this.#options = options;
  }

  /** Resolves when all replicas have the members of the revision. @throws Halt when one is no good */
  async update(): Promise<void> {
    const { factory, library, progress, i, watch } = this.#options;
    const { tenant, app, members } = progress.record;
    const turn = progress.turn(i);
    const set = library.set(tenant, app, turn.set);
    const revision = turn.revision === null ? null : library.revision(tenant, app, turn.set, turn.revision);
    if (set === null || revision === null) throw new Halt('failed', 'set.gone', 'the set is not there any more');
    await progress.enter('shifting');
    const names = revision.spec.containers.filter((one) => members.includes(one.index)).map((one) => one.name);
    await updateMembers({
      ...{ factory, set, revision, members },
      replicas: () => watch.sight?.replicas ?? [],
      ready: (id) => watch.readyAgain(id),
      proved: (id) => watch.proved(id, names),
      heed: () => progress.heed(),
    });
  }

  /** The members of before take their places again. */
  async putBack(): Promise<void> {
    const { factory, library, progress, i, watch } = this.#options;
    const { tenant, app, members } = progress.record;
    const { set: name, from, revision } = progress.turn(i);
    const set = library.set(tenant, app, name);
    const before = from === null ? null : library.revision(tenant, app, name, from);
    if (set === null || before === null || revision === null) return;
    for (const replica of watch.sight?.replicas ?? []) {
      if (replica.revision === before.share) await factory.replaceMembers(set, before, members, replica.id);
    }
  }
}
