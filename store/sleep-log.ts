/**
 * Who put which replica to sleep, at hand in memory and written behind to the store: noting it costs a wake nothing. A
 * note lost in a crash is no harm, as what is frozen is seen on the host itself.
 */
import type { Clock, Timer } from '#core/clock';
import type { Log } from '#core/log';
import type { SleepNote, SleepTier, Store } from './store.ts';

const SAVE_AFTER_MS = 250;

export interface SleepLogOptions {
  readonly store: Pick<Store, 'sleeping' | 'putSleeping' | 'dropSleeping'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class SleepLog {
  readonly #options: SleepLogOptions;
  readonly #notes: Map<string, SleepNote>;
  /** Replicas whose note is not saved as it is now. */
  readonly #unsaved = new Set<string>();
  #timer: Timer | null = null;
  #saving: Promise<void> = Promise.resolve();

  private constructor(options: SleepLogOptions, notes: ReadonlyMap<string, SleepNote>) {
    this.#options = options;
    this.#notes = new Map(notes);
  }

  static async open(options: SleepLogOptions): Promise<SleepLog> {
    return new SleepLog(options, await options.store.sleeping());
  }

  get(replica: string): SleepNote | null {
    return this.#notes.get(replica) ?? null;
  }

  /** Null: it is awake, or gone. */
  put(replica: string, note: { readonly tier: SleepTier; readonly direct: boolean } | null): void {
    if (note === null) {
      if (!this.#notes.delete(replica)) return;
    } else this.#notes.set(replica, { ...note, at: this.#options.clock.wall() });
    this.#unsaved.add(replica);
    this.#timer ??= this.#options.clock.after(SAVE_AFTER_MS, () => void this.flush());
  }

  /** Saves what is not saved yet. Never rejects: what could not be saved is tried again with the next note. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  async #save(): Promise<void> {
    for (const replica of [...this.#unsaved]) {
      this.#unsaved.delete(replica);
      const note = this.#notes.get(replica);
      try {
        if (note === undefined) await this.#options.store.dropSleeping(replica);
        else await this.#options.store.putSleeping(replica, note);
      } catch (error) {
        this.#unsaved.add(replica);
        this.#options.log.warn('who put a replica to sleep cannot be saved', { replica, error });
        return;
      }
    }
  }
}
