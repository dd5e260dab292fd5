/** Documents in the state file. A write happens whole and on the expected version, or not at all. */
import { TidegateError } from '#core/errors';
import type { SqliteAccess } from './sqlite-access.ts';
import { number, type Row, text } from './sqlite-row.ts';
import type { DocumentChange, ExpectedVersion, StoredDocument } from './store.ts';

export class SqliteDocuments {
  readonly #access: SqliteAccess;

  constructor(access: SqliteAccess) {
    this.#access = access;
  }

  all(kind: string): readonly StoredDocument[] {
    return this.#access.all('SELECT id, version, body FROM document WHERE kind = ? ORDER BY id', kind).map(documentOf);
  }

  async *pages(kind: string, size: number): AsyncGenerator<readonly StoredDocument[]> {
    let after: string | null = null;
    while (true) {
      const sql = `SELECT id, version, body FROM document WHERE kind = ? AND ${after === null ? "id >= ''" : 'id > ?'} ORDER BY id LIMIT ?`;
      const page: StoredDocument[] = this.#access
        .all(sql, ...(after === null ? [kind, size] : [kind, after, size]))
        .map(documentOf);
      if (page.length > 0) yield page;
      if (page.length < size) return;
      after = page.at(-1)?.id ?? null;
    }
  }

  one(kind: string, id: string): StoredDocument | null {
    const row = this.#access.first('SELECT id, version, body FROM document WHERE kind = ? AND id = ?', kind, id);
    return row === null ? null : documentOf(row);
  }

  kinds(): readonly string[] {
    return this.#access.all('SELECT DISTINCT kind FROM document ORDER BY kind').map((row) => text(row.kind));
  }

  /** Returns the new versions; 0 for what was dropped. @throws TidegateError `store.conflict` */
  change(changes: readonly DocumentChange[]): readonly number[] {
    return this.#access.transaction(() =>
      changes.map(({ kind, id, expected, drop, body }) => {
        this.#expect(kind, id, expected);
        if (drop === true) {
          this.#access.run('DELETE FROM document WHERE kind = ? AND id = ?', kind, id);
          return 0;
        }
        const sql = 'INSERT OR REPLACE INTO document (kind, id, body) VALUES (?, ?, ?)';
        return this.#access.run(sql, kind, id, JSON.stringify(body ?? null));
      }),
    );
  }

  #expect(kind: string, id: string, expected: ExpectedVersion): void {
    if (expected === undefined) return;
    const row = this.#access.first('SELECT version FROM document WHERE kind = ? AND id = ?', kind, id);
    const found = row === null ? null : number(row.version);
    if (found === expected) return;
    const words = found === null ? 'is gone' : expected === null ? 'is there already' : 'has been changed meanwhile';
    throw new TidegateError('store.conflict', `the ${kind} ${id} ${words}`, { detail: { kind, id, expected, found } });
  }
}

function documentOf(row: Row): StoredDocument {
  return { id: text(row.id), version: number(row.version), body: JSON.parse(text(row.body)) as unknown };
}
