/**
 * The secrets of all apps: names and versions in memory, values in the store alone, where a change of the encryption key
 * may have sealed them anew. A value that was replaced or forgotten is kept for as long as a revision was made with it.
 */
import type { DocumentChange, Store } from '#store/store';
import { SECRET_KIND, SECRET_VERSION_KIND, type SecretRecord, secretId, secretVersionId } from './app-record.ts';

export type SecretStore = Pick<Store, 'document' | 'documents'>;

/** What is known of one without its value. */
export type KnownSecret = Omit<SecretRecord, 'sealed' | 'version'> & { readonly version: number };

/** Whether any revision was made with that version. */
export type IsUsed = (name: string, version: number) => boolean;

/** To be written; `took` is said when it is. */
export interface SecretChange {
  readonly changes: readonly DocumentChange[];
  readonly took: () => void;
}

export class SecretLibrary {
  readonly #store: SecretStore;
  readonly #known = new Map<string, KnownSecret>();
  /** Versions that are kept beside the one in force, by secret. */
  readonly #earlier = new Map<string, Set<number>>();

  private constructor(store: SecretStore) {
    this.#store = store;
  }

  /** @throws TidegateError of the `store.` family */
  static async open(store: SecretStore): Promise<SecretLibrary> {
    const library = new SecretLibrary(store);
    for (const { id, body } of await store.documents(SECRET_KIND)) {
      library.#known.set(id, withoutValue(body as SecretRecord));
    }
    for (const { id } of await store.documents(SECRET_VERSION_KIND)) {
      const at = id.lastIndexOf('/');
      library.#addEarlier(id.slice(0, at), Number(id.slice(at + 1)));
    }
    return library;
  }

  /** By name. */
  of(tenant: string, app: string): readonly KnownSecret[] {
    const found = [...this.#known.values()].filter((one) => one.tenant === tenant && one.app === app);
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Base 64 of the sealed value as it rests now. Null: that version is not kept. @param version left out: the one in force */
  async sealed(tenant: string, app: string, name: string, version?: number): Promise<string | null> {
    const id = secretId(tenant, app, name);
    const found = await this.#store.document(SECRET_KIND, id);
    const record = found === null ? null : (found.body as SecretRecord);
    if (record !== null && (version === undefined || versionOf(record) === version)) return record.sealed;
    if (version === undefined) return null;
    const earlier = await this.#store.document(SECRET_VERSION_KIND, secretVersionId(id, version));
    return earlier === null ? null : (earlier.body as Pick<SecretRecord, 'sealed'>).sealed;
  }

  /** A new value; the one before it is kept if it is used. */
  async put(secret: Omit<SecretRecord, 'version'>, isUsed: IsUsed): Promise<SecretChange> {
    const id = secretId(secret.tenant, secret.app, secret.name);
    const found = await this.#store.document(SECRET_KIND, id);
    const before = found === null ? null : (found.body as SecretRecord);
    // Numbers are never given twice: one that was forgotten and made again is another.
    const last = Math.max(-1, ...(this.#earlier.get(id) ?? []), before === null ? -1 : versionOf(before));
    const record = { ...secret, version: last + 1 };
    const kept = this.#keep(id, before, isUsed);
    return {
      changes: [{ kind: SECRET_KIND, id, body: record, expected: found?.version ?? null }, ...kept.changes],
      took: () => {
        this.#known.set(id, withoutValue(record));
        kept.took();
      },
    };
  }

  /** Null: there is none. */
  async drop(tenant: string, app: string, name: string, isUsed: IsUsed): Promise<SecretChange | null> {
    const id = secretId(tenant, app, name);
    const found = await this.#store.document(SECRET_KIND, id);
    if (found === null || !this.#known.has(id)) return null;
    const kept = this.#keep(id, found.body as SecretRecord, isUsed);
    return {
      changes: [{ kind: SECRET_KIND, id, drop: true, expected: found.version }, ...kept.changes],
      took: () => {
        this.#known.delete(id);
        kept.took();
      },
    };
  }

  /** Earlier values that no revision of the app was made with. */
  dropUnused(tenant: string, app: string, isUsed: IsUsed): SecretChange {
    const unused = this.#earlierOf(tenant, app).filter(({ name, version }) => !isUsed(name, version));
    return this.#without(unused);
  }

  /** Everything of an app. */
  dropAll(tenant: string, app: string): SecretChange {
    const earlier = this.#without(this.#earlierOf(tenant, app));
    const ids = this.of(tenant, app).map(({ name }) => secretId(tenant, app, name));
    return {
      changes: [...ids.map((id) => ({ kind: SECRET_KIND, id, drop: true }) as const), ...earlier.changes],
      took: () => {
        for (const id of ids) this.#known.delete(id);
        earlier.took();
      },
    };
  }

  #keep(id: string, before: SecretRecord | null, isUsed: IsUsed): SecretChange {
    if (before === null || !isUsed(before.name, versionOf(before))) return { changes: [], took: () => {} };
    const version = versionOf(before);
    const body = { sealed: before.sealed };
    return {
      changes: [{ kind: SECRET_VERSION_KIND, id: secretVersionId(id, version), body }],
      took: () => this.#addEarlier(id, version),
    };
  }

  #without(dropped: readonly { readonly id: string; readonly version: number }[]): SecretChange {
    return {
      changes: dropped.map(({ id, version }) => ({
        ...{ kind: SECRET_VERSION_KIND, id: secretVersionId(id, version), drop: true as const },
      })),
      took: () => {
        for (const { id, version } of dropped) {
          const left = this.#earlier.get(id);
          left?.delete(version);
          if (left?.size === 0) this.#earlier.delete(id);
        }
      },
    };
  }

  #earlierOf(tenant: string, app: string) {
    const place = secretId(tenant, app, '');
    return [...this.#earlier]
      .filter(([id]) => id.startsWith(place))
      .flatMap(([id, versions]) => [...versions].map((version) => ({ id, name: id.slice(place.length), version })));
  }

  #addEarlier(id: string, version: number): void {
    this.#earlier.set(id, (this.#earlier.get(id) ?? new Set()).add(version));
  }
}

/** Of one that was kept before versions were: the first. */
function versionOf({ version = 0 }: SecretRecord): number {
  return version;
}

function withoutValue({ sealed: _, ...record }: SecretRecord): KnownSecret {
  return { ...record, version: record.version ?? 0 };
}
