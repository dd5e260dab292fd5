/**
 * Containers that are not ours but lend their network to one of ours, directly or through others: known for that alone,
 * and for as long.
 */
import type { EngineContainer } from '#docker/engine';
import { networkOwner } from './addresses.ts';

export interface LendersOptions {
  /** Our containers that stand for themselves. */
  readonly ours: () => Iterable<EngineContainer>;
  readonly find: (id: string) => EngineContainer | null;
}

export class Lenders {
  readonly #options: LendersOptions;
  /** Null: looked for and not there. */
  readonly #owners = new Map<string, EngineContainer | null>();

  constructor(options: LendersOptions) {
    this.#options = options;
  }

  get(id: string): EngineContainer | null {
    return this.#owners.get(id) ?? null;
  }

  put(id: string, owner: EngineContainer | null): void {
    this.#owners.set(id, owner);
  }

  /** Takes in that there is no such container. */
  gone(id: string): void {
    const lends = [...this.#all()].some(({ networkMode }) => networkOwner(networkMode) === id);
    if (lends) this.#owners.set(id, null);
    else this.#forget();
  }

  /** Any container, ours or a lender, by id or name. */
  lookup(reference: string): EngineContainer | null {
    const known = this.#options.find(reference) ?? this.#owners.get(reference);
    if (known != null) return known;
    for (const container of this.#all()) if (container.name === reference) return container;
    return null;
  }

  /** Lenders that were never looked at. */
  missing(): readonly string[] {
    const missing = new Set<string>();
    for (const { networkMode } of this.#all()) {
      const reference = networkOwner(networkMode);
      if (reference !== null && this.lookup(reference) === null && !this.#owners.has(reference)) missing.add(reference);
    }
    return [...missing];
  }

  /** Ids of containers whose network belongs to a container, directly or through others. */
  borrowersOf(owner: EngineContainer): readonly string[] {
    const lenders = new Map([[owner.id, owner]]);
    for (const lender of lenders.values()) {
      for (const container of this.#all()) {
        const reference = networkOwner(container.networkMode);
        if (reference === lender.id || reference === lender.name) lenders.set(container.id, container);
      }
    }
    lenders.delete(owner.id);
    return [...lenders.keys()];
  }

  /** Lets go of lenders whose network nobody borrows any more. */
  #forget(): void {
    for (const [reference, owner] of this.#owners) {
      const lends = [...this.#all()].some(({ networkMode }) => {
        const wanted = networkOwner(networkMode);
        return wanted !== null && (wanted === reference || wanted === owner?.name);
      });
      if (!lends) this.#owners.delete(reference);
    }
  }

  *#all(): Generator<EngineContainer> {
    yield* this.#options.ours();
    for (const owner of this.#owners.values()) if (owner !== null) yield owner;
  }
}
