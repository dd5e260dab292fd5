/** Whoever decides on what he has read of sets does so alone: nobody changes them in between. */
import { setId } from '#apps/app-record';
import type { Apps } from '#apps/apps';

export interface SetsOfApp {
  readonly tenant: string;
  readonly app: string;
  /** Their names. */
  readonly sets: readonly string[];
}

/** Runs when all that was begun before about these sets is done. Taken before the turn of a plan, and never within another. */
export function inTurnOf<T>(apps: Apps, { tenant, app, sets }: SetsOfApp, run: () => Promise<T>): Promise<T> {
  return apps.turns.takeAll(
    sets.map((set) => setId(tenant, app, set)),
    run,
  );
}
