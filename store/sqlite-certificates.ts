/**
 * Certificates in a file of their own, which is not read through at the start (docs/decisions/0007-certificates-at-rest.md).
 * Found by name through an index, whatever their number.
 */
import type { SqliteAccess } from './sqlite-access.ts';
import { number, octets, type Row, text, textOrNull } from './sqlite-row.ts';
import type { CertificatePage, CertificateRow } from './store.ts';

export const CERTIFICATES_FILE = 'certificates.db';

/** The newest first. */
export const BY_NAME = `
  SELECT certificate.* FROM certificate_name JOIN certificate ON certificate.id = certificate_name.certificate
  WHERE certificate_name.name = ? ORDER BY certificate_name.created_at DESC, certificate_name.certificate DESC`;

export class SqliteCertificates {
  readonly #access: SqliteAccess;

  constructor(access: SqliteAccess) {
    this.#access = access;
  }

  put(row: CertificateRow): void {
    const { id, tenant, names, chain, sealedKey, notBefore, notAfter, createdAt } = row;
    this.#access.transaction(() => {
      this.#drop(id);
      const body = JSON.stringify(row.body ?? null);
      const sql = 'INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)';
      const said = JSON.stringify(names);
      this.#access.run(sql, id, tenant, said, chain, sealedKey, notBefore, notAfter, createdAt, body);
      for (const name of new Set(names)) {
        this.#access.run('INSERT INTO certificate_name VALUES (?, ?, ?)', name, createdAt, id);
      }
    });
  }

  one(id: string): CertificateRow | null {
    const row = this.#access.first('SELECT * FROM certificate WHERE id = ?', id);
    return row === null ? null : certificateOf(row);
  }

  page({ after, limit, tenant }: CertificatePage): readonly CertificateRow[] {
    const from = after ?? '';
    const rows =
      tenant === undefined
        ? this.#access.all('SELECT * FROM certificate WHERE id > ? ORDER BY id LIMIT ?', from, limit)
        : this.#access.all(
            'SELECT * FROM certificate WHERE tenant IS ? AND id > ? ORDER BY id LIMIT ?',
            ...[tenant, from, limit],
          );
    return rows.map(certificateOf);
  }

  of(name: string): readonly CertificateRow[] {
    return this.#access.all(BY_NAME, name).map(certificateOf);
  }

  drop(id: string): void {
    this.#access.transaction(() => this.#drop(id));
  }

  #drop(id: string): void {
    this.#access.run('DELETE FROM certificate_name WHERE certificate = ?', id);
    this.#access.run('DELETE FROM certificate WHERE id = ?', id);
  }
}

export function certificateOf(row: Row): CertificateRow {
  return {
    id: text(row.id),
    tenant: textOrNull(row.tenant),
    names: JSON.parse(text(row.names)) as string[],
    chain: text(row.chain),
    sealedKey: octets(row.sealed_key),
    notBefore: number(row.not_before),
    notAfter: number(row.not_after),
    createdAt: number(row.created_at),
    body: JSON.parse(text(row.body)) as unknown,
  };
}
