/**
 * The state directory: made with mode 0700, held by one process at a time. The hold is a lock of the operating system on
 * a file in it, so it dies with the process, however that dies, and never has to be cleaned up.
 */
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, TidegateError } from '#core/errors';
import { isBusy } from './sqlite-fault.ts';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
/** Locked as an (empty) SQLite file: the one exclusive lock that Node offers without native code. */
const LOCK_FILE = 'tidegate.lock';
/** Says who holds the lock, for the message of the one who does not get it. */
const PID_FILE = 'tidegate.pid';

export interface StateDirectory {
  readonly path: string;
  /** Lets the next process have it. */
  release(): void;
}

/**
 * Makes the directory if need be and takes hold of it.
 * @throws TidegateError `store.locked` when another process (or this one, a second time) holds it, `store.failed` when it
 * cannot be made or written
 */
export function holdStateDirectory(path: string, holder = process.pid): StateDirectory {
  makePrivate(path);
  const pidFile = join(path, PID_FILE);
  const lock = lockFile(join(path, LOCK_FILE), pidFile, path);
  try {
    writeFileSync(pidFile, `${holder}\n`, { mode: FILE_MODE });
  } catch (error) {
    lock.close();
    throw unusable(path, error);
  }
  return {
    path,
    release() {
      if (!lock.isOpen) return;
      rmSync(pidFile, { force: true });
      lock.close();
    },
  };
}

/** An existing directory is closed to others only if it is ours or empty: TIDEGATE_DATA may name a shared one by mistake. */
function makePrivate(path: string): void {
  try {
    const made = mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
    if (made !== undefined) return;
    const names = readdirSync(path);
    if (names.length === 0 || names.includes(LOCK_FILE)) chmodSync(path, DIRECTORY_MODE);
  } catch (error) {
    throw unusable(path, error);
  }
}

function lockFile(file: string, pidFile: string, path: string): DatabaseSync {
  let lock: DatabaseSync | null = null;
  try {
    makeOnce(file);
    lock = new DatabaseSync(file, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (!isBusy(error)) throw unusable(path, error);
    throw new TidegateError('store.locked', `${path} is held by ${holder(pidFile)}`, { cause: error });
  }
}

/**
 * SQLite would make it readable by all, and whoever can read it can lock it. Never opened when it is there: closing it
 * would end the locks that this process has on it (POSIX).
 */
function makeOnce(file: string): void {
  try {
    closeSync(openSync(file, 'wx', FILE_MODE));
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
  }
}

function holder(pidFile: string): string {
  try {
    return `process ${readFileSync(pidFile, 'utf8').trim()}`;
  } catch {
    return 'another process';
  }
}

function unusable(path: string, error: unknown): TidegateError {
  return new TidegateError('store.failed', `the state directory ${path} cannot be used: ${messageOf(error)}`, {
    cause: error,
  });
}
