/** What containers write, kept beside the state: the store of lines, and who collects them from the hosts. */
import path from 'node:path';
import type { Clock } from '#core/clock';
import type { Config } from '#core/config';
import type { Log } from '#core/log';
import type { SetKey, SetSnapshot } from '#core/set';
import type { LogEngine } from '#docker/logs';
import { LogCollector } from '#logs/log-collector';
import { LogStore } from '#logs/log-store';

const FOLDER = 'logs';
const DAY_MS = 86_400_000;

export interface ContainerLogs {
  readonly store: LogStore;
  /** A new picture of a set. */
  readonly observe: (snapshot: SetSnapshot) => void;
  readonly forget: (key: SetKey) => void;
  /** Resolves when all that was read is kept. */
  readonly close: () => Promise<void>;
}

export interface ContainerLogsOptions {
  readonly config: Pick<Config, 'data' | 'logs'>;
  readonly engine: (host: string) => LogEngine | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** @throws the system's own error when the folder cannot be read */
export async function openContainerLogs({ config, engine, clock, log }: ContainerLogsOptions): Promise<ContainerLogs> {
  const { keepBytes, keepDays } = config.logs;
  const directory = path.join(path.resolve(config.data), FOLDER);
  const store = await LogStore.open({ directory, keepBytes, keepMs: keepDays * DAY_MS, clock, log });
  const collector = new LogCollector({ store, engine, clock, log });
  return {
    store,
    observe: (snapshot) => collector.observe(snapshot),
    forget: (key) => collector.forget(key),
    close: async () => {
      await collector.close();
      await store.close();
    },
  };
}
