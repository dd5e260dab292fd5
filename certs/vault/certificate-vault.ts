/**
 * The certificates this deployment has, with their keys encrypted at rest. Only what clients can use comes in; keys leave
 * it through {@link CertificateVault.material} alone. One process writes; gateways read through VaultReader.
 */

import { setImmediate as breathe } from 'node:timers/promises';
import { messageOf, TidegateError } from '#core/errors';
import { newId } from '#core/id';
import type { Log } from '#core/log';
import type { CertificateRow, Lease, Store } from '#store/store';
import { type CertificateMaterial, wildcardOf } from '../material.ts';
import { checkCertificate } from './certificate-check.ts';
import {
  type CertificateChange,
  changedRow,
  isServable,
  type KeptCertificate,
  keptOf,
  restOf,
  sealContext,
} from './kept-certificate.ts';
import { resealAll } from './key-rotation.ts';
import type { SealedBox } from './sealed-box.ts';

const ID_PREFIX = 'crt';
const PAGE = 200;

export interface CertificateVaultOptions {
  readonly store: Pick<
    Store,
    | 'putCertificate'
    | 'certificate'
    | 'certificates'
    | 'certificatesOf'
    | 'dropCertificate'
    | 'documentKinds'
    | 'documents'
    | 'putDocument'
  >;
  readonly box: SealedBox;
  /** Unix time in ms. */
  readonly wall: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly log: Log;
}

export interface NewCertificate {
  readonly tenant: string | null;
  /** Hostnames it has to stand for. */
  readonly names?: readonly string[];
  /** PEM. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  /** Directory URL of the CA, or `import`. */
  readonly issuer: string;
  /** It is taken only while this is held. */
  readonly lease?: Lease;
}

export class CertificateVault {
  readonly #options: CertificateVaultOptions;
  /** Changes of rows come one after the other: each reads what it changes. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Told the names for which another certificate may be right from now on. */
  onChange: (names: readonly string[], id: string) => void = () => {};

  constructor(options: CertificateVaultOptions) {
    this.#options = options;
  }

  /**
   * Goes on with a change of keys that was interrupted, or that an operator wants who has put a new key first in the key
   * file; says so in the log when the key file is not the right one. To be called before anybody else works with sealed
   * values.
   */
  async start(): Promise<void> {
    if (this.#options.box.hasOldKeys) await this.#reseal();
    await this.#lookForKey();
  }

  /**
   * Takes a certificate in, which serves from then on.
   * @throws TidegateError `certs.unfit` with `detail.faults`, `store.conflict` when the lease is not held
   */
  async put({ tenant, names, chain, key, issuer, lease }: NewCertificate): Promise<KeptCertificate> {
    const { store, box, wall, random } = this.#options;
    const now = wall();
    const checked = checkCertificate({ chain, key, names, now });
    if (!checked.ok) {
      const words = checked.faults.map(({ detail }) => detail).join('; ');
      throw new TidegateError('certs.unfit', `the certificate cannot be used: ${words}`, {
        detail: { faults: checked.faults },
      });
    }
    const { certificate } = checked;
    const id = newId(ID_PREFIX, now, random);
    const row: CertificateRow = {
      id,
      tenant,
      names: certificate.names,
      chain: certificate.chain,
      sealedKey: box.seal(Buffer.from(certificate.key), sealContext(id)),
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
      createdAt: now,
      body: restOf(certificate, issuer),
    };
    await store.putCertificate(row, lease === undefined ? undefined : { ...lease, now });
    await this.#supersede(row);
    this.onChange(row.names, row.id);
    return keptOf(row, now);
  }

  async get(id: string): Promise<KeptCertificate | null> {
    const row = await this.#options.store.certificate(id);
    return row === null ? null : this.#kept(row);
  }

  /** By id, which is by age. @param tenant null: those of none; not given: all */
  async list(page: {
    after: string | null;
    limit: number;
    tenant?: string | null;
  }): Promise<readonly KeptCertificate[]> {
    return (await this.#options.store.certificates(page)).map((row) => this.#kept(row));
  }

  /** Every one, by id. There may be very many: others get on between pages. */
  async *all(): AsyncGenerator<KeptCertificate> {
    for (let after: string | null = null; ; ) {
      const page: readonly KeptCertificate[] = await this.list({ after, limit: PAGE });
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)?.id ?? null;
      await breathe();
    }
  }

  /** What clients of this hostname (or of `*.name`) are shown: the newest in its time, for the exact name if there is one. */
  async newestFor(hostname: string): Promise<KeptCertificate | null> {
    const now = this.#options.wall();
    for (const name of [hostname, wildcardOf(hostname)]) {
      if (name === null) continue;
      const rows = await this.#options.store.certificatesOf(name);
      const row = rows.find((one) => isServable(one, now));
      if (row !== undefined) return keptOf(row, now);
    }
    return null;
  }

  /** PEM; null: there is no such certificate. */
  async chain(id: string): Promise<string | null> {
    return (await this.#options.store.certificate(id))?.chain ?? null;
  }

  /** With its key, decrypted. @throws TidegateError `vault.sealed` */
  async material(id: string): Promise<CertificateMaterial | null> {
    const row = await this.#options.store.certificate(id);
    if (row === null) return null;
    const key = this.#options.box.unseal(row.sealedKey, sealContext(id)).toString();
    return { chain: row.chain, key, names: row.names, notAfterMs: row.notAfter };
  }

  /** Null: there is no such certificate. */
  async update(id: string, change: CertificateChange): Promise<KeptCertificate | null> {
    const row = await this.#change(id, (one) => changedRow(one, change));
    const isSeen = change.state !== undefined || change.staple !== undefined;
    if (row !== null && isSeen) this.onChange(row.names, row.id);
    return row === null ? null : this.#kept(row);
  }

  /** Dropping what is not there is no error. */
  async drop(id: string): Promise<void> {
    const row = await this.#inTurn(async () => {
      const found = await this.#options.store.certificate(id);
      await this.#options.store.dropCertificate(id);
      return found;
    });
    if (row !== null) this.onChange(row.names, row.id);
  }

