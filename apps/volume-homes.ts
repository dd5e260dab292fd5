/**
 * On which host each volume of the apps is, and on which it was when somebody gave it up. What was given up stays where it
 * is: neither used nor removed again, for as long as that host has it.
 */
import type { DocumentChange, Store } from '#store/store';
import { Turns } from './turns.ts';

/** By the Engine's name of the volume. */
const HOME_KIND = 'volume-home';
/** By host and the Engine's name of the volume. */
const LEFT_KIND = 'volume-left';

/** A volume that was given up. Plain JSON, as it is kept. */
export interface VolumeLeft {
  readonly tenant: string;
  readonly app: string;
  /** The Engine's name. */
  readonly volume: string;
  readonly host: string;
  /** Id of the token that asked. */
  readonly by: string;
  /** Ms since the epoch. */
  readonly at: number;
  /** Somebody was told that its host has come back with it. */
  readonly told: boolean;
}

/** Where a volume is. */
interface Home {
  readonly host: string;
  /** It has been there; left out: nobody knows. */
  readonly made?: boolean;
}

export type HomesStore = Pick<Store, 'documents' | 'changeDocuments'>;

export class VolumeHomes {
  /** By `<tenant>/<app>`: whoever reads where a volume is before he decides takes a turn. */
  readonly turns = new Turns();
  readonly #store: HomesStore;
  readonly #homes = new Map<string, Home>();
  /** Those that were not where they had been when somebody looked last. */
  readonly #missing = new Set<string>();
  readonly #left = new Map<string, VolumeLeft>();

  private constructor(store: HomesStore) {
    this.#store = store;
  }

  /** @throws TidegateError of the `store.` family */
  static async open(store: HomesStore): Promise<VolumeHomes> {
    const homes = new VolumeHomes(store);
    for (const { id, body } of await store.documents(HOME_KIND)) {
      homes.#homes.set(id, body as Home);
    }
    for (const { id, body } of await store.documents(LEFT_KIND)) homes.#left.set(id, body as VolumeLeft);
    return homes;
  }

  /** Null: none was written down. @param volume the Engine's name, as everywhere here */
  homeOf(volume: string): string | null {
    return this.#homes.get(volume)?.host ?? null;
  }

  isMissing(volume: string): boolean {
    return this.#missing.has(volume);
  }

  /**
   * Compares what is on a host with what has been there.
   * @param there the Engine's names of its volumes
   * @returns those of the volumes that have been there and are not
   */
  missingFrom(host: string, volumes: readonly string[], there: ReadonlySet<string>): readonly string[] {
    const own = volumes.filter((one) => this.homeOf(one) === host);
    for (const one of own) {
      if (this.#homes.get(one)?.made === true && !there.has(one)) this.#missing.add(one);
      else this.#missing.delete(one);
    }
    return own.filter((one) => this.#missing.has(one));
  }

  /** What was given up of these volumes, the oldest first. */
  left(volumes: readonly string[]): readonly VolumeLeft[] {
    return [...this.#left.values()].filter((one) => volumes.includes(one.volume)).sort((a, b) => a.at - b.at);
  }

  /** Hosts that none of these volumes is used on any more. */
  leftHosts(volumes: readonly string[]): readonly string[] {
    return [...new Set(this.left(volumes).map((one) => one.host))].sort();
  }

  leftOn(host: string): readonly VolumeLeft[] {
    return [...this.#left.values()].filter((one) => one.host === host);
  }

  // ---- writing: resolves when it is kept. @throws TidegateError of the `store.` family, and nothing has changed

  async settle(volumes: readonly string[], host: string): Promise<void> {
    if (volumes.length === 0) return;
    await this.#store.changeDocuments(volumes.map((id) => ({ kind: HOME_KIND, id, body: { host } })));
    for (const id of volumes) this.#put(id, { host });
  }

  /** They are on the host where they are to be: one that is not from now on has been lost. */
  async made(volumes: readonly string[], host: string): Promise<void> {
    const homes = volumes.flatMap((id) => {
      const home = this.#homes.get(id);
      return home?.host !== host || home.made === true ? [] : [{ id, body: { ...home, made: true } }];
    });
    if (homes.length === 0) return;
    await this.#store.changeDocuments(homes.map(({ id, body }) => ({ kind: HOME_KIND, id, body })));
    for (const { id, body } of homes) this.#put(id, body);
  }

  /**
   * The next replica begins with nothing.
   * @param left stay where they are, and it begins somewhere else
   * @param lost are not there any more, and it begins there or anywhere
   */
  async giveUp(left: readonly VolumeLeft[], lost: readonly string[]): Promise<void> {
    const homes = [...left.map((one) => one.volume), ...lost];
    await this.#store.changeDocuments([
      ...homes.map((id): DocumentChange => ({ kind: HOME_KIND, id, drop: true })),
      ...left.map((one): DocumentChange => ({ kind: LEFT_KIND, id: leftId(one), body: one })),
    ]);
    for (const volume of homes) this.#forget(volume);
    for (const one of left) this.#left.set(leftId(one), one);
  }

  async told(left: VolumeLeft): Promise<void> {
    const told = { ...left, told: true };
    await this.#store.changeDocuments([{ kind: LEFT_KIND, id: leftId(left), body: told }]);
    this.#left.set(leftId(left), told);
  }

  /** The volume is not on that host any more: the next of that name may be there as anywhere. */
  async gone(volume: string, host: string): Promise<void> {
    const id = leftId({ volume, host });
    const isHome = this.homeOf(volume) === host;
    const isLeft = this.#left.has(id);
    if (!isHome && !isLeft) return;
    await this.#store.changeDocuments([
      ...(isHome ? [{ kind: HOME_KIND, id: volume, drop: true } as const] : []),
      ...(isLeft ? [{ kind: LEFT_KIND, id, drop: true } as const] : []),
    ]);
    if (isHome) this.#forget(volume);
    this.#left.delete(id);
  }

  #put(volume: string, home: Home): void {
    this.#homes.set(volume, home);
    this.#missing.delete(volume);
  }

  #forget(volume: string): void {
    this.#homes.delete(volume);
    this.#missing.delete(volume);
  }
}

function leftId({ volume, host }: Pick<VolumeLeft, 'volume' | 'host'>): string {
  return `${host}/${volume}`;
}
