/** What Tidegate remembers over a restart, opened in order: the store, and those who write into it behind the work. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Clock } from '#core/clock';
import type { Config } from '#core/config';
import type { Log } from '#core/log';
import { EventLog } from '#store/event-log';
import { refuseHalfImport } from '#store/import-marker';
import { LeaseLog } from '#store/lease-log';
import { type OperatorToken, openOperatorToken } from '#store/operator-token';
import { openRedisStore } from '#store/redis-store';
import { ScaleSettings } from '#store/scale-settings';
import { SleepLog } from '#store/sleep-log';
import { SpareLog } from '#store/spare-log';
import { openSqliteStore } from '#store/sqlite-store';
import { holdStateDirectory } from '#store/state-directory';
import type { Store } from '#store/store';
import { instanceOf } from './instance.ts';

export interface Memory {
  readonly store: Store;
  /** Names this Tidegate among those that the store could be shared with. */
  readonly instance: string;
  readonly events: EventLog;
  readonly scales: ScaleSettings;
  readonly sleeping: SleepLog;
  readonly leases: LeaseLog;
  readonly spares: SpareLog;
  readonly token: OperatorToken;
}

/** What is taken down at the end, last made first. */
export interface Part {
  readonly name: string;
  readonly close: () => Promise<void> | void;
}

export interface MemoryOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** Process that an operator would have to end for another to take hold; undefined: this one. */
  readonly holder: number | undefined;
  readonly onOpened: (part: Part) => void;
}

/** The state directory is held by one process whatever the store: keys are in it. */
export async function openStore(
  { config, clock, log, holder }: Pick<MemoryOptions, 'config' | 'clock' | 'log' | 'holder'>,
  directory: string,
): Promise<{ readonly store: Store; readonly instance: string }> {
  if (config.store === 'sqlite') {
    const store = await openSqliteStore(directory, holder);
    return { store, instance: instanceOf(directory, clock.wall()) };
  }
  const held = holdStateDirectory(directory, holder);
  try {
    const instance = instanceOf(directory, clock.wall());
    const store = await openRedisStore(config.store, log, { instance, clock });
    const close = store.close.bind(store);
    store.close = async () => {
      await close();
      held.release();
    };
    return { store, instance };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** @throws TidegateError of the `store.` family; what was opened before has been handed to `onOpened` */
export async function openMemory({ config, clock, log, holder, onOpened }: MemoryOptions): Promise<Memory> {
  const directory = path.resolve(config.data);
  const { store, instance } = await openStore({ config, clock, log, holder }, directory);
  onOpened({ name: 'store', close: () => store.close() });
  await refuseHalfImport(store);
  const events = await EventLog.open({ store, clock, random: randomBytes, log });
  onOpened({ name: 'events', close: () => events.close() });
  const scales = await ScaleSettings.open(store);
  const sleeping = await SleepLog.open({ store, clock, log });
  onOpened({ name: 'sleep notes', close: () => sleeping.writing.close() });
  const leases = await LeaseLog.open({ store, clock, log });
  onOpened({ name: 'leases', close: () => leases.writing.close() });
  const spares = await SpareLog.open({ store, log });
  const token = await openOperatorToken({
    ...{ store, directory, given: config.token },
    ...{ wall: clock.wall, random: randomBytes },
  });
  return { store, instance, events, scales, sleeping, leases, spares, token };
}
