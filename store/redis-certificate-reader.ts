/** Looks into the certificates of a Redis store, from a process that serves and writes nothing. */
import { RedisAccess } from './redis-access.ts';
import { RedisCertificates } from './redis-certificates.ts';
import type { CertificateRow } from './store.ts';

export class RedisCertificateReader {
  readonly #access: RedisAccess;
  readonly #certificates: RedisCertificates;

  /** Connects with its first look. @param url see `openRedisStore` */
  constructor(url: string) {
    this.#access = new RedisAccess(url);
    this.#certificates = new RedisCertificates(this.#access);
  }

  /**
   * The newest certificate with exactly this name that is accepted; null: there is none.
   * @throws TidegateError `store.failed`
   */
  async newest(name: string, accepts: (row: CertificateRow) => boolean): Promise<CertificateRow | null> {
    return (await this.#certificates.of(name)).find(accepts) ?? null;
  }

  close(): void {
    void this.#access.close();
  }
}
