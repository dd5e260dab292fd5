/**
 * The last of what happened, in memory and in order, for whoever reads or follows it. Entries stand at positions 0, 1, 2 …;
 * a position never gets another one, and a reader that was overtaken is told so.
 */

export interface FeedSlice<T> {
  /** Oldest first. */
  readonly events: readonly T[];
  /** Where the next slice begins. */
  readonly next: number;
  /** Entries between the position asked for and the first of these are gone. */
  readonly gap: boolean;
}

export class RecentFeed<T> {
  readonly #capacity: number;
  /** The entry at position p is in slot p modulo the capacity. */
  readonly #ring: T[] = [];
  /** Who waits, and for which position. */
  readonly #waiting = new Map<() => void, number>();
  #end = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The position of the oldest entry that is left. */
  get start(): number {
    return Math.max(0, this.#end - this.#capacity);
  }

  /** The position after the newest entry. */
  get end(): number {
    return this.#end;
  }

  add(entry: T): void {
    this.#ring[this.#end % this.#capacity] = entry;
    this.#end++;
    for (const [wake, position] of [...this.#waiting]) if (this.#end > position) wake();
  }

  /** Null: it is gone, or not there yet. */
  at(position: number): T | null {
    if (position < this.start || position >= this.#end) return null;
    return this.#ring[position % this.#capacity] ?? null;
  }

  /** Up to `limit` entries from a position on. */
  read(position: number, limit: number): FeedSlice<T> {
    const from = Math.max(position, this.start);
    const next = Math.max(from, Math.min(from + limit, this.#end));
    const events: T[] = [];
    for (let p = from; p < next; p++) {
      const entry = this.at(p);
      if (entry !== null) events.push(entry);
    }
    return { events, next, gap: from > position };
  }

  /** Resolves as soon as there is an entry at the position, or when the signal aborts. */
  arrived(position: number, signal: AbortSignal): Promise<void> {
    if (this.#end > position || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.set(done, position);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Nobody waits any longer. */
  close(): void {
    for (const wake of [...this.#waiting.keys()]) wake();
  }
}
