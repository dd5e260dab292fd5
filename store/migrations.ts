/**
 * The shapes of the files, each as a numbered row of steps. A step that has been released is never edited: a change of
 * shape is a new step at the end. Each runs in one transaction together with its number.
 */
import type { DatabaseSync } from 'node:sqlite';
import { TidegateError } from '#core/errors';

/** Marks a SQLite file as ours ("Tide" in ASCII). */
export const APPLICATION_ID = 0x54_69_64_65;

const STATE_STEPS: readonly string[] = [
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
  // AUTOINCREMENT: a version, or a fence, is never given twice.
  `
  CREATE TABLE document (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
  ) STRICT;
  CREATE TABLE lease (
    fence INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
  ) STRICT;
  `,
  // Which tiers there are is said in one place, store.ts.
  `
  CREATE TABLE sleeping_anew (
    replica TEXT PRIMARY KEY,
    tier TEXT NOT NULL,
    direct INTEGER NOT NULL CHECK (direct IN (0, 1)),
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO sleeping_anew SELECT * FROM sleeping;
  DROP TABLE sleeping;
  ALTER TABLE sleeping_anew RENAME TO sleeping;
  `,
];

const CERTIFICATE_STEPS: readonly string[] = [
  `
  CREATE TABLE certificate (
    id TEXT PRIMARY KEY,
    tenant TEXT,
    names TEXT NOT NULL,
    chain TEXT NOT NULL,
    sealed_key BLOB NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX certificate_tenant ON certificate (tenant, id);
  CREATE TABLE certificate_name (
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    certificate TEXT NOT NULL,
    PRIMARY KEY (name, created_at, certificate)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX certificate_name_of ON certificate_name (certificate);
  `,
];

/** What a file of ours holds, and how it came to that. */
export interface FileShape {
  /** As SQLite marks a file. */
  readonly application: number;
  readonly steps: readonly string[];
}

export const STATE_SHAPE: FileShape = { application: APPLICATION_ID, steps: STATE_STEPS };
/** "TidC" in ASCII. */
export const CERTIFICATE_SHAPE: FileShape = { application: 0x54_69_64_43, steps: CERTIFICATE_STEPS };

/** The shape of the state file that this version reads and writes. */
export const CURRENT_SHAPE = STATE_STEPS.length;

/**
 * Brings a database to the last step of its shape.
 * @throws TidegateError `store.newer` when it is beyond that, `store.corrupt` when it is somebody else's
 */
export function migrate(database: DatabaseSync, file: string, { application: ours, steps }: FileShape): void {
  const shape = pragma(database, 'user_version');
  const application = pragma(database, 'application_id');
  const empty = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.tables === 0;
  if (application !== ours && !(empty && application === 0 && shape === 0)) {
    throw new TidegateError('store.corrupt', `${file} is a database of another program`, { detail: { file } });
  }
  if (shape > steps.length) {
    throw new TidegateError('store.newer', `${file} has shape ${shape}; this version knows ${steps.length}`, {
      detail: { file, shape, known: steps.length },
    });
  }
  for (const [done, step] of steps.entries()) {
    if (done < shape) continue;
    transaction(database, () => {
      database.exec(`${step}; PRAGMA application_id = ${ours}; PRAGMA user_version = ${done + 1}`);
    });
  }
}

/** Runs `work` in one transaction: all of it or nothing. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
