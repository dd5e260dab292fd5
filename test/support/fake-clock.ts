/** A clock that tests move by hand: time passes only in `advance`, timers fire in order of their due time. */
import type { Clock, Timer } from '#core/clock';

interface Pending {
  readonly due: number;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  #now = 0;
  readonly #start: number;
  readonly #pending = new Set<Pending>();

  /** @param startWall wall-clock ms at time zero */
  constructor(startWall = Date.UTC(2026, 0, 1)) {
    this.#start = startWall;
  }

  wall(): number {
    return this.#start + this.#now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const pending: Pending = { due: this.#now + Math.max(0, delayMs), run };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Timers that wait to fire. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Moves time on, firing what falls due on the way, and lets promises settle after every timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      let next: Pending | null = null;
      for (const one of this.#pending) if (one.due <= end && (next === null || one.due < next.due)) next = one;
      if (next === null) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.run();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets everything that is ready to run, run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
