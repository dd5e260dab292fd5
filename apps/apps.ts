/**
 * The keeper of apps that are made through the API: what a tenant asks for is kept first and then brought about, by
 * putting sets in force, by deployments, and by taking away what is wanted no more.
 */
import { type SetKey, setKey } from '#core/set';
import type { Revision, SetSpec } from '#core/set-spec';
import { AppImages } from './app-images.ts';
import { AppLibrary } from './app-library.ts';
import { type AppChange, type AppRecord, appId, newApp, newSet, type SetRecord, secretContext } from './app-record.ts';
import { AppRemoval } from './app-removal.ts';
import type { Asker } from './asker.ts';
import { Departures } from './departures.ts';
import { CANARY_STEPS, type DeploymentRecord, READY_WITHIN_MS } from './deployment-record.ts';
import { type DeploymentDraft, Deployments } from './deployments.ts';
import { Operations } from './operations.ts';
import type { AppsPorts } from './ports.ts';
import { RegistryBook } from './registry-book.ts';
import { ReplicaFactory } from './replica-factory.ts';
import { Resizing } from './resizing.ts';
import { RevisionMaker } from './revision-maker.ts';
import { RevisionSwitch } from './revision-switch.ts';
import { SetChanges } from './set-changes.ts';
import type { Also, SetOutcome, SetWish } from './set-wish.ts';
import { compareSpecs, labelsInForce, type SpecChange } from './spec-comparison.ts';
import { Sweeper } from './sweeper.ts';
import { Turns } from './turns.ts';

export class Apps {
  readonly library: AppLibrary;
  readonly registries: RegistryBook;
  readonly operations: Operations;
  readonly departures: Departures;
  readonly deployments: Deployments;
  readonly factory: ReplicaFactory;
  readonly removal: AppRemoval;
  readonly revisions: RevisionSwitch;
  /** By `<tenant>/<app>/<set>`, for who reads a set and writes it. Turns of apps are taken inside of them, never around. */
  readonly turns = new Turns();
  readonly #ports: AppsPorts;
  readonly #changes: SetChanges;
  readonly #sweeper: Sweeper;
  readonly #resizing: Resizing;
  readonly #maker: RevisionMaker;
  readonly #closing = new AbortController();

  private constructor(ports: AppsPorts, parts: Pick<Apps, 'library' | 'operations' | 'registries'>) {
    const { library, operations, registries } = parts;
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
    this.factory = new ReplicaFactory({ ports, library, images });
    this.#resizing = new Resizing({ ports, library, factory: this.factory });
    this.#sweeper = new Sweeper({ ports, library });
    this.deployments = new Deployments({
      ...{ ports, library, operations, changes, revisions },
      factory: this.factory,
      declare: (set) => this.#declare(set),
    });
    this.revisions = new RevisionSwitch({
      ...{ ports, library, revisions, deployments: this.deployments, departures: this.departures },
      declare: (set) => this.#declare(set),
    });
    this.removal = new AppRemoval({
      ...{ ports, library, operations, changes, revisions, departures: this.departures },
      deployments: this.deployments,
      sweeper: this.#sweeper,
      declare: (set) => this.#declare(set),
      signal: this.#closing.signal,
    });
  }

  /** Reads what is kept and puts it in force. @throws TidegateError of the `store.` family */
  static async open(ports: AppsPorts): Promise<Apps> {
    const { store, clock, newId } = ports;
    const registries = await RegistryBook.open(ports);
    const library = await AppLibrary.open(store);
    const operations = await Operations.open({ store, clock, newId });
    const apps = new Apps(ports, { library, operations, registries });
    await apps.deployments.load();
    for (const set of library.allSets()) apps.#declare(set);
    return apps;
  }