  /**
   * Changes the key that everything at rest is encrypted with: certificates, and sealed values in documents. Both keys
   * are known until all is done, so it may be ended at any moment; {@link start} goes on with it. Whoever writes back a
   * sealed value that it holds in memory seals it anew first.
   * @param key 32 octets of chance
   * @throws TidegateError `vault.key_file`
   */
  async rotateKey(key: Buffer): Promise<void> {
    this.#options.box.adopt(key);
    await this.#reseal();
  }

  async #reseal(): Promise<void> {
    const { store, box, log } = this.#options;
    const resealCertificate = async (id: string): Promise<void> => {
      await this.#change(id, (row) => ({ ...row, sealedKey: box.reseal(row.sealedKey) }));
    };
    await resealAll({ store, box, log, resealCertificate });
    try {
      box.dropOldKeys();
      log.info('everything at rest is encrypted with the new key');
    } catch (error) {
      // A file that only its operator can write.
      log.warn('old keys can be taken out of the key file: nothing is encrypted with them', {
        error: messageOf(error),
      });
    }
  }

  /** A new key file in the place of one that was lost would otherwise show with the first handshake only. */
  async #lookForKey(): Promise<void> {
    const { store, box, log } = this.#options;
    const [row] = await store.certificates({ after: null, limit: 1 });
    if (row === undefined) return;
    try {
      box.unseal(row.sealedKey, sealContext(row.id));
    } catch (error) {
      const message = 'certificates cannot be decrypted: the key file may not be the one they were encrypted with';
      log.error(message, { id: row.id, error: messageOf(error) });
    }
  }

  /** Older ones of the same tenant for the same names have had their time. */
  async #supersede({ id, tenant, names }: CertificateRow): Promise<void> {
    const same = [...names].sort().join(' ');
    for (const older of await this.#options.store.certificatesOf(names[0] ?? '')) {
      if (older.id === id || older.tenant !== tenant || [...older.names].sort().join(' ') !== same) continue;
      if (this.#kept(older).state === 'valid') {
        await this.#change(older.id, (row) => changedRow(row, { state: 'superseded' }));
      }
    }
  }

  #change(id: string, change: (row: CertificateRow) => CertificateRow): Promise<CertificateRow | null> {
    return this.#inTurn(async () => {
      const row = await this.#options.store.certificate(id);
      if (row === null) return null;
      const changed = change(row);
      await this.#options.store.putCertificate(changed);
      return changed;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  #kept(row: CertificateRow): KeptCertificate {
    return keptOf(row, this.#options.wall());
  }
}
