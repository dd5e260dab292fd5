/**
 * A certificate authority of this Tidegate alone, for names that no public one can vouch for: `https://hello.localhost`
 * works from the first start for whoever trusts `<data>/ca/ca.pem`. It signs for names under the base domain only, and
 * only for those that have a route.
 */

import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, TidegateError } from '#core/errors';
import { type CertificateMaterial, type MaterialSource, readMaterial } from './material.ts';
import { signCertificate } from './x509.ts';

const DAY_MS = 86_400_000;
const CA_LIFE_MS = 3650 * DAY_MS;
const LEAF_LIFE_MS = 30 * DAY_MS;
/** A leaf this close to its end is made anew. */
const RENEW_BEFORE_MS = 10 * DAY_MS;
/** Clocks differ. */
const BACKDATED_MS = 3_600_000;
const KEPT_MAX = 10_000;

const DIRECTORY_MODE = 0o700;
const KEY_MODE = 0o600;
const CERTIFICATE_MODE = 0o644;
const CERTIFICATE_FILE = 'ca.pem';
const KEY_FILE = 'ca-key.pem';

export interface LocalCaOptions {
  /** Where key and certificate are kept; made if need be. */
  readonly directory: string;
  readonly baseDomain: string;
  /** Whether a route claims the hostname. */
  readonly knows: (hostname: string) => boolean;
  /** Unix time in ms. */
  readonly wall: () => number;
  readonly random: (bytes: number) => Buffer;
}

export class LocalCa implements MaterialSource {
  readonly #options: LocalCaOptions;
  readonly #key: KeyObject;
  readonly #made = new Map<string, CertificateMaterial>();
  /** PEM, for whoever is to trust it. */
  readonly certificate: string;

  private constructor(options: LocalCaOptions, key: KeyObject, certificate: string) {
    this.#options = options;
    this.#key = key;
    this.certificate = certificate;
  }

  /**
   * Reads the authority from its directory, or makes one.
   * @throws TidegateError `certs.failed` when it cannot be read or written
   */
  static open(options: LocalCaOptions): LocalCa {
    try {
      const kept = read(options);
      if (kept !== null && lasts(kept, options)) return new LocalCa(options, kept.key, kept.certificate);
      if (kept !== null) retire(options);
      return make(options);
    } catch (error) {
      const words = `the local certificate authority in ${options.directory} cannot be used: ${messageOf(error)}`;
      throw new TidegateError('certs.failed', words, { cause: error });
    }
  }

  /** @internal */
  static of(options: LocalCaOptions, key: KeyObject, certificate: string): LocalCa {
    return new LocalCa(options, key, certificate);
  }

  find(hostname: string): CertificateMaterial | null {
    const { knows, wall } = this.#options;
    if (!this.#isLocal(hostname) || !knows(hostname)) return null;
    const kept = this.#made.get(hostname);
    if (kept !== undefined && kept.notAfterMs - RENEW_BEFORE_MS > wall()) return kept;
    const made = this.#issue(hostname);
    if (this.#made.size >= KEPT_MAX) this.#made.clear();
    this.#made.set(hostname, made);
    return made;
  }

  #isLocal(hostname: string): boolean {
    const { baseDomain } = this.#options;
    return [baseDomain, 'localhost'].some((base) => hostname === base || hostname.endsWith(`.${base}`));
  }

  #issue(hostname: string): CertificateMaterial {
    const { wall, random } = this.#options;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const ca = new X509Certificate(this.certificate);
    const chain = signCertificate({
      subject: hostname,
      issuer: commonName(ca),
      names: [hostname],
      publicKey,
      issuerKey: this.#key,
      issuerPublicKey: ca.publicKey,
      isAuthority: false,
      notBeforeMs: wall() - BACKDATED_MS,
      notAfterMs: Math.min(wall() + LEAF_LIFE_MS, ca.validToDate.getTime()),
      serial: random(16),
    });
    return readMaterial(chain, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
}

interface Kept {
  readonly key: KeyObject;
  readonly certificate: string;
}

/** Moves one that is near its end out of the way of the next. */
function retire({ directory, random }: LocalCaOptions): void {
  try {
    renameSync(directory, `${directory}.ended-${random(4).toString('hex')}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Null: there is none yet. */
function read({ directory }: LocalCaOptions): Kept | null {
  let certificate: string;
  let key: string;
  try {
    certificate = readFileSync(join(directory, CERTIFICATE_FILE), 'utf8');
    key = readFileSync(join(directory, KEY_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const parsed = new X509Certificate(certificate);
  const privateKey = createPrivateKey(key);
  if (!parsed.checkPrivateKey(privateKey)) throw new Error('the key does not belong to the certificate');
  return { key: privateKey, certificate };
}

function lasts({ certificate }: Kept, { wall }: LocalCaOptions): boolean {
  return new X509Certificate(certificate).validToDate.getTime() - LEAF_LIFE_MS > wall();
}

function make(options: LocalCaOptions): LocalCa {
  const { directory, wall, random } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const subject = `Tidegate local CA ${random(4).toString('hex')}`;
  const certificate = signCertificate({
    subject,
    issuer: subject,
    names: [],
    publicKey,
    issuerKey: privateKey,
    issuerPublicKey: publicKey,
    isAuthority: true,
    notBeforeMs: wall() - BACKDATED_MS,
    notAfterMs: wall() + CA_LIFE_MS,
    serial: random(16),
  });
  // Key and certificate come into being together, also when several processes make them at once: one of them wins.
  const made = `${directory}.${random(8).toString('hex')}`;
  mkdirSync(made, { recursive: true, mode: DIRECTORY_MODE });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeFileSync(join(made, KEY_FILE), key, { mode: KEY_MODE });
  writeFileSync(join(made, CERTIFICATE_FILE), certificate, { mode: CERTIFICATE_MODE });
  try {
    renameSync(made, directory);
    return LocalCa.of(options, privateKey, certificate);
  } catch (error) {
    rmSync(made, { recursive: true });
    const kept = read(options);
    if (kept === null) throw error;
    return LocalCa.of(options, kept.key, kept.certificate);
  }
}

function commonName(certificate: X509Certificate): string {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '';
}
