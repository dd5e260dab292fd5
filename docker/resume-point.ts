/**
 * Where to take up the event stream after a break. It is opened a little before the last event seen, because the Engine
 * may hand two events out of order, and what was seen already is told apart by its key.
 */

/** How far back a resumed stream reaches. */
const OVERLAP_MS = 1000;

export class ResumePoint {
  /** Key → ms since the epoch, as far as a resumed stream may bring it again; in the order seen. */
  readonly #seen = new Map<string, number>();
  #last: number | null = null;

  /** Seconds since the epoch to ask for, or null before the first event. */
  get since(): number | null {
    return this.#last === null ? null : Math.floor(this.#last - OVERLAP_MS) / 1000;
  }

  /** Notes an event; false when it was seen before. */
  isNew(key: string, at: number): boolean {
    if (this.#seen.has(key)) return false;
    this.#seen.set(key, at);
    this.#last = Math.max(this.#last ?? at, at);
    for (const [old, oldAt] of this.#seen) {
      if (oldAt >= Math.floor(this.#last - OVERLAP_MS)) break;
      this.#seen.delete(old);
    }
    return true;
  }
}
