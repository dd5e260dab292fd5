/**
 * The certificates of the vault as a gateway shows them, read from the store by whatever process it is in, also while the
 * one that writes is dead or has not started yet. Nothing is kept here but, for a moment, which names have none: a decrypted
 * key lives as long as the caller holds it.
 */
import { LRUCache } from 'lru-cache';
import type { Log } from '#core/log';
import type { CertificateRow } from '#store/store';
import { type CertificateMaterial, type MaterialSource, wildcardOf } from '../material.ts';
import { isServable, stapleOf } from './kept-certificate.ts';
import { openedKey } from './opened-key.ts';
import type { SealedBox } from './sealed-box.ts';

/** So long, at most, a certificate stays unseen whose news were lost. */
const MISSING_MS = 1000;
const MISSING_MAX = 10_000;

/** Where certificates are looked up: CertificateReader of the embedded store. */
export interface CertificateRows {
  /** The newest with exactly this name that is accepted. */
  newest(name: string, accepts: (row: CertificateRow) => boolean): CertificateRow | null;
  /** The next look opens it again. */
  close(): void;
}

export interface VaultReaderOptions {
  readonly rows: CertificateRows;
  readonly box: SealedBox;
  /** Unix time in ms. */
  readonly wall: () => number;
  readonly log: Log;
}

export class VaultReader implements MaterialSource {
  readonly #options: VaultReaderOptions;
  /** Until when a hostname is not asked for again. */
  readonly #missing = new LRUCache<string, number>({ max: MISSING_MAX });

  constructor(options: VaultReaderOptions) {
    this.#options = options;
  }

  /**
   * The newest certificate in its time: for the exact name if there is one, else that of a wildcard.
   * @throws TidegateError of the `store.` family
   */
  find(hostname: string): CertificateMaterial | null {
    const now = this.#options.wall();
    if ((this.#missing.get(hostname) ?? 0) > now) return null;
    const wildcard = wildcardOf(hostname);
    const found = this.#look(hostname, now) ?? (wildcard === null ? null : this.#look(wildcard, now));
    if (found === null) this.#missing.set(hostname, now + MISSING_MS);
    return found;
  }

  /** Looks anew for what has changed. @param names null: everything, in a file that may be another one */
  forget(names: readonly string[] | null): void {
    if (names === null) this.#options.rows.close();
    if (names === null || names.some((name) => name.startsWith('*.'))) this.#missing.clear();
    else for (const name of names) this.#missing.delete(name);
  }

  close(): void {
    this.#options.rows.close();
  }

  #look(name: string, now: number): CertificateMaterial | null {
    let key = '';
    const row = this.#options.rows.newest(name, (one) => {
      if (!isServable(one, now)) return false;
      const opened = openedKey(one, this.#options.box, this.#options.log);
      if (opened === null) return false;
      key = opened;
      return true;
    });
    if (row === null) return null;
    return { chain: row.chain, key, names: row.names, notAfterMs: row.notAfter, staple: stapleOf(row, now) };
  }
}
