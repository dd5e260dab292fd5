/**
 * The keeper of apps that are made through the API: what a tenant asks for is kept first and then brought about, by
 * putting sets in force, by deployments, and by taking away what is wanted no more.
 */
import { type SetKey, setKey } from '#core/set';
import type { SetSpec } from '#core/set-spec';
import { AppImages } from './app-images.ts';
import { AppLibrary } from './app-library.ts';
import { type AppChange, type AppRecord, newApp, newSet, type SetRecord, secretContext } from './app-record.ts';
import { AppRemoval } from './app-removal.ts';
import type { Asker } from './asker.ts';
import { Departures } from './departures.ts';
import { CANARY_STEPS, type DeploymentRecord, READY_WITHIN_MS } from './deployment-record.ts';
import { type DeploymentDraft, Deployments } from './deployments.ts';
import { inPlaceOf } from './in-place.ts';
import { Operations } from './operations.ts';
import type { AppsPorts } from './ports.ts';
import { RegistryBook } from './registry-book.ts';
import { ReplicaFactory } from './replica-factory.ts';
import { Rescaling } from './rescaling.ts';
import { Resizing } from './resizing.ts';
import { RevisionMaker } from './revision-maker.ts';
import { RevisionSwitch } from './revision-switch.ts';
import { SetChanges } from './set-changes.ts';
import type { Also, SetOutcome, SetWish, Wished } from './set-wish.ts';
import { compareSpecs } from './spec-comparison.ts';
import { Sweeper } from './sweeper.ts';
import { Turns } from './turns.ts';
import { VolumeHomes } from './volume-homes.ts';
import { VolumeRelease } from './volume-release.ts';

export class Apps {
  readonly library: AppLibrary;
  readonly registries: RegistryBook;
  readonly operations: Operations;
  readonly departures: Departures;
  readonly deployments: Deployments;
  readonly factory: ReplicaFactory;
  readonly removal: AppRemoval;
  readonly revisions: RevisionSwitch;
  readonly volumes: VolumeRelease;
  readonly scale: Rescaling;
  /** By `<tenant>/<app>/<set>`, for who decides on what he has read of a set. */
  readonly turns = new Turns();
  readonly #ports: AppsPorts;
  readonly #changes: SetChanges;
  readonly #sweeper: Sweeper;
  readonly #resizing: Resizing;
  readonly #maker: RevisionMaker;
  readonly #closing = new AbortController();

  private constructor(
    ports: AppsPorts,
    parts: Pick<Apps, 'library' | 'operations' | 'registries'>,
    homes: VolumeHomes,
  ) {
    const { library, operations, registries } = parts;
    const declare = (set: SetRecord): void => this.#declare(set);
    const changes = new SetChanges(ports.clock);
    this.#ports = ports;
    this.library = library;
    this.registries = registries;
    this.operations = operations;
    this.departures = new Departures(operations);
    this.#changes = changes;
    const images = new AppImages({ ports, library, registries });
    const revisions = new RevisionMaker({ ports, library, images });
    this.#maker = revisions;
    this.factory = new ReplicaFactory({ ports, library, images, homes });
    this.volumes = new VolumeRelease({ ports, library, homes, declare });
    this.#resizing = new Resizing({ ports, library, factory: this.factory });
    this.scale = new Rescaling({ ports, library, departures: this.departures, declare });
    this.#sweeper = new Sweeper({ ports, library, homes, release: this.volumes });
    this.deployments = new Deployments({
      ...{ ports, library, operations, changes, revisions },
      ...{ factory: this.factory, declare },
    });
    this.revisions = new RevisionSwitch({
      ...{ ports, library, revisions, declare, deployments: this.deployments, departures: this.departures },
    });
    this.removal = new AppRemoval({
      ...{ ports, library, operations, changes, revisions, declare, departures: this.departures },
      deployments: this.deployments,
      sweeper: this.#sweeper,
      signal: this.#closing.signal,
    });
  }

  /** Reads what is kept and puts it in force. @throws TidegateError of the `store.` family */
  static async open(ports: AppsPorts): Promise<Apps> {
    const { store, clock, newId } = ports;
    const registries = await RegistryBook.open(ports);
    const library = await AppLibrary.open(store);
    const operations = await Operations.open({ store, clock, newId });
    const apps = new Apps(ports, { library, operations, registries }, await VolumeHomes.open(store));
    await apps.deployments.book.load();
    for (const set of library.allSets()) apps.#declare(set);
    return apps;
  }

