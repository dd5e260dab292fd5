/** Certificate authorities for tests: certificates that are whole, old, for clients, or somebody else's. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { type CertificateMaterial, readMaterial } from '#certs/material';
import { signCertificate } from '#certs/x509';

const HOUR_MS = 3_600_000;

/** What a client shows. */
export interface ClientCertificate {
  /** PEM: the certificate itself, then whoever vouches for it below the root. */
  readonly cert: string;
  readonly key: string;
}

export interface ClientOrder {
  readonly subject?: string;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  /** Extended key usage; clients if not given. */
  readonly usage?: 'server' | 'client';
}

export interface TestAuthority {
  readonly certificate: string;
  /** Its own certificate as somebody would show it. */
  readonly own: ClientCertificate;
  issue(names: readonly string[], notAfterMs?: number): CertificateMaterial;
  issueClient(order?: ClientOrder): ClientCertificate;
  /** An authority that this one vouches for. What it issues brings its certificate along. */
  intermediate(name: string): TestAuthority;
}

export function testAuthority(name = 'Test CA'): TestAuthority {
  const keys = newKeys();
  return authorityOf({ name, keys, vouching: '' }, { name, keys });
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Authority {
  readonly name: string;
  readonly keys: Keys;
}

/** @param own `vouching`: what it issues is followed by these certificates */
function authorityOf(own: Authority & { readonly vouching: string }, by: Authority): TestAuthority {
  const notBeforeMs = Date.now() - 2 * HOUR_MS;
  const inAnHour = (): number => Date.now() + HOUR_MS;
  const common = { issuer: own.name, issuerKey: own.keys.privateKey, issuerPublicKey: own.keys.publicKey };
  const certificate = signCertificate({
    ...{ issuer: by.name, issuerKey: by.keys.privateKey, issuerPublicKey: by.keys.publicKey },
    ...{ subject: own.name, names: [], publicKey: own.keys.publicKey, isAuthority: true },
    ...{ notBeforeMs, notAfterMs: inAnHour(), serial: randomBytes(16) },
  });
  const vouching = by.name === own.name ? '' : certificate + own.vouching;
  return {
    certificate,
    own: { cert: certificate, key: pemOf(own.keys.privateKey) },
    issue: (names, notAfterMs = inAnHour()) => {
      const { publicKey, privateKey } = newKeys();
      const order = { ...common, subject: names[0] ?? '', names, publicKey, isAuthority: false };
      const chain = signCertificate({ ...order, notBeforeMs, notAfterMs, serial: randomBytes(16) });
      return readMaterial(chain + vouching, pemOf(privateKey));
    },
    issueClient: (order = {}) => {
      const { publicKey, privateKey } = newKeys();
      const { subject = 'client' } = order;
      const cert = signCertificate({
        ...{ ...common, subject, names: [`${subject}.test`], publicKey, isAuthority: false },
        ...{ notBeforeMs: order.notBeforeMs ?? notBeforeMs, notAfterMs: order.notAfterMs ?? inAnHour() },
        ...{ serial: randomBytes(16), usage: order.usage ?? 'client' },
      });
      return { cert: cert + vouching, key: pemOf(privateKey) };
    },
    intermediate: (name) => authorityOf({ name, keys: newKeys(), vouching }, own),
  };
}

function newKeys(): Keys {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
