/** What people asked for beside the labels, by set: remembered for good before it is in force. */
import type { SetKey } from '#core/set';
import type { ScaleRecord, Store } from './store.ts';

export class ScaleSettings {
  readonly #store: Pick<Store, 'putScale' | 'dropScale'>;
  readonly #settings: Map<SetKey, ScaleRecord>;

  private constructor(store: Pick<Store, 'putScale' | 'dropScale'>, settings: ReadonlyMap<SetKey, ScaleRecord>) {
    this.#store = store;
    this.#settings = new Map(settings);
  }

  static async open(store: Pick<Store, 'scales' | 'putScale' | 'dropScale'>): Promise<ScaleSettings> {
    return new ScaleSettings(store, await store.scales());
  }

  get(key: SetKey): ScaleRecord | null {
    return this.#settings.get(key) ?? null;
  }

  /**
   * Null: back to the labels.
   * @throws TidegateError `store.…`; then nothing has changed
   */
  async change(key: SetKey, setting: ScaleRecord | null): Promise<void> {
    if (setting === null) {
      await this.#store.dropScale(key);
      this.#settings.delete(key);
    } else {
      await this.#store.putScale(key, setting);
      this.#settings.set(key, setting);
    }
  }
}
