/**
 * Saving a moment later what is at hand at once: however often something changes, it is saved as it is by then; and what
 * could not be saved is tried again until that is closed.
 */
import type { Clock, Timer } from '#core/clock';

const RETRY_MS = 1000;

export interface WriteBehindOptions<Key extends string> {
  readonly clock: Clock;
  /** How long a change may wait. */
  readonly afterMs: number;
  /** Saves what is known of it now. */
  readonly save: (key: Key) => Promise<unknown>;
  /** That has failed, and is tried again. */
  readonly onFailed: (key: Key, error: unknown) => void;
  /** What else is to be saved with the changes. */
  readonly gather?: () => Iterable<Key>;
}

export class WriteBehind<Key extends string> {
  readonly #options: WriteBehindOptions<Key>;
  /** Not saved as they are now. */
  readonly #unsaved = new Set<Key>();
  #timer: Timer | null = null;
  #saving: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: WriteBehindOptions<Key>) {
    this.#options = options;
  }

  changed(key: Key): void {
    this.#unsaved.add(key);
    this.#saveAfter(this.#options.afterMs);
  }

  /** Saves what is not saved yet. Never rejects: what could not be saved is tried again a second later. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  /** Saves what is not saved yet, once. */
  close(): Promise<void> {
    this.#closed = true;
    return this.flush();
  }

  async #save(): Promise<void> {
    const { save, onFailed, gather } = this.#options;
    for (const key of gather?.() ?? []) this.#unsaved.add(key);
    for (const key of [...this.#unsaved]) {
      this.#unsaved.delete(key);
      try {
        await save(key);
      } catch (error) {
        this.#unsaved.add(key);
        onFailed(key, error);
        this.#saveAfter(RETRY_MS);
        return;
      }
    }
  }

  #saveAfter(ms: number): void {
    if (!this.#closed) this.#timer ??= this.#options.clock.after(ms, () => void this.flush());
  }
}