  /** The hosts were listed: goes on with what was under way, and sweeps from now on. */
  async begin(): Promise<void> {
    await this.#sweeper.sweepHalfMade();
    this.deployments.begin();
    void this.#resizing.resizeAll();
    await this.removal.begin();
    void this.#sweeper.sweepOnAndOn(this.#closing.signal);
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
    return await this.#changeApp(asker.tenant, name, async () => {
      const known = this.library.app(asker.tenant, name);
      const before = known ?? newApp(asker.tenant, name, this.#ports.clock.wall());
      const app = { ...before, ...(typeof change === 'function' ? change(before) : change) };
      await this.library.putApp(app, also);
      if (known === null) this.#emit('app.created', asker, { app: name }, `${asker.by} asked for it`);
      return { app, created: known === null };
    });
  }

  /** Keeps all sets of an app down, or lets them come up again. */
  async setStopped(asker: Asker, app: AppRecord, stopped: boolean): Promise<void> {
    await this.#changeApp(app.tenant, app.name, async () => {
      const known = this.library.app(app.tenant, app.name);
      if (known !== null) await this.library.putApp({ ...known, stopped });
    });
    for (const set of this.library.sets(app.tenant, app.name)) this.#declare(set);
    const type = stopped ? 'app.stopped' : 'app.started';
    this.#emit(type, asker, { app: app.name }, `${asker.by} asked for it`);
  }

  /** Changes of an app's record read it and write it one after the other. */
  #changeApp<T>(tenant: string, app: string, change: () => Promise<T>): Promise<T> {
    return this.turns.take(appId(tenant, app), () => this.departures.during(tenant, app, [], change));
  }

  // ---- sets

  /** Makes a set or changes it: at once where that can be, by a deployment otherwise. */
  async putSet(wish: SetWish, also: Also = []): Promise<SetOutcome> {
    return await this.departures.during(wish.tenant, wish.app, [wish.set], async () => {
      const { set, created, isMoving } = await this.#take(wish, also);
      return { set, created, deployment: isMoving ? await this.#deploySets(wish, [set], also) : null };
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
    const moving: SetRecord[] = [];
    for (const wish of wishes) {
      const { set, isMoving } = await this.#take(wish, []);
      if (isMoving) moving.push(set);
    }
    const known = this.library.app(first.tenant, first.app);
    if (moving.length === 0) {
      if (known !== null && also.length > 0) await this.library.putApp(known, also);
      return null;
    }
    return await this.#deploySets(first, moving, also);
  }

  /** Whether a spec can be brought about while the containers of the set run on. */
  isInPlace(tenant: string, app: string, set: string, spec: SetSpec): boolean {
    const known = this.library.set(tenant, app, set);
    const current = known?.current == null ? null : this.library.revision(tenant, app, set, known.current);
    if (current === null || known?.shares.length === 0 || this.deployments.isMoving(tenant, app, set)) return false;
    return compareSpecs(current.spec, spec) !== 'containers';
  }

  async deploy(draft: DeploymentDraft): Promise<DeploymentRecord> {
    const sets = draft.turns.flatMap(({ set, spec }) => {
      const known = this.library.set(draft.tenant, draft.app, set);
      return known === null || spec === null ? [] : [{ ...known, spec }];
    });
    const names = draft.turns.map((one) => one.set);
    return await this.departures.during(draft.tenant, draft.app, names, () => this.#create(draft, sets));
  }

  // ---- secrets

  async putSecret(asker: Asker, app: string, name: string, value: string, also: Also = []): Promise<void> {
    const { tenant } = asker;
    const sealed = this.#ports.seal(value, secretContext(tenant, app, name));
    const secret = { tenant, app, name, sealed, updatedAt: this.#ports.clock.wall() };
    await this.departures.during(tenant, app, [], () => this.library.putSecret(secret, also));
  }

  /** Keeps what is wished of a set, and brings about what can be without new containers. */
  async #take(wish: SetWish, also: Also): Promise<Omit<SetOutcome, 'deployment'> & { readonly isMoving: boolean }> {
    const { tenant, app, set: name, spec } = wish;
    const known = this.library.set(tenant, app, name);
    const current = known?.current == null ? null : this.library.revision(tenant, app, name, known.current);
    // What is on its way counts: a wish that goes back on it has to be deployed, too.
    const onItsWay = this.deployments.wishedOf(tenant, app, name);
    // One without shares serves nobody, whatever its spec is.
    const isServing = current !== null && known !== null && known.shares.length > 0;
    const change = !isServing ? 'containers' : compareSpecs(onItsWay ?? current.spec, spec);
    const set: SetRecord = { ...(known ?? newSet({ ...wish, name }, this.#ports.clock.wall())), spec };
    const isInPlace = change === 'same' || change === 'policy' || (change === 'limits' && onItsWay === null);
    if (known !== null && current !== null && isInPlace) {
      await this.library.putSet({ ...set, labels: labelsInForce(current.spec, spec.labels) }, also);
      await this.#changeInPlace(wish, current, change);
      return { set: this.#known(set), created: false, isMoving: false };
    }
    // Of one that has never been in force there is nothing that its new labels could harm.
    const labels = current === null ? spec.labels : set.labels;
    return { set: { ...set, labels }, created: known === null, isMoving: true };
  }

  /** Sets and the deployment that brings them about are kept in one step: none is ever wished for and forgotten. */
  async #deploySets(
    { tenant, app, by, cause, strategy }: Omit<SetWish, 'set' | 'spec'>,
    sets: readonly SetRecord[],
    also: Also = [],
  ): Promise<DeploymentRecord> {
    const draft = {
      ...{ tenant, app, by, cause, strategy, members: [] },
      steps: strategy === 'canary' ? CANARY_STEPS : [],
      turns: sets.map(({ name, spec }) => ({ set: name, spec, revision: null })),
      readyWithinMs: READY_WITHIN_MS,
    };
    return await this.#create(draft, sets, also);
  }

  /** With its app, if that is not there yet. */
  #create(draft: DeploymentDraft, sets: readonly SetRecord[], also: Also = []): Promise<DeploymentRecord> {
    const { tenant, app, by } = draft;
    const made = this.library.app(tenant, app) === null ? newApp(tenant, app, this.#ports.clock.wall()) : null;
    const ofApp = made === null ? [] : [this.library.changeOfApp(made)];
    return this.deployments.create(draft, {
      changes: [...ofApp, ...sets.map((set) => this.library.changeOf(set)), ...also],
      onKept: () => {
        if (made !== null) {
          this.library.tookApp(made);
          this.#emit('app.created', { tenant, by }, { app }, `${by} asked for it`);
        }
        for (const set of sets) {
          this.library.tookSet(set);
          if (set.current === null) this.#declare(set);
        }
      },
    });
  }

  /** Limits and policy change while everything runs on. */
  async #changeInPlace(wish: SetWish, current: Revision, change: SpecChange): Promise<void> {
    const { tenant, app, set: name, spec, by } = wish;
    const set = this.library.set(tenant, app, name);
    if (set === null) return;
    if (change === 'limits') {
      const number = set.lastRevision + 1;
      const { wall } = this.#ports.clock;
      const next = { ...current, spec, number, name: `r${number}`, createdAt: wall(), by, cause: wish.cause };
      // In force first: replicas that are made from now on have the new limits, and a kill leaves nothing halfway.
      await this.library.addRevision(set, next, number);
      this.#declare(this.#known(set));
      await this.#resizing.resize(tenant, app, name, next);
      await this.#maker.prune(set);
    } else this.#declare(set);
    if (change === 'same') return;
    const type = change === 'limits' ? 'set.resized' : 'set.changed';
    this.#emit(type, wish, { app, set: name }, `${by} asked for it`);
  }

  #declare(set: SetRecord): void {
    const { tenant, app, name, labels, shares, routing } = set;
    const stopped = this.library.app(tenant, app)?.stopped ?? false;
    this.#ports.declare({ key: setKey(tenant, app, name), tenant, app, set: name, labels, shares, routing, stopped });
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
