/** Who waits for something to happen to a set, and who says that something may have. */
import { type Clock, pause } from '#core/clock';
import type { SetKey } from '#core/set';

/** Nobody waits longer than this for being told. */
const LOOK_AGAIN_MS = 500;

export class SetChanges {
  readonly #clock: Clock;
  readonly #waiting = new Map<SetKey, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something may have changed. */
  happened(key: SetKey): void {
    for (const tell of [...(this.#waiting.get(key) ?? [])]) tell();
  }

  /** Resolves when something may have changed, after half a second in any case, and at once when the signal aborts. */
  async next(key: SetKey, signal: AbortSignal): Promise<void> {
    const told = new AbortController();
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    const tell = (): void => told.abort();
    waiting.add(tell);
    try {
      await pause(this.#clock, LOOK_AGAIN_MS, AbortSignal.any([told.signal, signal]));
    } finally {
      waiting.delete(tell);
      if (waiting.size === 0) this.#waiting.delete(key);
    }
  }
}
