/**
 * Who spare sandboxes have become, by container: at hand in memory, in the store before anything is built on it. The labels
 * of a container cannot change, so this is the only place that knows.
 */
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { Store } from './store.ts';

const KIND = 'sandbox';

/** Plain JSON. */
export interface SpareNote {
  readonly labels: Readonly<Record<string, string>>;
  readonly network: string;
  readonly exposedPort: number | null;
}

interface Entry extends SpareNote {
  readonly host: string;
}

export interface SpareLogOptions {
  readonly store: Pick<Store, 'documents' | 'putDocument' | 'dropDocument'>;
  readonly log: Log;
}

/** The part of one host. */
export interface HostSpares {
  get(containerId: string): SpareNote | null;
  ids(): readonly string[];
  put(containerId: string, note: SpareNote): Promise<void>;
  drop(containerId: string): void;
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

  of(host: string): HostSpares {
    const own = (id: string): Entry | null => {
      const entry = this.#entries.get(id);
      return entry?.host === host ? entry : null;
    };
    return {
      get: own,
      ids: () => [...this.#entries].flatMap(([id, entry]) => (entry.host === host ? [id] : [])),
      put: (id, note) => this.#put(id, { ...note, host }),
      drop: (id) => void (own(id) !== null && this.#drop(id)),
    };
  }

  async #put(id: string, entry: Entry): Promise<void> {
    await this.#options.store.putDocument(KIND, id, entry);
    this.#entries.set(id, entry);
  }

  /** What stays in the store by mistake is dropped when the Engine is listed next. */
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
