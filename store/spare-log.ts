/**
 * Who spare sandboxes have become, by container: at hand in memory, in the store before anything is built on it. The labels
 * of a container cannot change, so this is the only place that knows.
 */
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { SpareBook, SpareIdentity } from '#core/spare-book';
import type { Store } from './store.ts';

const KIND = 'sandbox';

interface Entry extends SpareIdentity {
  readonly host: string;
}

export interface SpareLogOptions {
  readonly store: Pick<Store, 'documents' | 'putDocument' | 'dropDocument'>;
  readonly log: Log;
}

export class SpareLog {
  readonly #options: SpareLogOptions;
  readonly #entries: Map<string, Entry>;

  private constructor(options: SpareLogOptions, entries: Map<string, Entry>) {
    this.#options = options;
    this.#entries = entries;
  }

  /** @throws TidegateError of the `store.` family */
  static async open(options: SpareLogOptions): Promise<SpareLog> {
    const known = await options.store.documents(KIND);
    return new SpareLog(options, new Map(known.map(({ id, body }) => [id, body as Entry])));
  }

  of(host: string): SpareBook {
    const own = (id: string): Entry | null => {
      const entry = this.#entries.get(id);
      return entry?.host === host ? entry : null;
    };
    return {
      get: own,
      ids: () => [...this.#entries].flatMap(([id, entry]) => (entry.host === host ? [id] : [])),
      put: (id, identity) => this.#put(id, { ...identity, host }),
      drop: (id) => void (own(id) !== null && this.#drop(id)),
    };
  }

  async #put(id: string, entry: Entry): Promise<void> {
    await this.#options.store.putDocument(KIND, id, entry);
    this.#entries.set(id, entry);
  }

  /** What stays in the store by mistake is dropped when the Engine is listed after the next start. */
  #drop(id: string): void {
    this.#entries.delete(id);
    void this.#options.store.dropDocument(KIND, id).catch((error: unknown) => {
      this.#options.log.warn('who a spare sandbox was is still in the store', {
        container: id,
        error: messageOf(error),
      });
    });
  }
}
