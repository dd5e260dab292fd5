/**
 * What is being taken away, and that nothing of it is changed meanwhile. Kept are the removals themselves, as operations:
 * so the write that begins one is the one that ends all changes. Changes that were under way are waited for.
 */
import { TidegateError } from '#core/errors';
import { APP_REMOVAL, isOperationOver, type OperationRecord, SET_REMOVAL } from './operation-record.ts';
import type { Operations } from './operations.ts';

export class Departures {
  readonly #operations: Operations;
  /** Removals that are being kept just now. */
  readonly #beginning = new Set<string>();
  /** By app: changes that are under way. */
  readonly #changes = new Map<string, Set<Promise<unknown>>>();

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  /** The removal under way of an app, or else of one of its sets; null: there is none. */
  of(tenant: string, app: string, set: string | null): OperationRecord | null {
    const own = this.#operations
      .unfinished()
      .filter((one) => one.tenant === tenant && one.app === app && !isOperationOver(one.state));
    const isOfSet = (one: OperationRecord): boolean => one.type === SET_REMOVAL && one.target === `${app}/${set}`;
    return own.find((one) => one.type === APP_REMOVAL) ?? own.find(isOfSet) ?? null;
  }

  /**
   * Changes something of an app, or of some of its sets.
   * @throws TidegateError `apps.removing`, and nothing was changed
   */
  async during<T>(tenant: string, app: string, sets: readonly string[], change: () => Promise<T>): Promise<T> {
    for (const set of [null, ...sets]) this.#refuse(tenant, app, set);
    const place = `${tenant}/${app}`;
    const changes = this.#changes.get(place) ?? new Set();
    this.#changes.set(place, changes);
    const changing = change();
    changes.add(changing);
    try {
      return await changing;
    } finally {
      changes.delete(changing);
      if (changes.size === 0) this.#changes.delete(place);
    }
  }

  /** Nothing of it is changed any more while its removal is being kept. */
  async beginning<T>(tenant: string, target: string, begin: () => Promise<T>): Promise<T> {
    const place = `${tenant}/${target}`;
    this.#beginning.add(place);
    try {
      return await begin();
    } finally {
      this.#beginning.delete(place);
    }
  }

  /** Resolves when the changes that are under way have been made, or could not be. */
  async settled(tenant: string, app: string): Promise<void> {
    await Promise.allSettled([...(this.#changes.get(`${tenant}/${app}`) ?? [])]);
  }

  #refuse(tenant: string, app: string, set: string | null): void {
    const target = set === null ? app : `${app}/${set}`;
    if (this.of(tenant, app, set) === null && !this.#beginning.has(`${tenant}/${target}`)) return;
    throw new TidegateError('apps.removing', `"${target}" is being removed`);
  }
}
