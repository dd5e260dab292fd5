/**
 * A certificate with its key, as it is kept and handed around: PEM texts and what they say.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { parseHostPattern } from '#core/hostname';

export interface CertificateMaterial {
  /** PEM: the certificate itself, then those that vouch for it. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  /** Normalised hostnames, wildcards as `*.name`. */
  readonly names: readonly string[];
  readonly notAfterMs: number;
  /** What clients are told besides about its revocation; null or left out: nothing. */
  readonly staple?: CertificateStaple | null;
}

/** An answer of an OCSP responder. */
export interface CertificateStaple {
  /** DER. */
  readonly der: Buffer;
  /** Unix ms. */
  readonly untilMs: number;
}

/** Somebody who has or makes certificates. Asked in order, the first one that has any serves. */
export interface MaterialSource {
  /** @param hostname normalised, without wildcard */
  find(hostname: string): CertificateMaterial | null | Promise<CertificateMaterial | null>;
}

/**
 * Reads a certificate and its key.
 * @throws Error that says what is wrong with them
 */
export function readMaterial(chain: string, key: string): CertificateMaterial {
  const certificate = new X509Certificate(chain);
  if (!certificate.checkPrivateKey(createPrivateKey(key)))
    throw new Error('the key does not belong to the certificate');
  const names: string[] = [];
  for (const entry of (certificate.subjectAltName ?? '').split(', ')) {
    if (!entry.startsWith('DNS:')) continue;
    const parsed = parseHostPattern(entry.slice('DNS:'.length));
    if (parsed.ok) names.push(parsed.hostname);
  }
  if (names.length === 0) throw new Error('the certificate names no hostname (subjectAltName)');
  return { chain, key, names, notAfterMs: certificate.validToDate.getTime() };
}

/** The name a wildcard certificate for this hostname would have; null: none can. */
export function wildcardOf(hostname: string): string | null {
  const dot = hostname.indexOf('.');
  return dot < 0 ? null : `*${hostname.slice(dot)}`;
}
