/**
 * Who holds whom awake: a set that is awake, or wants to be, holds the sets it depends on; it lets go of every one it
 * ever held, also when what it depends on changes.
 */
import type { SetKeeper } from './set-keeper.ts';

export class Holds {
  readonly #keeper: SetKeeper;
  readonly #dependents = new Set<SetKeeper>();
  readonly #held = new Set<SetKeeper>();

  constructor(keeper: SetKeeper) {
    this.#keeper = keeper;
  }

  /** Sets that hold this one. */
  get dependents(): ReadonlySet<SetKeeper> {
    return this.#dependents;
  }

  /** A set begins to hold this one. False: it does already. */
  add(dependent: SetKeeper): boolean {
    if (this.#dependents.has(dependent)) return false;
    this.#dependents.add(dependent);
    return true;
  }

  /** A set lets go of this one. False: it did not hold it. */
  delete(dependent: SetKeeper): boolean {
    return this.#dependents.delete(dependent);
  }

  /** Holds these and no others. */
  holdOnly(dependencies: readonly SetKeeper[]): void {
    for (const one of [...this.#held]) {
      if (dependencies.includes(one)) continue;
      this.#held.delete(one);
      one.letGo(this.#keeper);
    }
    for (const one of dependencies) {
      this.#held.add(one);
      one.hold(this.#keeper);
    }
  }
}
