/**
 * `main.ts export FILE` and `main.ts import FILE [--replace]`: the state as one file, out of the store that the settings
 * name and into it. The store is held meanwhile, so that no Tidegate runs on it.
 */
import path from 'node:path';
import { systemClock } from '#core/clock';
import type { Config } from '#core/config';
import { jsonLog } from '#core/log';
import { exportState } from '#store/export';
import { importState } from '#store/import';
import { RECORD_TYPES, type StateCounts } from '#store/state-record';
import { openStore } from './memory.ts';

const USAGE = 'usage: main.ts export FILE, or main.ts import FILE [--replace]';

export interface TransferOptions {
  readonly config: Config;
  /** What follows `export` or `import` on the command line. */
  readonly args: readonly string[];
  /** Takes one line of log, newline included. */
  readonly writeLine: (line: string) => void;
}

/**
 * Returns what was done, in words.
 * @throws TidegateError of the `store.` family
 * @throws Error with the usage, when the arguments are not those
 */
export async function transferState(
  direction: 'export' | 'import',
  { config, args, writeLine }: TransferOptions,
): Promise<string> {
  const isReplacing = direction === 'import' && args.includes('--replace');
  const [name, ...more] = args.filter((arg) => !(isReplacing && arg === '--replace'));
  if (name === undefined || name.startsWith('--') || more.length > 0) throw new Error(USAGE);
  const file = path.resolve(name);
  const clock = systemClock;
  const log = jsonLog({ level: config.log, write: writeLine, wall: clock.wall });
  const { store, instance } = await openStore({ config, clock, log, holder: undefined }, path.resolve(config.data));
  try {
    const now = clock.wall();
    if (direction === 'export')
      return `exported ${words(await exportState(store, { file, instance, now }))} to ${file}`;
    return `imported ${words(await importState(store, { file, isReplacing, now }))} from ${file}`;
  } finally {
    await store.close();
  }
}

function words(counts: StateCounts): string {
  return RECORD_TYPES.map((type) => `${counts[type]} ${type}`).join(', ');
}
