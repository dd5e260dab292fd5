/**
 * The state port on embedded SQLite files in the state directory: one for all but certificates. Calls are short and answer at once; they are
 * promises because the port is.
 */
import { join } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { TidegateError } from '#core/errors';
import type { Event } from '#core/event';
import type { SetKey, SetSnapshot } from '#core/set';
import { CERTIFICATE_SHAPE, STATE_SHAPE, transaction } from './migrations.ts';
import { SqliteAccess } from './sqlite-access.ts';
import { CERTIFICATES_FILE, SqliteCertificates } from './sqlite-certificates.ts';
import { SqliteDocuments } from './sqlite-documents.ts';
import { storeFault } from './sqlite-fault.ts';
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts';
import { SqliteLeases } from './sqlite-leases.ts';
import { number, numberOrNull, octets, type Row, text, unexpected } from './sqlite-row.ts';
import { holdStateDirectory, type StateDirectory } from './state-directory.ts';
import {
  type CertificatePage,
  type CertificateRow,
  type DocumentChange,
  EVENTS_KEPT,
  type ExpectedVersion,
  type HostPicture,
  type Lease,
  PICTURE_SHAPE,
  type ScaleRecord,
  SLEEP_TIERS,
  type SleepNote,
  type Store,
  type StoredDocument,
  type TokenRecord,
} from './store.ts';

export const DATABASE_FILE = 'tidegate.db';

/**
 * Takes hold of the state directory and opens the state file in it.
 * @param holder the process that an operator would have to end for another to take hold
 * @throws TidegateError `store.locked`, `store.corrupt`, `store.newer` or `store.failed`
 */
export async function openSqliteStore(directory: string, holder = process.pid): Promise<Store> {
  const held = holdStateDirectory(directory, holder);
  try {
    return new SqliteStore(held);
  } catch (error) {
    held.release();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly #held: StateDirectory;
  readonly #path: string;
  readonly #file: SqliteFile;
  readonly #certificateFile: SqliteFile;
  readonly #documents: SqliteDocuments;
  readonly #leases: SqliteLeases;
  readonly #certificates: SqliteCertificates;
  #closed = false;

  constructor(held: StateDirectory) {
    this.#held = held;
    this.#path = join(held.path, DATABASE_FILE);
    const certificates = join(held.path, CERTIFICATES_FILE);
    this.#file = openSqliteFile(this.#path, { shape: STATE_SHAPE, isChecked: true });
    try {
      this.#certificateFile = openSqliteFile(certificates, { shape: CERTIFICATE_SHAPE, isChecked: false });
    } catch (error) {
      this.#file.close();
      throw error;
    }
    const access = new SqliteAccess(this.#file.durable, this.#path);
    this.#documents = new SqliteDocuments(access);
    this.#leases = new SqliteLeases(access);
    this.#certificates = new SqliteCertificates(new SqliteAccess(this.#certificateFile.durable, certificates));
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

  async dropEvents(): Promise<void> {
    this.#run('durable', 'DELETE FROM event');
  }

  async tokens(): Promise<readonly TokenRecord[]> {
    return this.#rows('SELECT * FROM token ORDER BY created_at, id').map((row) => ({
      id: text(row.id),
      kind: row.kind === 'op' ? row.kind : unexpected('kind', row.kind),
      sha256: octets(row.sha256),
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

  async documents(kind: string): Promise<readonly StoredDocument[]> {
    return this.#documents.all(kind);
  }

  documentPages(kind: string, size: number): AsyncIterable<readonly StoredDocument[]> {
    return this.#documents.pages(kind, size);
  }

  async document(kind: string, id: string): Promise<StoredDocument | null> {
    return this.#documents.one(kind, id);
  }

  async documentKinds(): Promise<readonly string[]> {
    return this.#documents.kinds();
  }

  async putDocument(kind: string, id: string, body: unknown, expected?: ExpectedVersion): Promise<number> {
    const [version] = this.#documents.change([{ kind, id, body, expected }]);
    return version ?? 0;
  }

  async dropDocument(kind: string, id: string, expected?: number): Promise<void> {
    this.#documents.change([{ kind, id, drop: true, expected }]);
  }

  async changeDocuments(changes: readonly DocumentChange[]): Promise<void> {
    this.#documents.change(changes);
  }

  async acquireLease(name: string, holder: string, ttlMs: number, now: number): Promise<Lease | null> {
    return this.#leases.acquire(name, holder, ttlMs, now);
  }

  async releaseLease(lease: Lease): Promise<void> {
    this.#leases.release(lease);
  }

  async holdsLease(lease: Lease, now: number): Promise<boolean> {
    return this.#leases.holds(lease, now);
  }

  async putCertificate(row: CertificateRow, lease?: Lease & { readonly now: number }): Promise<void> {
    if (lease === undefined) this.#certificates.put(row);
    else this.#leases.under(lease, lease.now, () => this.#certificates.put(row));
  }

  async certificate(id: string): Promise<CertificateRow | null> {
    return this.#certificates.one(id);
  }

  async certificates(page: CertificatePage): Promise<readonly CertificateRow[]> {
    return this.#certificates.page(page);
  }

  async certificatesOf(name: string): Promise<readonly CertificateRow[]> {
    return this.#certificates.of(name);
  }

  async dropCertificate(id: string): Promise<void> {
    this.#certificates.drop(id);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#certificateFile.close();
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
