/** A certificate authority for tests: certificates that are whole, old, or somebody else's. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { type CertificateMaterial, readMaterial } from '#certs/material';
import { signCertificate } from '#certs/x509';

const HOUR_MS = 3_600_000;

export interface TestAuthority {
  readonly certificate: string;
  issue(names: readonly string[], notAfterMs?: number): CertificateMaterial;
}

export function testAuthority(): TestAuthority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const common = { issuer: 'Test CA', issuerKey: privateKey, issuerPublicKey: publicKey };
  const notBeforeMs = Date.now() - 2 * HOUR_MS;
  const certificate = signCertificate({
    ...common,
    subject: 'Test CA',
    names: [],
    publicKey,
    isAuthority: true,
    notBeforeMs,
    notAfterMs: Date.now() + HOUR_MS,
    serial: randomBytes(16),
  });
  return {
    certificate,
    issue: (names, notAfterMs = Date.now() + HOUR_MS) => {
      const leaf = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const chain = signCertificate({
        ...common,
        subject: names[0] ?? '',
        names,
        publicKey: leaf.publicKey,
        isAuthority: false,
        notBeforeMs,
        notAfterMs,
        serial: randomBytes(16),
      });
      return readMaterial(chain, leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    },
  };
}
