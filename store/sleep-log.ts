/**
 * Who put which replica to sleep, at hand in memory and written behind to the store: noting it costs a wake nothing. A
 * note lost in a crash is no harm, as what is frozen is seen on the host itself.
 */
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import type { SleepNote, SleepTier, Store } from './store.ts';
import { WriteBehind } from './write-behind.ts';

const SAVE_AFTER_MS = 250;

export interface SleepLogOptions {
  readonly store: Pick<Store, 'sleeping' | 'putSleeping' | 'dropSleeping'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class SleepLog {
  readonly #options: SleepLogOptions;
  readonly #notes: Map<string, SleepNote>;
  /** Asked to save at once, and to end. */
  readonly writing: WriteBehind<string>;

  private constructor(options: SleepLogOptions, notes: ReadonlyMap<string, SleepNote>) {
    const { clock, log } = options;
    this.#options = options;
    this.#notes = new Map(notes);
    this.writing = new WriteBehind({
      ...{ clock, afterMs: SAVE_AFTER_MS, save: (replica) => this.#save(replica) },
      onFailed: (replica, error) => log.warn('who put a replica to sleep cannot be saved', { replica, error }),
    });
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
    this.writing.changed(replica);
  }

  #save(replica: string): Promise<void> {
    const { store } = this.#options;
    const note = this.#notes.get(replica);
    return note === undefined ? store.dropSleeping(replica) : store.putSleeping(replica, note);
  }
}
