/** Certificates in Redis: rows in one hash, found by name, by tenant and in pages through sorted sets. */
import { TidegateError } from '#core/errors';
import { PREFIX, type RedisAccess } from './redis-access.ts';
import { leaseKey } from './redis-leases.ts';
import { DROP_CERTIFICATE, PUT_CERTIFICATE } from './redis-scripts.ts';
import type { CertificatePage, CertificateRow, Lease } from './store.ts';

const ROWS = `${PREFIX}certificate`;
const KEYS = [ROWS, `${PREFIX}certificate-index`, `${PREFIX}certificates`];

export class RedisCertificates {
  readonly #access: RedisAccess;

  constructor(access: RedisAccess) {
    this.#access = access;
  }

  /** @throws TidegateError `store.conflict` when the lease is not held */
  async put(row: CertificateRow, lease?: Lease & { readonly now: number }): Promise<void> {
    const { id, names, tenant, createdAt, sealedKey } = row;
    const said = JSON.stringify({ names: [...new Set(names)], tenant: tenant ?? '' });
    const kept = JSON.stringify({ ...row, sealedKey: Buffer.from(sealedKey).toString('base64') });
    const terms = lease === undefined ? [] : [lease.holder, lease.fence, lease.now];
    const keys = [...KEYS, leaseKey(lease?.name ?? '')];
    const answer = await this.#access.script(PUT_CERTIFICATE, keys, [PREFIX, id, kept, said, createdAt, ...terms]);
    if (answer === 'done' || lease === undefined) return;
    throw new TidegateError('store.conflict', `${lease.holder} does not hold the lease ${lease.name} any more`, {
      detail: { name: lease.name, fence: lease.fence },
    });
  }

  async one(id: string): Promise<CertificateRow | null> {
    const [row] = await this.#rows([id]);
    return row ?? null;
  }

  async page({ after, limit, tenant }: CertificatePage): Promise<readonly CertificateRow[]> {
    const key = tenant === undefined ? `${PREFIX}certificates` : `${PREFIX}certificates-of:${tenant ?? ''}`;
    const from = after === null ? '-' : `(${after}`;
    const ids = await this.#access.use((redis) => redis.zrangebylex(key, from, '+', 'LIMIT', 0, limit));
    return this.#rows(ids);
  }

  /** The newest first. */
  async of(name: string): Promise<readonly CertificateRow[]> {
    const ids = await this.#access.use((redis) => redis.zrevrange(`${PREFIX}certificate-name:${name}`, 0, -1));
    return this.#rows(ids);
  }

  async drop(id: string): Promise<void> {
    await this.#access.script(DROP_CERTIFICATE, KEYS, [PREFIX, id]);
  }

  async #rows(ids: readonly string[]): Promise<CertificateRow[]> {
    if (ids.length === 0) return [];
    const kept = await this.#access.use((redis) => redis.hmget(ROWS, ...ids));
    // What was dropped since is not there.
    return kept.flatMap((text) => (text === null ? [] : [rowOf(text)]));
  }
}

function rowOf(text: string): CertificateRow {
  const row = JSON.parse(text) as Omit<CertificateRow, 'sealedKey'> & { readonly sealedKey: string };
  return { ...row, sealedKey: Buffer.from(row.sealedKey, 'base64') };
}
