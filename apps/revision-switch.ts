/** Which revisions of a set are in force by a person's choice: one that is taken up again, all anew, or several at a time. */
import type { RevisionRouting, RevisionShare } from '#core/set';
import type { Revision, SetSpec } from '#core/set-spec';
import type { AppLibrary } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import type { Asker } from './asker.ts';
import type { Departures } from './departures.ts';
import { type DeploymentRecord, READY_WITHIN_MS, type Strategy } from './deployment-record.ts';
import type { Deployments } from './deployments.ts';
import type { AppsPorts } from './ports.ts';
import { revisionBefore } from './revision-before.ts';
import type { RevisionMaker } from './revision-maker.ts';
import { labelsInForce } from './spec-comparison.ts';

export interface RevisionSwitchOptions {
  readonly ports: Pick<AppsPorts, 'settled' | 'emit'>;
  readonly library: AppLibrary;
  readonly departures: Departures;
  readonly deployments: Deployments;
  readonly revisions: RevisionMaker;
  readonly declare: (set: SetRecord) => void;
}

export class RevisionSwitch {
  readonly #options: RevisionSwitchOptions;

  constructor(options: RevisionSwitchOptions) {
    this.#options = options;
  }

  /** What the set goes back to when nobody names a revision. Null: there is nothing. */
  before({ tenant, app, name, current }: SetRecord): Revision | null {
    return revisionBefore(this.#options.library.revisions(tenant, app, name), current);
  }

  /** What the set is wished to be with a revision: containers of that one, with routes and policy as they are wished now. */
  specWith({ spec }: Pick<SetRecord, 'spec'>, revision: Pick<Revision, 'spec'>): SetSpec {
    return { ...revision.spec, labels: labelsInForce(revision.spec, spec.labels) };
  }

  /** Takes a revision up again: nothing is pulled. */
  activate(asker: Asker, set: SetRecord, revision: Revision, strategy: Strategy): Promise<DeploymentRecord> {
    const act = () => this.#activate(asker, set, revision, strategy);
    return this.#options.departures.during(set.tenant, set.app, [set.name], act);
  }

  async #activate(asker: Asker, set: SetRecord, revision: Revision, strategy: Strategy): Promise<DeploymentRecord> {
    const { library, revisions, deployments } = this.#options;
    const { tenant, app, name } = set;
    const cause = `back to ${revision.name}`;
    // Replicas that took members over carry the label of the revision before: the two could not be told apart.
    const isShared = library
      .revisions(tenant, app, name)
      .some((one) => one.share === revision.share && one.number !== revision.number);
    const why = { by: asker.by, cause, deployment: null };
    const target = isShared ? await revisions.again(set, () => revision, why) : revision;
    const wished = (): SetRecord => {
      const now = library.set(tenant, app, name) ?? set;
      return { ...now, spec: this.specWith(now, target) };
    };
    const draft = {
      ...{ tenant, app, by: asker.by, cause, strategy, steps: [], members: [] },
      turns: [{ set: name, spec: null, revision: target.number }],
      readyWithinMs: READY_WITHIN_MS,
    };
    return await deployments.create(draft, { write: () => ({ sets: [wished()] }) });
  }

  /** Has all replicas of the sets take turns in being made anew. Null: none of them has a revision. */
  restart(asker: Asker, app: string, sets: readonly SetRecord[]): Promise<DeploymentRecord | null> {
    const names = sets.map((one) => one.name);
    return this.#options.departures.during(asker.tenant, app, names, () => this.#restart(asker, app, sets));
  }

  async #restart(asker: Asker, app: string, sets: readonly SetRecord[]): Promise<DeploymentRecord | null> {
    // Which revision that is shows when its turn has come: others may be on their way.
    const turns = sets
      .filter((one) => one.current !== null)
      .map((one) => ({ set: one.name, spec: null, revision: null }));
    if (turns.length === 0) return null;
    return await this.#options.deployments.create({
      ...{ tenant: asker.tenant, app, by: asker.by, cause: 'a restart', strategy: 'rolling' as const },
      ...{ steps: [], members: [], turns, readyWithinMs: READY_WITHIN_MS },
    });
  }

  /** Splits the traffic of a set for as long as nobody says otherwise. Null: the set has gone. */
  async setTraffic(
    asker: Asker,
    set: SetRecord,
    shares: readonly RevisionShare[],
    routing: RevisionRouting | null,
  ): Promise<SetRecord | null> {
    const { library, declare, ports, departures } = this.#options;
    const kept = await departures.during(set.tenant, set.app, [set.name], () =>
      library.putInForce(set, (now) => ({ shares, routing, current: this.#heaviest(now, shares) })),
    );
    if (kept === null) return null;
    declare(kept);
    await ports.settled();
    const weights = shares.map((one) => `${one.revision}=${one.weight}`).join(', ');
    const cause = `${asker.by} asked for ${weights}`;
    ports.emit({ type: 'set.traffic', tenant: set.tenant, app: set.app, set: set.name, cause });
    return kept;
  }

  /** Which revision counts as the one in force. */
  #heaviest(set: SetRecord, shares: readonly RevisionShare[]): number | null {
    const [first] = shares.toSorted((a, b) => b.weight - a.weight);
    const all = this.#options.library.revisions(set.tenant, set.app, set.name);
    const own = all.filter((one) => one.share === first?.revision);
    return (own.find((one) => one.number === set.current) ?? own.at(-1))?.number ?? set.current;
  }
}
