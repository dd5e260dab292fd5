/**
 * Everything that is kept of apps, sets, revisions and secrets: in memory for reading, in the store before anybody is
 * told that it is so. The tenant is part of every question.
 */
import type { RevisionRouting, RevisionShare } from '#core/set';
import type { Revision } from '#core/set-spec';
import type { DocumentChange, Store } from '#store/store';
import {
  APP_KIND,
  type AppRecord,
  appId,
  REVISION_KIND,
  revisionId,
  SECRET_KIND,
  SET_KIND,
  type SecretRecord,
  type SetRecord,
  secretId,
  setId,
} from './app-record.ts';

/** Revisions that can be gone back to, with the one in force. */
export const REVISIONS_KEPT = 10;

export type LibraryStore = Pick<Store, 'document' | 'documents' | 'changeDocuments'>;

/** What a set is put in force with. */
export interface InForce {
  readonly current?: number | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly shares: readonly RevisionShare[];
  readonly routing: RevisionRouting | null;
}

/** A revision proved itself: the one that is in force from now on. */
export interface Proof {
  readonly number: number;
  /** Ms since the epoch. */
  readonly provedAt: number;
}

export class AppLibrary {
  readonly #store: LibraryStore;
  readonly #apps = new Map<string, AppRecord>();
  readonly #sets = new Map<string, SetRecord>();
  /** By set, oldest first. */
  readonly #revisions = new Map<string, Revision[]>();
  readonly #secrets = new Map<string, SecretRecord>();

  private constructor(store: LibraryStore) {
    this.#store = store;
  }

