/** Time of a simulation: it passes only from one event to the next, so a day takes seconds and every run is the same. */
import type { Clock, Timer } from '#core/clock';

interface Pending {
  readonly at: number;
  /** What was planned first happens first. */
  readonly order: number;
  run: (() => void) | null;
}

export class SimulatedClock implements Clock {
  readonly #heap: Pending[] = [];
  readonly #begin: number;
  #now = 0;
  #order = 0;

  /** @param begin ms since the epoch at time zero */
  constructor(begin = Date.UTC(2026, 0, 5)) {
    this.#begin = begin;
  }

  wall(): number {
    return this.#begin + this.#now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const pending: Pending = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(pending);
    return {
      cancel: () => {
        pending.run = null;
      },
    };
  }

  /** Lets everything happen that is planned for up to that time. */
  runUntil(end: number): void {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end) break;
      this.#pop();
      this.#now = next.at;
      next.run?.();
    }
    this.#now = end;
  }

  #push(pending: Pending): void {
    const heap = this.#heap;
    let i = heap.push(pending) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(pending, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = pending;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      let least = left;
      if (right !== undefined && isBefore(right, left)) {
        least = right;
        child++;
      }
      if (!isBefore(least, last)) break;
      heap[i] = least;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Pending, b: Pending): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
