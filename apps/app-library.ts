/**
 * Everything that is kept of apps, sets, revisions and secrets: in memory for reading, in the store before anybody is
 * told that it is so. The tenant is part of every question.
 *
 * Writes about one app are made one after the other, and each is made of what the ones before it left: nobody writes
 * back what he read before another wrote.
 */
import { TidegateError } from '#core/errors';
import type { RevisionRouting, RevisionShare } from '#core/set';
import type { Revision } from '#core/set-spec';
import type { DocumentChange, Store } from '#store/store';
import {
  APP_KIND,
  type AppRecord,
  appId,
  REVISION_KIND,
  SET_KIND,
  type SecretRecord,
  type SetRecord,
  setId,
} from './app-record.ts';
import { RevisionShelf } from './revision-shelf.ts';
import { type KnownSecret, type SecretChange, SecretLibrary } from './secret-library.ts';
import { Turns } from './turns.ts';

export type LibraryStore = Pick<Store, 'document' | 'documents' | 'changeDocuments'>;

/** What a set is put in force with. */
export interface InForce {
  readonly current?: number | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly shares?: readonly RevisionShare[];
  readonly routing?: RevisionRouting | null;
  /** As it is wished from now on. */
  readonly spec?: SetRecord['spec'];
  readonly scaled?: SetRecord['scaled'];
}

/** A revision proved itself: the one that is in force from now on. */
export interface Proof {
  readonly number: number;
  /** Ms since the epoch. */
  readonly provedAt: number;
}

export type SetPlace = Pick<SetRecord, 'tenant' | 'app' | 'name'>;

/** What one write is to leave behind. */
export interface LibraryWrite {
  readonly app?: AppRecord | null;
  readonly sets?: readonly SetRecord[];
  readonly revision?: { readonly of: SetPlace; readonly revision: Revision };
}

/** Writes all changes in one step, or none of them. */
export type Keep = (changes: readonly DocumentChange[]) => Promise<void>;

export class AppLibrary {
  readonly #store: LibraryStore;
  readonly #apps = new Map<string, AppRecord>();
  readonly #sets = new Map<string, SetRecord>();
  readonly #revisions = new RevisionShelf();
  readonly #secrets: SecretLibrary;
  readonly #turns = new Turns();

  private constructor(store: LibraryStore, secrets: SecretLibrary) {
    this.#store = store;
    this.#secrets = secrets;
  }

  /** @throws TidegateError of the `store.` family */
  static async open(store: LibraryStore): Promise<AppLibrary> {
    const library = new AppLibrary(store, await SecretLibrary.open(store));
    for (const { id, body } of await store.documents(APP_KIND)) library.#apps.set(id, body as AppRecord);
    for (const { id, body } of await store.documents(SET_KIND)) library.#sets.set(id, body as SetRecord);
    for (const { id, body } of await store.documents(REVISION_KIND)) {
      library.#revisions.put(id.slice(0, id.lastIndexOf('/')), body as Revision);
    }
    return library;
  }

  // ---- reading

  app(tenant: string, app: string): AppRecord | null {
    return this.#apps.get(appId(tenant, app)) ?? null;
  }

  apps(): IterableIterator<AppRecord> {
    return this.#apps.values();
  }

  set(tenant: string, app: string, set: string): SetRecord | null {
    return this.#sets.get(setId(tenant, app, set)) ?? null;
  }

  /** All sets of all tenants. */
  allSets(): IterableIterator<SetRecord> {
    return this.#sets.values();
  }

