/**
 * The shape of the state file, as a numbered row of steps. A step that has been released is never edited: a change of
 * shape is a new step at the end. Each runs in one transaction together with its number.
 */
import type { DatabaseSync } from 'node:sqlite';
import { TidegateError } from '#core/errors';

/** Marks a SQLite file as ours ("Tide" in ASCII). */
export const APPLICATION_ID = 0x54_69_64_65;

const STEPS: readonly string[] = [
  `
  CREATE TABLE scale (
    set_key TEXT PRIMARY KEY,
    min INTEGER,
    max INTEGER,
    replicas INTEGER,
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sleeping (
    replica TEXT PRIMARY KEY,
    tier TEXT NOT NULL CHECK (tier IN ('frozen', 'stopped')),
    direct INTEGER NOT NULL CHECK (direct IN (0, 1)),
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE picture (
    host TEXT PRIMARY KEY,
    shape INTEGER NOT NULL,
    at INTEGER NOT NULL,
    sets TEXT NOT NULL
  ) STRICT;
  CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE token (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The shape that this version reads and writes. */
export const CURRENT_SHAPE = STEPS.length;

/**
 * Brings a database to {@link CURRENT_SHAPE}.
 * @throws TidegateError `store.newer` when it is beyond that, `store.corrupt` when it is somebody else's
 */
export function migrate(database: DatabaseSync, file: string): void {
  const shape = pragma(database, 'user_version');
  const application = pragma(database, 'application_id');
  const empty = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.tables === 0;
  if (application !== APPLICATION_ID && !(empty && application === 0 && shape === 0)) {
    throw new TidegateError('store.corrupt', `${file} is a database of another program`, { detail: { file } });
  }
  if (shape > CURRENT_SHAPE) {
    throw new TidegateError('store.newer', `${file} has shape ${shape}; this version knows ${CURRENT_SHAPE}`, {
      detail: { file, shape, known: CURRENT_SHAPE },
    });
  }
  for (const [done, step] of STEPS.entries()) {
    if (done < shape) continue;
    transaction(database, () => {
      database.exec(`${step}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${done + 1}`);
    });
  }
}

/** Runs `work` in one transaction: all of it or nothing. */
export function transaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
