/**
 * Credentials of tenants for registries, passwords sealed; and which repositories were had with any of them, which is
 * kept before the first image of one comes to a host: from then on a copy there is not for everybody.
 */
import { isTidegateError } from '#core/errors';
import type { RegistryAuth } from '#docker/host-engine';
import type { DocumentChange, Store } from '#store/store';
import type { AppsPorts } from './ports.ts';

const REGISTRY_KIND = 'registry';
const GUARDED_KIND = 'guarded-repository';
/** For who is forgotten the registry is asked once more. */
const GIVEN_MAX = 10_000;

export interface RegistryRecord {
  readonly tenant: string;
  /** In its one spelling: `docker.io`, `registry.example:5000`. */
  readonly host: string;
  readonly username: string;
  /** Base 64 of the sealed password. */
  readonly sealed: string;
  /** Ms since the epoch. */
  readonly updatedAt: number;
}

/** What may be shown of one. */
export type RegistryEntry = Omit<RegistryRecord, 'sealed'>;

export interface NewRegistry extends RegistryAuth {
  readonly tenant: string;
  readonly host: string;
}

export interface RegistryBookOptions {
  readonly store: Pick<Store, 'document' | 'documents' | 'changeDocuments'>;
  readonly clock: AppsPorts['clock'];
  readonly seal: AppsPorts['seal'];
  readonly unseal: AppsPorts['unseal'];
  readonly engines: AppsPorts['engines'];
}

export class RegistryBook {
  readonly #options: RegistryBookOptions;
  readonly #entries = new Map<string, RegistryEntry>();
  readonly #guarded = new Set<string>();
  /** What tenants were given since the start, before any revision of theirs has it; the oldest first. */
  readonly #given = new Set<string>();

  private constructor(options: RegistryBookOptions) {
    this.#options = options;
  }

  /** @throws TidegateError of the `store.` family */
  static async open(options: RegistryBookOptions): Promise<RegistryBook> {
    const book = new RegistryBook(options);
    for (const { id, body } of await options.store.documents(REGISTRY_KIND)) {
      book.#entries.set(id, entryOf(body as RegistryRecord));
    }
    for (const { id } of await options.store.documents(GUARDED_KIND)) book.#guarded.add(id);
    return book;
  }

  get(tenant: string, host: string): RegistryEntry | null {
    return this.#entries.get(registryId(tenant, host)) ?? null;
  }

  /** By host. */
  list(tenant: string): readonly RegistryEntry[] {
    const found = [...this.#entries.values()].filter((one) => one.tenant === tenant);
    return found.sort((a, b) => (a.host < b.host ? -1 : 1));
  }

  /** What a registry says to credentials; `unknown`: no host can ask it. */
  async check(host: string, auth: RegistryAuth): Promise<'accepted' | 'refused' | 'unknown'> {
    const engine = this.#options.engines().find((one) => one.state === 'reachable');
    if (engine === undefined) return 'unknown';
    try {
      return await engine.tryLogin(host, auth);
    } catch (error) {
      if (isTidegateError(error)) return 'unknown';
      throw error;
    }
  }

  /** Keeps credentials, in the place of those before. @throws TidegateError of the `store.` family */
  async put({ tenant, host, username, password }: NewRegistry): Promise<RegistryEntry> {
    const { store, clock, seal } = this.#options;
    const id = registryId(tenant, host);
    const sealed = seal(password, contextOf(id));
    const record: RegistryRecord = { tenant, host, username, sealed, updatedAt: clock.wall() };
    await store.changeDocuments([{ kind: REGISTRY_KIND, id, body: record }]);
    const entry = entryOf(record);
    this.#entries.set(id, entry);
    return entry;
  }

  /** False: there are none. */
  async drop(tenant: string, host: string): Promise<boolean> {
    const id = registryId(tenant, host);
    if (!this.#entries.has(id)) return false;
    await this.#options.store.changeDocuments([{ kind: REGISTRY_KIND, id, drop: true }]);
    this.#entries.delete(id);
    return true;
  }

  /** To be written when a tenant goes: whoever is called so next is somebody else. {@link forgetTenant} is said then. */
  dropsOf(tenant: string): readonly DocumentChange[] {
    return this.list(tenant).map(({ host }) => ({ kind: REGISTRY_KIND, id: registryId(tenant, host), drop: true }));
  }

  /** It is gone. */
  forgetTenant(tenant: string): void {
    for (const { host } of this.list(tenant)) this.#entries.delete(registryId(tenant, host));
    for (const one of this.#given) if (one.startsWith(`${tenant} `)) this.#given.delete(one);
  }

  /** What a registry is to be shown. Null: the tenant has nothing for it. @throws TidegateError `vault.sealed` */
  async credentials(tenant: string, host: string): Promise<RegistryAuth | null> {
    const id = registryId(tenant, host);
    // As it rests now: a change of the encryption key may have sealed it anew.
    const found = await this.#options.store.document(REGISTRY_KIND, id);
    if (found === null) return null;
    const { username, sealed } = found.body as RegistryRecord;
    return { username, password: this.#options.unseal(sealed, contextOf(id)) };
  }

  /** Whether images of a repository were ever had with somebody's credentials. */
  isGuarded(repository: string): boolean {
    return this.#guarded.has(repository);
  }

  async guard(repository: string): Promise<void> {
    if (this.#guarded.has(repository)) return;
    await this.#options.store.changeDocuments([{ kind: GUARDED_KIND, id: repository, body: {} }]);
    this.#guarded.add(repository);
  }

  /** A registry gave a tenant an image. */
  gave(tenant: string, repository: string, imageId: string): void {
    this.#given.add(givenId(tenant, repository, imageId));
    const [oldest] = this.#given;
    if (this.#given.size > GIVEN_MAX && oldest !== undefined) this.#given.delete(oldest);
  }

  /** Whether a tenant is known to have had an image from there. */
  hasGiven(tenant: string, repository: string, imageId: string): boolean {
    return this.#given.has(givenId(tenant, repository, imageId));
  }
}

function registryId(tenant: string, host: string): string {
  return `${tenant}/${host}`;
}

function givenId(tenant: string, repository: string, imageId: string): string {
  return `${tenant} ${repository} ${imageId}`;
}

/** Binds a sealed password to its place: one that is moved there cannot be opened. */
function contextOf(id: string): string {
  return `registry:${id}`;
}

function entryOf({ sealed: _, ...entry }: RegistryRecord): RegistryEntry {
  return entry;
}