  /** The hosts were listed: goes on with what was under way, and sweeps from now on. */
  async begin(): Promise<void> {
    void this.#sweeper.sweepOnAndOn(this.#closing.signal);
    this.deployments.begin();
    void this.#resizing.resizeAll();
    await this.removal.begin();
  }

  close(): void {
    this.#closing.abort();
    this.deployments.close();
  }

  /** Something about the replicas of a set may have changed. */
  seen(key: SetKey): void {
    this.#changes.happened(key);
  }

  // ---- apps

  /** Makes an app, or changes what is given of it. */
  async putApp(
    asker: Asker,
    name: string,
    change: AppChange,
    also: Also = [],
  ): Promise<{ readonly app: AppRecord; readonly created: boolean }> {
    const { tenant, by } = asker;
    return await this.departures.during(tenant, name, [], async () => {
      let created = false;
      const made = (known: AppRecord | null): AppRecord => {
        created = known === null;
        const before = known ?? newApp(tenant, name, this.#ports.clock.wall());
        return { ...before, ...(typeof change === 'function' ? change(before) : change) };
      };
      const app = (await this.library.changeApp(tenant, name, made, also)) as AppRecord;
      if (created) this.#emit('app.created', asker, { app: name }, `${by} asked for it`);
      return { app, created };
    });
  }

  /** Keeps all sets of an app down, or lets them come up again. */
  async setStopped(asker: Asker, { tenant, name }: AppRecord, stopped: boolean): Promise<void> {
    await this.departures.during(tenant, name, [], () =>
      this.library.changeApp(tenant, name, (now) => (now === null ? null : { ...now, stopped })),
    );
    for (const set of this.library.sets(tenant, name)) this.#declare(set);
    const type = stopped ? 'app.stopped' : 'app.started';
    this.#emit(type, asker, { app: name }, `${asker.by} asked for it`);
  }

  // ---- sets

  /** Makes a set or changes it: at once where that can be, by a deployment otherwise. */
  async putSet(wish: SetWish, also: Also = []): Promise<SetOutcome> {
    return await this.departures.during(wish.tenant, wish.app, [wish.set], async () => {
      const { set, created, isMoving } = await this.#take(wish, also);
      const deployment = isMoving ? await this.#deploySets(wish, [wish], also) : null;
      return { set: this.#known(set), created, deployment };
    });
  }

  /** Makes or changes several sets of an app; those that have to be deployed are, one after the other in that order. */
  async putSets(wishes: readonly SetWish[], also: Also = []): Promise<DeploymentRecord | null> {
    const [first] = wishes;
    if (first === undefined) return null;
    const names = wishes.map((one) => one.set);
    return await this.departures.during(first.tenant, first.app, names, () => this.#putSets(first, wishes, also));
  }

  async #putSets(first: SetWish, wishes: readonly SetWish[], also: Also): Promise<DeploymentRecord | null> {
    const moving: SetWish[] = [];
    for (const wish of wishes) if ((await this.#take(wish, [])).isMoving) moving.push(wish);
    if (moving.length > 0) return await this.#deploySets(first, moving, also);
    if (also.length > 0) await this.library.changeApp(first.tenant, first.app, (now) => now, also);
    return null;
  }

  /** Whether a spec can be brought about while the containers of the set run on. */
  isInPlace(tenant: string, app: string, set: string, spec: SetSpec): boolean {
    const known = this.library.set(tenant, app, set);
    const current = known?.current == null ? null : this.library.revision(tenant, app, set, known.current);
    if (current === null || known?.shares.length === 0 || this.deployments.book.isMoving(tenant, app, set))
      return false;
    return compareSpecs(current.spec, spec) !== 'containers';
  }

  async deploy(draft: DeploymentDraft): Promise<DeploymentRecord> {
    const names = draft.turns.map((one) => one.set);
    const wishes = draft.turns.flatMap(({ set, spec }) => (spec === null ? [] : [{ set, spec }]));
    return await this.departures.during(draft.tenant, draft.app, names, () => this.#create(draft, wishes, false));
  }

  // ---- secrets

  async putSecret(asker: Asker, app: string, name: string, value: string, also: Also = []): Promise<void> {
    const { tenant } = asker;
    const sealed = this.#ports.seal(value, secretContext(tenant, app, name));
    const secret = { tenant, app, name, sealed, updatedAt: this.#ports.clock.wall() };
    await this.departures.during(tenant, app, [], () => this.library.putSecret(secret, also));
  }

  /** Keeps what is wished of a set if it can be brought about without new containers, and does so. */
  async #take(wish: SetWish, also: Also): Promise<Omit<SetOutcome, 'deployment'> & { readonly isMoving: boolean }> {
    const { tenant, app, set: name } = wish;
    const keep = (changes: Also): Promise<void> => this.#ports.store.changeDocuments([...changes, ...also]);
    const wall = (): number => this.#ports.clock.wall();
    const done = await this.library.write(
      tenant,
      app,
      () => inPlaceOf(this.library, this.deployments.book, wish, wall),
      keep,
    );
    if (done === null) {
      const known = this.library.set(tenant, app, name);
      const set = known ?? newSet({ ...wish, name }, this.#ports.clock.wall());
      return { set, created: known === null, isMoving: true };
    }
    const [set] = done.sets;
    this.#declare(set);
    if (done.revision !== undefined) {
      if (done.change === 'limits') await this.#resizing.resize(tenant, app, name, done.revision.revision);
      await this.#maker.prune(set);
    }
    const type = done.change === 'limits' ? 'set.resized' : 'set.changed';
    if (done.change !== 'same') this.#emit(type, wish, { app, set: name }, `${wish.by} asked for it`);
    return { set: this.#known(set), created: false, isMoving: false };
  }

  /** Sets and the deployment that brings them about are kept in one step: none is ever wished for and forgotten. */
  async #deploySets(
    { tenant, app, by, cause, strategy, readyWithinMs = READY_WITHIN_MS }: Omit<SetWish, 'set' | 'spec'>,
    wishes: readonly Wished[],
    also: Also = [],
  ): Promise<DeploymentRecord> {
    const draft = {
      ...{ tenant, app, by, cause, strategy, members: [] },
      steps: strategy === 'canary' ? CANARY_STEPS : [],
      turns: wishes.map(({ set, spec }) => ({ set, spec, revision: null })),
      readyWithinMs,
    };
    return await this.#create(draft, wishes, true, also);
  }

  /** With its app, and with sets that are not there yet if they are to be made. */
  async #create(draft: DeploymentDraft, wishes: readonly Wished[], makes: boolean, also: Also = []) {
    const { tenant, app, by } = draft;
    let isNewApp = false;
    const write = () => {
      isNewApp = this.library.app(tenant, app) === null;
      const sets = wishes.flatMap(({ set: name, spec }): SetRecord[] => {
        const known = this.library.set(tenant, app, name);
        if (known === null) return makes ? [newSet({ tenant, app, name, spec }, this.#ports.clock.wall())] : [];
        // Of one that has never been in force there is nothing that its new labels could harm.
        const labels = known.current === null ? spec.labels : known.labels;
        return [{ ...known, spec, labels }];
      });
      return { app: isNewApp ? newApp(tenant, app, this.#ports.clock.wall()) : null, sets };
    };
    const record = await this.deployments.create(draft, { write, also });
    if (isNewApp) this.#emit('app.created', { tenant, by }, { app }, `${by} asked for it`);
    for (const { set } of wishes) {
      const now = this.library.set(tenant, app, set);
      if (now !== null && now.current === null) this.#declare(now);
    }
    return record;
  }

  /** As it is kept now: what was kept last goes before what somebody still holds in his hands. */
  #declare(set: SetRecord): void {
    const known = this.#known(set);
    const { tenant, app, name, labels, shares, routing } = known;
    const stopped = this.library.app(tenant, app)?.stopped ?? false;
    const leftHosts = this.volumes.leftHostsOf(known);
    const key = setKey(tenant, app, name);
    this.#ports.declare({ key, tenant, app, set: name, labels, shares, routing, stopped, leftHosts });
  }

  #known(set: SetRecord): SetRecord {
    return this.library.set(set.tenant, set.app, set.name) ?? set;
  }

  #emit(
    type: 'app.created' | 'app.started' | 'app.stopped' | 'set.changed' | 'set.resized',
    { tenant }: Asker,
    of: { readonly app: string; readonly set?: string },
    cause: string,
  ): void {
    this.#ports.emit({ type, tenant, ...of, cause });
  }
}
