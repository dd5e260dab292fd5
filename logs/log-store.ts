/**
 * All logs of one Tidegate, in `logs/<tenant>/<app>/<set>` of its state directory. They stay when containers, sets and apps
 * go, until they are too old or too many.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock, Timer } from '#core/clock';
import type { Log } from '#core/log';
import { isName } from '#core/name';
import { type LogFilter, lineTest } from './log-filter.ts';
import { type LogPage, readPage } from './log-page.ts';
import type { LogPosition } from './log-position.ts';
import { LogTail } from './log-tail.ts';
import { SetLog } from './set-log.ts';

const SWEEP_EVERY_MS = 3_600_000;

export interface LogStoreOptions {
  readonly directory: string;
  /** Of one set. */
  readonly keepBytes: number;
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface AppOfLogs {
  readonly tenant: string;
  readonly app: string;
  /** Null: all of its sets. */
  readonly set: string | null;
}

export class LogStore {
  readonly #options: LogStoreOptions;
  /** `<tenant>/<app>` → sets. */
  readonly #apps = new Map<string, Map<string, Promise<SetLog> | null>>();
  readonly #waiting = new Set<() => void>();
  #timer: Timer | null = null;
  #closed = false;

  private constructor(options: LogStoreOptions) {
    this.#options = options;
  }

  /** Finds what is kept; nothing of it is read yet. */
  static async open(options: LogStoreOptions): Promise<LogStore> {
    const store = new LogStore(options);
    for (const tenant of await foldersIn(options.directory)) {
      for (const app of await foldersIn(path.join(options.directory, tenant))) {
        for (const set of await foldersIn(path.join(options.directory, tenant, app)))
          store.#sets(tenant, app).set(set, null);
      }
    }
    store.#sweepLater();
    return store;
  }

  /** Whether lines of the app are kept, or of one of its sets. */
  knows({ tenant, app, set }: AppOfLogs): boolean {
    const sets = this.#apps.get(`${tenant}/${app}`);
    return sets !== undefined && (set === null ? sets.size > 0 : sets.has(set));
  }

  /** The log of a set, made where there is none. @throws the system's own error */
  logOf(tenant: string, app: string, set: string): Promise<SetLog> {
    if (this.#closed) return Promise.reject(new Error('the logs are closed'));
    if (![tenant, app, set].every(isName)) return Promise.reject(new Error(`${tenant}/${app}/${set} is no set`));
    const sets = this.#sets(tenant, app);
    const known = sets.get(set);
    if (known) return known;
    const { directory, keepBytes } = this.#options;
    const opening = SetLog.open(path.join(directory, tenant, app, set), keepBytes);
    sets.set(set, opening);
    opening.catch(() => {
      if (sets.get(set) === opening) sets.set(set, null);
    });
    if (known === undefined) for (const wake of [...this.#waiting]) wake();
    return opening;
  }

  /** The newest lines that pass, before a position. */
  async page(
    of: AppOfLogs,
    filter: LogFilter,
    { limit, before }: { limit: number; before: LogPosition },
  ): Promise<LogPage> {
    const logs = new Map<string, SetLog>();
    for (const [set, opening] of this.#logsOf(of)) logs.set(set, await opening);
    return readPage({ logs, test: lineTest(filter), limit, before });
  }

  /** Lines that arrive behind a position. */
  tail(of: AppOfLogs, filter: LogFilter, position: LogPosition): LogTail {
    const logs = (): Map<string, Promise<SetLog>> => this.#logsOf(of);
    return new LogTail({ logs, changed: (signal) => this.#changed(signal), test: lineTest(filter), position });
  }

  /** The position behind the newest lines. */
  async end(of: AppOfLogs): Promise<LogPosition> {
    const position = new Map<string, number>();
    for (const [set, opening] of this.#logsOf(of)) position.set(set, (await opening).end);
    return position;
  }

  /** Removes everything that containers of a tenant wrote. @throws the system's own error */
  async dropTenant(tenant: string): Promise<void> {
    if (!isName(tenant)) return;
    for (const [key, sets] of [...this.#apps]) {
      if (!key.startsWith(`${tenant}/`)) continue;
      this.#apps.delete(key);
      for (const opening of sets.values()) await opening?.then((log) => log.close()).catch(() => {});
    }
    await rm(path.join(this.#options.directory, tenant), { recursive: true, force: true });
  }

  /** Lets go of what is too old. */
  async sweep(): Promise<void> {
    const { directory, keepMs, clock } = this.#options;
    const since = clock.wall() - keepMs;
    for (const [key, sets] of this.#apps) {
      const [tenant = '', app = ''] = key.split('/');
      for (const [set, opened] of [...sets]) {
        const folder = path.join(directory, tenant, app, set);
        // One that nobody has opened is looked at from outside first.
        if (opened === null && (await oldestIn(folder)) >= since) continue;
        const log = await this.logOf(tenant, app, set);
        if (await log.sweep(since)) continue;
        if (log.isWrittenOn) continue;
        sets.delete(set);
        await log.close();
        await rm(folder, { recursive: true, force: true });
      }
      if (sets.size === 0) this.#apps.delete(key);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    for (const wake of [...this.#waiting]) wake();
    for (const sets of this.#apps.values()) {
      for (const opening of sets.values()) await opening?.then((log) => log.close()).catch(() => {});
    }
  }

  #sets(tenant: string, app: string): Map<string, Promise<SetLog> | null> {
    const key = `${tenant}/${app}`;
    const known = this.#apps.get(key);
    if (known !== undefined) return known;
    const sets = new Map<string, Promise<SetLog> | null>();
    this.#apps.set(key, sets);
    return sets;
  }

  #logsOf({ tenant, app, set }: AppOfLogs): Map<string, Promise<SetLog>> {
    const names = [...(this.#apps.get(`${tenant}/${app}`)?.keys() ?? [])];
    const wanted = set === null ? names : names.filter((name) => name === set);
    return new Map(wanted.sort().map((name) => [name, this.logOf(tenant, app, name)]));
  }

  #changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #sweepLater(): void {
    this.#timer = this.#options.clock.after(SWEEP_EVERY_MS, () => {
      void this.sweep()
        .catch((error: unknown) => this.#options.log.warn('old logs could not be removed', { error }))
        .finally(() => {
          if (!this.#closed) this.#sweepLater();
        });
    });
  }
}

/** When the file was written to that was left alone for the longest; ms since the epoch. */
async function oldestIn(folder: string): Promise<number> {
  const times = (await readdir(folder)).map(async (name) => (await stat(path.join(folder, name))).mtimeMs);
  return Math.min(...(await Promise.all(times)));
}

async function foldersIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && isName(entry.name)).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
