/** Fills a state directory with certificates for `site<number><domain>`, as the vault would have kept them, only faster. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { restOf, sealContext } from '#certs/vault/kept-certificate';
import { SealedBox } from '#certs/vault/sealed-box';
import { signCertificate } from '#certs/x509';
import { newId } from '#core/id';
import { CERTIFICATE_SHAPE } from '#store/migrations';
import { SqliteAccess } from '#store/sqlite-access';
import { CERTIFICATES_FILE, SqliteCertificates } from '#store/sqlite-certificates';
import { openSqliteFile } from '#store/sqlite-file';

const DAY_MS = 86_400_000;
const LIFE_MS = 90 * DAY_MS;
const SERIAL_BYTES = 16;
const SHOWN_EVERY = 1000;
const BYTES_PER_MIB = 1024 * 1024;

export interface FillOptions {
  /** Made; nobody else has it open. */
  readonly directory: string;
  readonly count: number;
  /** With its dot. */
  readonly domain: string;
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
}

export async function fillVault(options: FillOptions): Promise<{ readonly fileMib: number }> {
  const { directory, count, domain, progress, signal } = options;
  mkdirSync(directory, { mode: 0o700 });
  const box = SealedBox.open({ file: path.join(directory, 'encryption.key') });
  const file = path.join(directory, CERTIFICATES_FILE);
  const opened = openSqliteFile(file, { shape: CERTIFICATE_SHAPE, isChecked: false });
  try {
    const rows = new SqliteCertificates(new SqliteAccess(opened.swift, file));
    const issue = issuer();
    for (let i = 0; i < count; i++) {
      const name = `site${i}${domain}`;
      const { chain, key, serial } = issue(name);
      const now = Date.now();
      const id = newId('crt', now, randomBytes);
      rows.put({
        ...{ id, tenant: 'default', names: [name], chain, createdAt: now },
        sealedKey: box.seal(Buffer.from(key), sealContext(id)),
        notBefore: now - DAY_MS,
        notAfter: now + LIFE_MS,
        body: restOf(
          { serial, keyType: 'ecdsa-p256', ocspUrl: null, mustStaple: false, renewalId: null },
          'https://ca.example.test',
        ),
      });
      if (i % SHOWN_EVERY !== 0) continue;
      progress(`making certificates: ${i} of ${count}`);
      signal.throwIfAborted();
      await breathe();
    }
  } finally {
    opened.close();
  }
  return { fileMib: statSync(file).size / BYTES_PER_MIB };
}

interface Issued {
  /** PEM: certificate and intermediate. */
  readonly chain: string;
  readonly key: string;
  readonly serial: string;
}

/** Signs with an intermediate authority; all certificates have one key pair. */
function issuer(): (name: string) => Issued {
  const [root, intermediate, leaf] = [keyPair(), keyPair(), keyPair()] as const;
  const notBeforeMs = Date.now() - DAY_MS;
  const common = { notBeforeMs, notAfterMs: notBeforeMs + LIFE_MS + DAY_MS };
  const above = signCertificate({
    ...common,
    ...{ subject: 'Load Intermediate', issuer: 'Load Root', names: [], isAuthority: true, serial: serialNumber() },
    publicKey: intermediate.publicKey,
    issuerKey: root.privateKey,
    issuerPublicKey: root.publicKey,
  });
  const key = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return (name) => {
    const serial = serialNumber();
    const own = signCertificate({
      ...common,
      ...{ subject: name, issuer: 'Load Intermediate', names: [name], isAuthority: false, serial },
      publicKey: leaf.publicKey,
      issuerKey: intermediate.privateKey,
      issuerPublicKey: intermediate.publicKey,
    });
    return { chain: own + above, key, serial: serial.toString('hex') };
  };
}

function keyPair() {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function serialNumber(): Buffer {
  return randomBytes(SERIAL_BYTES);
}
