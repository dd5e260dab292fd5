/**
 * Opens a file of the store: readable by its owner alone, and brought to the shape of this version. Two connections
 * to it differ in one thing, which docs/decisions/0002-sqlite.md explains: what they sync to the disk before they answer.
 */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { TidegateError } from '#core/errors';
import { type FileShape, migrate } from './migrations.ts';
import { storeFault } from './sqlite-fault.ts';

/** For an operator's own sqlite3 that writes at the same moment; the wait blocks the process. */
const BUSY_TIMEOUT_MS = 1000;
const FILE_MODE = 0o600;

export interface SqliteFile {
  /** Every commit is on the disk when it returns: survives a loss of power. */
  readonly durable: DatabaseSync;
  /** Commits are with the operating system when they return: they survive a kill -9, the last ones not a loss of power. */
  readonly swift: DatabaseSync;
  close(): void;
}

export interface SqliteFileOptions {
  readonly shape: FileShape;
  /** Read through before it is used. That takes as long as the file is big. */
  readonly isChecked: boolean;
}

/** @throws TidegateError `store.corrupt`, `store.newer` or `store.failed` */
export function openSqliteFile(file: string, { shape, isChecked }: SqliteFileOptions): SqliteFile {
  const opened: DatabaseSync[] = [];
  const close = (): void => {
    for (const database of opened.splice(0).reverse()) database.close();
  };
  try {
    // Made by us first, because SQLite would make it readable by all; its -wal and -shm take over the mode.
    closeSync(openSync(file, 'a', FILE_MODE));
    const durable = connect(file, 'FULL', opened);
    if (isChecked) check(durable, file);
    migrate(durable, file, shape);
    return { durable, swift: connect(file, 'NORMAL', opened), close };
  } catch (error) {
    close();
    throw storeFault(error, file);
  }
}

function connect(file: string, synchronous: 'FULL' | 'NORMAL', opened: DatabaseSync[]): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  opened.push(database);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
  return database;
}

function check(database: DatabaseSync, file: string): void {
  const verdict = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (verdict !== 'ok') {
    throw new TidegateError('store.corrupt', `${file}: ${String(verdict)}`, { detail: { file } });
  }
}
