/**
 * The certificates of the vault as a gateway shows them, from a store that is asked over the network. Handshakes wait for the
 * answer; what is at hand already goes on being shown while the store is away.
 */
import { LRUCache } from 'lru-cache';
import type { Log } from '#core/log';
import type { CertificateRow } from '#store/store';
import { type CertificateMaterial, type MaterialSource, wildcardOf } from '../material.ts';
import { isServable, stapleOf } from './kept-certificate.ts';
import { openedKey } from './opened-key.ts';
import type { SealedBox } from './sealed-box.ts';

/** Where certificates are looked up. */
export interface RemoteCertificateRows {
  /** The newest with exactly this name that is accepted. @throws TidegateError `store.failed` */
  newest(name: string, accepts: (row: CertificateRow) => boolean): Promise<CertificateRow | null>;
  close(): void;
}

export interface RemoteVaultReaderOptions {
  readonly rows: RemoteCertificateRows;
  readonly box: SealedBox;
  /** Unix time in ms. */
  readonly wall: () => number;
  readonly log: Log;
}

/** Names that have none are not asked for again so soon, whatever clients come for. */
const MISSING_MS = 1000;
const MISSING_MAX = 10_000;

export class RemoteVaultReader implements MaterialSource {
  readonly #options: RemoteVaultReaderOptions;
  /** Until when a hostname is not asked for again. */
  readonly #missing = new LRUCache<string, number>({ max: MISSING_MAX });

  constructor(options: RemoteVaultReaderOptions) {
    this.#options = options;
  }

  /** As VaultReader finds it: for the exact name if there is one, else that of a wildcard. */
  async find(hostname: string): Promise<CertificateMaterial | null> {
    const now = this.#options.wall();
    if ((this.#missing.get(hostname) ?? 0) > now) return null;
    const wildcard = wildcardOf(hostname);
    const found = (await this.#look(hostname)) ?? (wildcard === null ? null : await this.#look(wildcard));
    if (found === null) this.#missing.set(hostname, now + MISSING_MS);
    return found;
  }

  /** Looks anew for what has changed. @param names null: everything */
  forget(names: readonly string[] | null): void {
    if (names === null || names.some((name) => name.startsWith('*.'))) this.#missing.clear();
    else for (const name of names) this.#missing.delete(name);
  }

  close(): void {
    this.#options.rows.close();
  }

  async #look(name: string): Promise<CertificateMaterial | null> {
    const now = this.#options.wall();
    let key = '';
    const row = await this.#options.rows.newest(name, (one) => {
      const opened = isServable(one, now) ? openedKey(one, this.#options.box, this.#options.log) : null;
      key = opened ?? '';
      return opened !== null;
    });
    if (row === null) return null;
    return { chain: row.chain, key, names: row.names, notAfterMs: row.notAfter, staple: stapleOf(row, now) };
  }
}
