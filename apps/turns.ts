/** Work about the same thing done one after the other: whoever reads before he writes takes a turn. Never nest two of one key. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs when all that was asked for before under the same key is done, however it ended. */
  async take<T>(key: string, run: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(run);
    const settled = turn.catch(() => {});
    this.#last.set(key, settled);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }

  /** Runs when it is its turn under each of the keys. */
  takeAll<T>(keys: readonly string[], run: () => Promise<T>): Promise<T> {
    // In one order for all, so that no two wait for each other.
    const sorted = [...new Set(keys)].sort();
    return sorted.reduceRight<() => Promise<T>>((inner, key) => () => this.take(key, inner), run)();
  }
}
