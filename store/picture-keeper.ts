/**
 * Keeps the last good picture of all sets in the store, a moment after it changed, for a start at a time when no Engine
 * answers.
 */
import type { Clock, Timer } from '#core/clock';
import type { Log } from '#core/log';
import type { SetSnapshot } from '#core/set';
import type { Store } from './store.ts';

const SAVE_AFTER_MS = 1000;
/** One picture for all hosts: a set may have replicas on several. */
const ALL_HOSTS = '*';

export interface PictureKeeperOptions {
  readonly store: Pick<Store, 'pictures' | 'putPicture'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The picture as it is now. */
  readonly draw: () => readonly SetSnapshot[];
}

export class PictureKeeper {
  readonly #options: PictureKeeperOptions;
  #timer: Timer | null = null;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: PictureKeeperOptions) {
    this.#options = options;
  }

  /** What was kept last; empty when there is nothing that can be read. */
  static async recall(store: Pick<Store, 'pictures'>): Promise<readonly SetSnapshot[]> {
    return (await store.pictures()).get(ALL_HOSTS)?.sets ?? [];
  }

  /** The picture changed: it is saved soon. */
  changed(): void {
    this.#timer ??= this.#options.clock.after(SAVE_AFTER_MS, () => void this.flush());
  }

  /** Saves a change that is not saved yet. Never rejects. */
  flush(): Promise<void> {
    if (this.#timer === null) return this.#saving;
    this.#timer.cancel();
    this.#timer = null;
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  async #save(): Promise<void> {
    const { store, clock, draw, log } = this.#options;
    try {
      await store.putPicture(ALL_HOSTS, { sets: draw(), at: clock.wall() });
    } catch (error) {
      log.warn('the last good picture cannot be saved', { error });
    }
  }
}
