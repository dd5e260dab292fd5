/** Gives a set other bounds of its scale: in its spec, and in force at once, whatever else goes on about it. */
import type { AppLibrary, SetPlace } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import type { Asker } from './asker.ts';
import type { Departures } from './departures.ts';
import type { AppsPorts } from './ports.ts';
import { rescaled, type ScaleBounds } from './scale-bounds.ts';
import type { Also } from './set-wish.ts';

export interface RescalingOptions {
  readonly ports: Pick<AppsPorts, 'clock' | 'store'>;
  readonly library: AppLibrary;
  readonly departures: Departures;
  readonly declare: (set: SetRecord) => void;
}

export class Rescaling {
  readonly #options: RescalingOptions;

  constructor(options: RescalingOptions) {
    this.#options = options;
  }

  /**
   * @param named bounds that are written; what is left out stays
   * @returns null: the set has gone
   * @throws TidegateError `apps.removing`, and of the `store.` family; nothing has changed then
   */
  async rescale(
    { by }: Asker,
    { tenant, app, name }: SetPlace,
    named: Partial<ScaleBounds>,
    also: Also,
  ): Promise<SetRecord | null> {
    const { ports, library, departures, declare } = this.#options;
    const who = { by, at: ports.clock.wall() };
    const make = () => {
      const known = library.set(tenant, app, name);
      return known === null ? null : { sets: [rescaled(known, named, who)] };
    };
    const keep = (changes: Also): Promise<void> => ports.store.changeDocuments([...changes, ...also]);
    const done = await departures.during(tenant, app, [name], () => library.write(tenant, app, make, keep));
    const set = done?.sets[0] ?? null;
    if (set !== null) declare(set);
    return set;
  }
}