  /** Sets of one app, by name. */
  sets(tenant: string, app: string): readonly SetRecord[] {
    const found = [...this.#sets.values()].filter((one) => one.tenant === tenant && one.app === app);
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Oldest first. */
  revisions(tenant: string, app: string, set: string): readonly Revision[] {
    return this.#revisions.of(setId(tenant, app, set));
  }

  revision(tenant: string, app: string, set: string, number: number): Revision | null {
    return this.revisions(tenant, app, set).find((one) => one.number === number) ?? null;
  }

  /** Base 64 of a sealed value, as it rests now. Null: there is none. @param version left out: the one in force */
  secret(tenant: string, app: string, name: string, version?: number): Promise<string | null> {
    return this.#secrets.sealed(tenant, app, name, version);
  }

  /** By name. */
  secrets(tenant: string, app: string): readonly KnownSecret[] {
    return this.#secrets.of(tenant, app);
  }

  // ---- writing: resolves when it is kept. @throws TidegateError of the `store.` family, and nothing has changed

  /**
   * One write about an app. No other of the same app is made from within `make` or `keep`.
   * @param make asked when its turn has come; null: there is nothing to write
   * @param keep writes the changes, with more of its own if there is more; left out: they alone are written
   */
  write<W extends LibraryWrite>(
    tenant: string,
    app: string,
    make: () => W | null,
    keep: Keep = (changes) => this.#store.changeDocuments(changes),
  ): Promise<W | null> {
    return this.#turns.take(appId(tenant, app), async () => {
      const write = make();
      if (write === null) return null;
      const { app: record = null, sets = [], revision } = write;
      await keep([
        ...(record === null ? [] : [{ kind: APP_KIND, id: appId(tenant, app), body: record }]),
        ...sets.map((one) => ({ kind: SET_KIND, id: setId(one.tenant, one.app, one.name), body: one })),
        ...(revision === undefined ? [] : [this.#revisions.change(revision.of, revision.revision)]),
      ]);
      if (record !== null) this.#apps.set(appId(tenant, app), record);
      for (const one of sets) this.#sets.set(setId(one.tenant, one.app, one.name), one);
      if (revision !== undefined) {
        this.#revisions.put(setId(tenant, app, revision.of.name), revision.revision);
      }
      return write;
    });
  }

  /** Writes what a function makes of an app. @param also kept in the same step */
  async changeApp(
    tenant: string,
    app: string,
    change: (now: AppRecord | null) => AppRecord | null,
    also: readonly DocumentChange[] = [],
  ): Promise<AppRecord | null> {
    const make = () => {
      const next = change(this.app(tenant, app));
      return next === null ? null : { app: next };
    };
    const done = await this.write(tenant, app, make, (changes) => this.#store.changeDocuments([...changes, ...also]));
    return done?.app ?? null;
  }

  /**
   * Changes what is in force of a set, and nothing else of it. Null: it is gone.
   * @param change asked when its turn has come
   */
  async putInForce(
    { tenant, app, name }: SetPlace,
    change: InForce | ((now: SetRecord) => InForce | null),
    proof: Proof | null = null,
  ): Promise<SetRecord | null> {
    const done = await this.write(tenant, app, () => {
      const known = this.set(tenant, app, name);
      const changed = known === null || typeof change !== 'function' ? change : change(known);
      if (known === null || changed === null || typeof changed === 'function') return null;
      const set: SetRecord = { ...known, ...changed };
      const found = proof === null ? null : this.revision(tenant, app, name, proof.number);
      if (proof === null || found === null) return { sets: [set], set };
      const revision = { of: set, revision: { ...found, provedAt: proof.provedAt } };
      return { sets: [set], set, revision };
    });
    return done?.set ?? null;
  }

  /**
   * Adds the next revision of a set; the set's own record learns its number in the same step.
   * @param make asked when its turn has come, with the number it is to have
   * @throws TidegateError `apps.gone`
   */
  async addRevision(
    { tenant, app, name }: SetPlace,
    make: (now: SetRecord, number: number) => Revision,
  ): Promise<Revision> {
    const done = await this.write(tenant, app, () => {
      const known = this.set(tenant, app, name);
      if (known === null) return null;
      const number = known.lastRevision + 1;
      const revision = { of: known, revision: make(known, number) };
      return { sets: [{ ...known, lastRevision: number }], revision };
    });
    if (done === null) throw new TidegateError('apps.gone', `the set ${app}/${name} is not there any more`);
    return done.revision.revision;
  }

  /** Drops the oldest revisions beyond those that are kept, and values of secrets that only they had. Returns them. */
  prune(tenant: string, app: string, set: string): Promise<readonly Revision[]> {
    return this.#turns.take(appId(tenant, app), async () => {
      const now = this.set(tenant, app, set);
      const old = now === null ? [] : this.#revisions.old(now);
      if (old.length === 0) return [];
      const left = (name: string, version: number): boolean =>
        this.#revisions.hasSecret({ tenant, app }, { name, version }, old);
      const values = this.#secrets.dropUnused(tenant, app, left);
      await this.#store.changeDocuments([...this.#revisions.drops({ tenant, app, name: set }, old), ...values.changes]);
      this.#revisions.forget(setId(tenant, app, set), old);
      values.took();
      return old;
    });
  }

  putSecret(secret: Omit<SecretRecord, 'version'>, also: readonly DocumentChange[] = []): Promise<void> {
    const { tenant, app } = secret;
    return this.#turns.take(appId(tenant, app), async () => {
      await this.#keepSecret(await this.#secrets.put(secret, this.#usesSecret(tenant, app)), also);
    });
  }

  /** False: there is none. */
  dropSecret(tenant: string, app: string, name: string): Promise<boolean> {
    return this.#turns.take(appId(tenant, app), async () => {
      const change = await this.#secrets.drop(tenant, app, name, this.#usesSecret(tenant, app));
      if (change !== null) await this.#keepSecret(change, []);
      return change !== null;
    });
  }

  dropSet(tenant: string, app: string, set: string, also: readonly DocumentChange[] = []): Promise<void> {
    return this.#turns.take(appId(tenant, app), async () => {
      const id = setId(tenant, app, set);
      const all = this.#revisions.of(id);
      const left = (name: string, version: number): boolean =>
        this.#revisions.hasSecret({ tenant, app }, { name, version }, all);
      const values = this.#secrets.dropUnused(tenant, app, left);
      await this.#store.changeDocuments([...this.#dropsOfSet({ tenant, app, name: set }), ...values.changes, ...also]);
      this.#sets.delete(id);
      this.#revisions.forget(id);
      values.took();
    });
  }

  /** With all its sets and secrets. Returns the sets. */
  dropApp(tenant: string, app: string, also: readonly DocumentChange[] = []): Promise<readonly SetRecord[]> {
    return this.#turns.take(appId(tenant, app), async () => {
      const sets = this.sets(tenant, app);
      const secrets = this.#secrets.dropAll(tenant, app);
      const drop = { kind: APP_KIND, id: appId(tenant, app), drop: true } as const;
      await this.#store.changeDocuments([
        ...[drop, ...sets.flatMap((one) => this.#dropsOfSet(one)), ...secrets.changes, ...also],
      ]);
      this.#apps.delete(appId(tenant, app));
      for (const { name } of sets) {
        this.#sets.delete(setId(tenant, app, name));
        this.#revisions.forget(setId(tenant, app, name));
      }
      secrets.took();
      return sets;
    });
  }

  async #keepSecret({ changes, took }: SecretChange, also: readonly DocumentChange[]): Promise<void> {
    await this.#store.changeDocuments([...changes, ...also]);
    took();
  }

  #usesSecret(tenant: string, app: string) {
    return (name: string, version: number): boolean => this.#revisions.hasSecret({ tenant, app }, { name, version });
  }

  #dropsOfSet(place: SetPlace): readonly DocumentChange[] {
    const id = setId(place.tenant, place.app, place.name);
    return [{ kind: SET_KIND, id, drop: true }, ...this.#revisions.drops(place, this.#revisions.of(id))];
  }
}
