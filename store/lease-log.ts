/**
 * Which sets are leased until when, at hand in memory and written behind to the store, so that a lease costs an answer
 * nothing and outlives a restart. Those that have ended are dropped with the next write, or at the next start.
 */
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import type { SetKey } from '#core/set';
import type { Store } from './store.ts';
import { WriteBehind } from './write-behind.ts';

const KIND = 'lease';
/** Short, as a lease that is lost in a crash is work that is put to sleep; whoever renews one is noted seldom. */
const SAVE_AFTER_MS = 20;

/** Ms since the epoch. */
interface LeaseNote {
  readonly until: number;
  readonly replicas: Readonly<Record<string, number>>;
}

export interface LeaseLogOptions {
  readonly store: Pick<Store, 'documents' | 'putDocument' | 'dropDocument'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class LeaseLog {
  readonly #options: LeaseLogOptions;
  readonly #notes: Map<SetKey, LeaseNote>;
  /** Asked to save at once, and to end. */
  readonly writing: WriteBehind<SetKey>;

  private constructor(options: LeaseLogOptions, notes: Map<SetKey, LeaseNote>) {
    const { clock, log } = options;
    this.#options = options;
    this.#notes = notes;
    this.writing = new WriteBehind({
      ...{ clock, afterMs: SAVE_AFTER_MS, save: (key) => this.#save(key), gather: () => this.#dropEnded() },
      onFailed: (set, error) => log.warn('the lease of a set cannot be saved', { set, error }),
    });
  }

  /** @throws TidegateError of the `store.` family */
  static async open(options: LeaseLogOptions): Promise<LeaseLog> {
    const known = await options.store.documents(KIND);
    return new LeaseLog(options, new Map(known.map(({ id, body }) => [id as SetKey, body as LeaseNote])));
  }

  get(key: SetKey): LeaseNote | null {
    const note = this.#notes.get(key);
    return note !== undefined && note.until > this.#options.clock.wall() ? note : null;
  }

  /** Null: nothing of it is leased any more. */
  put(key: SetKey, note: LeaseNote | null): void {
    if (note !== null) this.#notes.set(key, note);
    else if (!this.#notes.delete(key)) return;
    this.writing.changed(key);
  }

  #save(key: SetKey): Promise<unknown> {
    const { store } = this.#options;
    const note = this.#notes.get(key);
    return note === undefined ? store.dropDocument(KIND, key) : store.putDocument(KIND, key, note);
  }

  #dropEnded(): readonly SetKey[] {
    const now = this.#options.clock.wall();
    const ended = [...this.#notes].filter(([, { until }]) => until <= now).map(([key]) => key);
    for (const key of ended) this.#notes.delete(key);
    return ended;
  }
}
