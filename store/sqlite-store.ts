/**
 * The state port on one embedded SQLite file in the state directory. Calls are short and answer at once; they are
 * promises because the port is.
 */
import { join } from 'node:path';
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { TidegateError } from '#core/errors';
import type { Event } from '#core/event';
import type { SetKey, SetSnapshot } from '#core/set';
import { transaction } from './migrations.ts';
import { storeFault } from './sqlite-fault.ts';
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts';
import { holdStateDirectory, type StateDirectory } from './state-directory.ts';
import {
  EVENTS_KEPT,
  type HostPicture,
  type ScaleRecord,
  SLEEP_TIERS,
  type SleepNote,
  type Store,
  type TokenRecord,
} from './store.ts';

const DATABASE_FILE = 'tidegate.db';
/** Grows with every change of SetSnapshot that an older picture would not fit. */
const PICTURE_SHAPE = 1;

type Row = Readonly<Record<string, SQLOutputValue>>;

/**
 * Takes hold of the state directory and opens the state file in it.
 * @param holder the process that an operator would have to end for another to take hold
 * @throws TidegateError `store.locked`, `store.corrupt`, `store.newer` or `store.failed`
 */
export async function openSqliteStore(directory: string, holder = process.pid): Promise<Store> {
  const held = holdStateDirectory(directory, holder);
  try {
    const path = join(directory, DATABASE_FILE);
    return new SqliteStore(held, path, openSqliteFile(path));
  } catch (error) {
    held.release();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly #held: StateDirectory;
  readonly #path: string;
  readonly #file: SqliteFile;
  #closed = false;

  constructor(held: StateDirectory, path: string, file: SqliteFile) {
    this.#held = held;
    this.#path = path;
    this.#file = file;
  }

  async scales(): Promise<ReadonlyMap<SetKey, ScaleRecord>> {
    return new Map(
      this.#rows('SELECT * FROM scale').map((row) => [
        text(row.set_key) as SetKey,
        {
          min: numberOrNull(row.min),
          max: numberOrNull(row.max),
          replicas: numberOrNull(row.replicas),
          by: text(row.changed_by),
          at: number(row.changed_at),
        },
      ]),
    );
  }

  async putScale(key: SetKey, scale: ScaleRecord): Promise<void> {
    const { min, max, replicas, by, at } = scale;
    this.#run('durable', 'INSERT OR REPLACE INTO scale VALUES (?, ?, ?, ?, ?, ?)', key, min, max, replicas, by, at);
  }

  async dropScale(key: SetKey): Promise<void> {
    this.#run('durable', 'DELETE FROM scale WHERE set_key = ?', key);
  }

  async sleeping(): Promise<ReadonlyMap<string, SleepNote>> {
    return new Map(
      this.#rows('SELECT * FROM sleeping').map((row) => {
        const tier = SLEEP_TIERS.find((one) => one === row.tier) ?? unexpected('tier', row.tier);
        return [text(row.replica), { tier, direct: row.direct === 1, at: number(row.at) }];
      }),
    );
  }

  async putSleeping(replica: string, note: SleepNote): Promise<void> {
    const direct = note.direct ? 1 : 0;
    this.#run('swift', 'INSERT OR REPLACE INTO sleeping VALUES (?, ?, ?, ?)', replica, note.tier, direct, note.at);
  }

  async dropSleeping(replica: string): Promise<void> {
    this.#run('swift', 'DELETE FROM sleeping WHERE replica = ?', replica);
  }

  async pictures(): Promise<ReadonlyMap<string, HostPicture>> {
    return new Map(
      this.#rows('SELECT * FROM picture WHERE shape = ?', PICTURE_SHAPE).map((row) => [
        text(row.host),
        { sets: JSON.parse(text(row.sets)) as SetSnapshot[], at: number(row.at) },
      ]),
    );
  }

  async putPicture(host: string, picture: HostPicture): Promise<void> {
    const sets = JSON.stringify(picture.sets);
    this.#run('swift', 'INSERT OR REPLACE INTO picture VALUES (?, ?, ?, ?)', host, PICTURE_SHAPE, picture.at, sets);
  }

  async dropPicture(host: string): Promise<void> {
    this.#run('swift', 'DELETE FROM picture WHERE host = ?', host);
  }

  async appendEvents(events: readonly Event[]): Promise<void> {
    this.#use('swift', (database) => {
      transaction(database, () => {
        const insert = database.prepare('INSERT INTO event (body) VALUES (?)');
        for (const event of events) insert.run(JSON.stringify(event));
        database.prepare('DELETE FROM event WHERE seq <= (SELECT max(seq) FROM event) - ?').run(EVENTS_KEPT);
      });
    });
  }

  async lastEvents(limit: number): Promise<readonly Event[]> {
    const rows = this.#rows('SELECT body FROM event ORDER BY seq DESC LIMIT ?', limit);
    return rows.map((row) => JSON.parse(text(row.body)) as Event).reverse();
  }

  async tokens(): Promise<readonly TokenRecord[]> {
    return this.#rows('SELECT * FROM token ORDER BY created_at, id').map((row) => ({
      id: text(row.id),
      kind: row.kind === 'op' ? row.kind : unexpected('kind', row.kind),
      sha256: row.sha256 instanceof Uint8Array ? row.sha256 : unexpected('sha256', row.sha256),
      createdAt: number(row.created_at),
    }));
  }

  async putToken(token: TokenRecord): Promise<void> {
    const { id, kind, sha256, createdAt } = token;
    this.#run('durable', 'INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?)', id, kind, sha256, createdAt);
  }

  async dropToken(id: string): Promise<void> {
    this.#run('durable', 'DELETE FROM token WHERE id = ?', id);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
    this.#held.release();
  }

  #rows(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#use('swift', (database) => database.prepare(sql).all(...values));
  }

  #run(connection: 'durable' | 'swift', sql: string, ...values: SQLInputValue[]): void {
    this.#use(connection, (database) => database.prepare(sql).run(...values));
  }

  #use<T>(connection: 'durable' | 'swift', work: (database: DatabaseSync) => T): T {
    if (this.#closed) throw new TidegateError('store.failed', `${this.#path} is closed`);
    try {
      return work(this.#file[connection]);
    } catch (error) {
      throw storeFault(error, this.#path);
    }
  }
}

function text(value: SQLOutputValue | undefined): string {
  return typeof value === 'string' ? value : unexpected('text', value);
}

function number(value: SQLOutputValue | undefined): number {
  return typeof value === 'number' ? value : unexpected('number', value);
}

function numberOrNull(value: SQLOutputValue | undefined): number | null {
  return value === null ? null : number(value);
}

function unexpected(wanted: string, value: unknown): never {
  throw new TidegateError('store.corrupt', `a row holds ${String(value)} where a ${wanted} belongs`);
}