  /** @throws TidegateError of the `store.` family */
  static async open(store: LibraryStore): Promise<AppLibrary> {
    const library = new AppLibrary(store);
    for (const { id, body } of await store.documents(APP_KIND)) library.#apps.set(id, body as AppRecord);
    for (const { id, body } of await store.documents(SET_KIND)) library.#sets.set(id, body as SetRecord);
    for (const { id, body } of await store.documents(SECRET_KIND)) library.#secrets.set(id, body as SecretRecord);
    for (const { id, body } of await store.documents(REVISION_KIND)) {
      library.#addRevision(id.slice(0, id.lastIndexOf('/')), body as Revision);
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
    return this.#revisions.get(setId(tenant, app, set)) ?? [];
  }

  revision(tenant: string, app: string, set: string, number: number): Revision | null {
    return this.revisions(tenant, app, set).find((one) => one.number === number) ?? null;
  }

  /** As it rests now: a change of the encryption key may have sealed it anew. Null: there is none. */
  async secret(tenant: string, app: string, name: string): Promise<SecretRecord | null> {
    const found = await this.#store.document(SECRET_KIND, secretId(tenant, app, name));
    return found === null ? null : (found.body as SecretRecord);
  }

  /** By name. */
  secrets(tenant: string, app: string): readonly Omit<SecretRecord, 'sealed'>[] {
    const found = [...this.#secrets.values()].filter((one) => one.tenant === tenant && one.app === app);
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  // ---- writing: resolves when it is kept. @throws TidegateError of the `store.` family, and nothing has changed

  async putApp(app: AppRecord, also: readonly DocumentChange[] = []): Promise<void> {
    await this.#store.changeDocuments([this.changeOfApp(app), ...also]);
    this.tookApp(app);
  }

  /** For whoever keeps an app together with something else and says {@link tookApp} then. */
  changeOfApp(app: AppRecord): DocumentChange {
    return { kind: APP_KIND, id: appId(app.tenant, app.name), body: app };
  }

  /** It is kept. */
  tookApp(app: AppRecord): void {
    this.#apps.set(appId(app.tenant, app.name), app);
  }

  async putSet(set: SetRecord, also: readonly DocumentChange[] = []): Promise<void> {
    await this.#store.changeDocuments([this.changeOf(set), ...also]);
    this.tookSet(set);
  }

  /** For whoever keeps a set together with something else and says {@link tookSet} then. */
  changeOf(set: SetRecord): DocumentChange {
    return { kind: SET_KIND, id: setId(set.tenant, set.app, set.name), body: set };
  }

  /** It is kept. */
  tookSet(set: SetRecord): void {
    this.#sets.set(setId(set.tenant, set.app, set.name), set);
  }

  /** Changes what is in force of a set, and nothing else of it. Null: it is gone. */
  async putInForce(
    of: Pick<SetRecord, 'tenant' | 'app' | 'name'>,
    change: InForce,
    proof: Proof | null = null,
  ): Promise<SetRecord | null> {
    const { tenant, app, name } = of;
    const known = this.set(tenant, app, name);
    if (known === null) return null;
    const next = { ...known, ...change };
    const found = proof === null ? null : this.revision(tenant, app, name, proof.number);
    if (proof === null || found === null) {
      await this.putSet(next);
      return next;
    }
    const proved = { ...found, provedAt: proof.provedAt };
    await this.putSet(next, [{ kind: REVISION_KIND, id: revisionId(tenant, app, name, proof.number), body: proved }]);
    this.#addRevision(setId(tenant, app, name), proved);
    return next;
  }

  /** Adds a revision; the set's own record learns its number in the same step, and that it is in force if it is. */
  async addRevision(set: SetRecord, revision: Revision, current = set.current): Promise<void> {
    const id = setId(set.tenant, set.app, set.name);
    const next = { ...set, current, lastRevision: Math.max(set.lastRevision, revision.number) };
    await this.#store.changeDocuments([
      { kind: SET_KIND, id, body: next },
      { kind: REVISION_KIND, id: revisionId(set.tenant, set.app, set.name, revision.number), body: revision },
    ]);
    this.#sets.set(id, next);
    this.#addRevision(id, revision);
  }

  /** Drops the oldest revisions beyond those that are kept. Returns them. */
  async prune(tenant: string, app: string, set: string, inUse: ReadonlySet<number>): Promise<readonly Revision[]> {
    const id = setId(tenant, app, set);
    const all = this.#revisions.get(id) ?? [];
    const old = all.slice(0, Math.max(0, all.length - REVISIONS_KEPT)).filter((one) => !inUse.has(one.number));
    if (old.length === 0) return [];
    await this.#store.changeDocuments(
      old.map(({ number }) => ({ kind: REVISION_KIND, id: revisionId(tenant, app, set, number), drop: true })),
    );
    this.#revisions.set(
      id,
      all.filter((one) => !old.includes(one)),
    );
    return old;
  }

  async putSecret(secret: SecretRecord, also: readonly DocumentChange[] = []): Promise<void> {
    const id = secretId(secret.tenant, secret.app, secret.name);
    await this.#store.changeDocuments([{ kind: SECRET_KIND, id, body: secret }, ...also]);
    this.#secrets.set(id, secret);
  }

  /** False: there is none. */
  async dropSecret(tenant: string, app: string, name: string): Promise<boolean> {
    const id = secretId(tenant, app, name);
    if (!this.#secrets.has(id)) return false;
    await this.#store.changeDocuments([{ kind: SECRET_KIND, id, drop: true }]);
    this.#secrets.delete(id);
    return true;
  }

  async dropSet(tenant: string, app: string, set: string, also: readonly DocumentChange[] = []): Promise<void> {
    const id = setId(tenant, app, set);
    await this.#store.changeDocuments([...this.#dropsOfSet(id), ...also]);
    this.#forgetSet(id);
  }

  /** With all its sets and secrets. Returns the sets. */
  async dropApp(tenant: string, app: string, also: readonly DocumentChange[] = []): Promise<readonly SetRecord[]> {
    const dropped = this.sets(tenant, app);
    const sets = dropped.map((one) => setId(tenant, app, one.name));
    const secrets = this.secrets(tenant, app).map((one) => secretId(tenant, app, one.name));
    await this.#store.changeDocuments([
      { kind: APP_KIND, id: appId(tenant, app), drop: true },
      ...sets.flatMap((id) => this.#dropsOfSet(id)),
      ...secrets.map((id) => ({ kind: SECRET_KIND, id, drop: true }) as const),
      ...also,
    ]);
    this.#apps.delete(appId(tenant, app));
    for (const id of sets) this.#forgetSet(id);
    for (const id of secrets) this.#secrets.delete(id);
    return dropped;
  }

  #dropsOfSet(id: string): readonly DocumentChange[] {
    const [tenant = '', app = '', set = ''] = id.split('/');
    return [
      { kind: SET_KIND, id, drop: true },
      ...(this.#revisions.get(id) ?? []).map(
        ({ number }) => ({ kind: REVISION_KIND, id: revisionId(tenant, app, set, number), drop: true }) as const,
      ),
    ];
  }

  #forgetSet(id: string): void {
    this.#sets.delete(id);
    this.#revisions.delete(id);
  }

  #addRevision(set: string, revision: Revision): void {
    const all = this.#revisions.get(set) ?? [];
    this.#revisions.set(
      set,
      [...all.filter((one) => one.number !== revision.number), revision].sort((a, b) => a.number - b.number),
    );
  }
}
