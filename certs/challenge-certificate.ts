/** The certificate that an authority is shown when it validates a hostname by TLS-ALPN-01 (RFC 8737 3). */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { signCertificate } from './x509.ts';

/** Only an authority sees it: before and after now. */
const VALID_MS = 86_400_000;

/** For this hostname alone, with the digest in a critical extension; both PEM. @param now Unix ms */
export function challengeCertificate(
  hostname: string,
  keyAuthorization: string,
  now: number,
): { readonly chain: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const chain = signCertificate({
    subject: hostname,
    issuer: hostname,
    names: [hostname],
    publicKey,
    issuerKey: privateKey,
    issuerPublicKey: publicKey,
    isAuthority: false,
    notBeforeMs: now - VALID_MS,
    notAfterMs: now + VALID_MS,
    serial: randomBytes(16),
    acmeDigest: createHash('sha256').update(keyAuthorization).digest(),
  });
  return { chain, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}
