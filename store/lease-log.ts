/**
 * Which sets are leased until when, at hand in memory and written behind to the store, so that a lease costs an answer
 * nothing and outlives a restart. Those that have ended are dropped with the next write, or at the next start.
 */
import type { Clock, Timer } from '#core/clock';
import type { Log } from '#core/log';
import type { SetKey } from '#core/set';
import type { Store } from './store.ts';

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
  /** Sets whose note is not saved as it is now. */
  readonly #unsaved = new Set<SetKey>();
  #timer: Timer | null = null;
  #saving: Promise<void> = Promise.resolve();

  private constructor(options: LeaseLogOptions, notes: Map<SetKey, LeaseNote>) {
    this.#options = options;
    this.#notes = notes;
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
    this.#unsaved.add(key);
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
    const { store, clock, log } = this.#options;
    for (const [key, { until }] of this.#notes) {
      if (until > clock.wall()) continue;
      this.#notes.delete(key);
      this.#unsaved.add(key);
    }
    for (const key of [...this.#unsaved]) {
      this.#unsaved.delete(key);
      const note = this.#notes.get(key);
      try {
        if (note === undefined) await store.dropDocument(KIND, key);
        else await store.putDocument(KIND, key, note);
      } catch (error) {
        this.#unsaved.add(key);
        log.warn('the lease of a set cannot be saved', { set: key, error });
        return;
      }
    }
  }
}
