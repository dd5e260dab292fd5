/**
 * Whether clients could use a certificate, before anything depends on it. A fault is named, with what is to be done, for
 * whoever brought the certificate; every fault that can be seen is named at once.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, rootCertificates } from 'node:tls';
import { readMaterial, wildcardOf } from '../material.ts';
import { renewalIdOf } from '../renewal-id.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** The clocks of an authority and of this machine differ. */
const SKEW_MS = 300_000;
/** `status_request` of the TLS feature extension (RFC 7633), id-pe-tlsfeature as DER. */
const MUST_STAPLE_OID = Buffer.from('06082b06010505070118', 'hex');
const RSA_BITS_MIN = 2048;

export const KEY_TYPES = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

export const CERTIFICATE_FAULTS = {
  certificate_unreadable: 'Send the certificate as PEM, followed by those that vouch for it (fullchain.pem).',
  key_unreadable: 'Send the private key as PEM, without a passphrase.',
  key_mismatch: 'Send the key that the certificate was made with.',
  key_unsupported: 'Use an ECDSA key on P-256 or P-384, or RSA with 2048, 3072 or 4096 bits.',
  chain_order: 'Put the certificate first, then the one that signed it, and so on.',
  chain_incomplete: 'Add the intermediate certificates of the authority behind the certificate.',
  expired: 'Get a new certificate.',
  not_yet_valid: 'Wait until it is valid, or check the clock of this machine.',
  names_none: 'Get a certificate with the hostnames as subjectAltName; the common name alone counts no more.',
  names_missing: 'Get a certificate that carries every hostname.',
  unusable: 'Check that signature and key of the certificate are of a kind that clients still accept.',
} as const satisfies Record<string, string>;

export interface CertificateFault {
  readonly code: keyof typeof CERTIFICATE_FAULTS;
  readonly field: 'certificate' | 'private_key';
  readonly detail: string;
  readonly fix: string;
}

export interface CheckedCertificate {
  /** PEM, certificates and nothing else. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  readonly names: readonly string[];
  readonly serial: string;
  readonly keyType: KeyType;
  /** Ms since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly ocspUrl: string | null;
  readonly mustStaple: boolean;
  /** What its authority calls it (RFC 9773 4.1); null: it cannot be told. */
  readonly renewalId: string | null;
}

export type CertificateCheck =
  | { readonly ok: true; readonly certificate: CheckedCertificate }
  | { readonly ok: false; readonly faults: readonly CertificateFault[] };

export interface CertificateInput {
  /** PEM. */
  readonly chain: string;
  readonly key: string;
  /** Hostnames it has to stand for; those it carries, if not given. */
  readonly names?: readonly string[] | undefined;
  /** Ms since the epoch. */
  readonly now: number;
}

export function checkCertificate({ chain, key, names: wanted = [], now }: CertificateInput): CertificateCheck {
  const faults: CertificateFault[] = [];
  const add = (code: CertificateFault['code'], detail: string): void => {
    const field = code.startsWith('key_') ? 'private_key' : 'certificate';
    faults.push({ code, field, detail, fix: CERTIFICATE_FAULTS[code] });
  };
  const blocks = chain.match(BLOCK) ?? [];
  const certificates = blocks.map(certificateOf);
  const broken = certificates.indexOf(null);
  const privateKey = keyOf(key);
  if (certificates.length === 0) add('certificate_unreadable', 'there is no PEM certificate in it');
  else if (broken >= 0) add('certificate_unreadable', `certificate ${broken + 1} of ${blocks.length} cannot be read`);
  if (privateKey === null) add('key_unreadable', 'it is no private key in PEM, or it has a passphrase');
  const whole = certificates.filter((one) => one !== null);
  const [leaf] = whole;
  if (leaf === undefined || privateKey === null || broken >= 0) return { ok: false, faults };

  const owner = whole.findIndex((one) => one.checkPrivateKey(privateKey));
  if (owner < 0) add('key_mismatch', `the key does not belong to the certificate of ${subjectOf(leaf)}`);
  else if (owner > 0) add('chain_order', `the certificate of the key is number ${owner + 1}; it has to come first`);
  else for (const [code, detail] of chainFaults(whole)) add(code, detail);
  const keyType = keyTypeOf(leaf.publicKey);
  if (keyType === null) add('key_unsupported', 'clients do not support a key of this kind or length');
  const [notBefore, notAfter] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  if (notAfter <= now) add('expired', `it ended on ${leaf.validToDate.toISOString()}`);
  if (notBefore > now + SKEW_MS) add('not_yet_valid', `it begins on ${leaf.validFromDate.toISOString()}`);
  const pem = `${blocks.join('\n')}\n`;
  const names = owner === 0 ? namesOf(pem, key) : null;
  if (names?.length === 0) add('names_none', 'it names no hostname (subjectAltName)');
  const missing = names === null ? [] : wanted.filter((name) => !covers(names, name));
  if (missing.length > 0) add('names_missing', `it does not stand for ${missing.join(', ')}`);
  if (faults.length > 0 || names === null || keyType === null) return { ok: false, faults };
  try {
    createSecureContext({ cert: pem, key, minVersion: 'TLSv1.2' });
  } catch {
    add('unusable', 'no TLS connection can be made with it');
    return { ok: false, faults };
  }
  const [ocspUrl, mustStaple] = [ocspUrlOf(leaf), leaf.raw.includes(MUST_STAPLE_OID)];
  const certificate = { chain: pem, key, names, serial: leaf.serialNumber, keyType, notBefore, notAfter };
  return { ok: true, certificate: { ...certificate, ocspUrl, mustStaple, renewalId: renewalIdOf(leaf.raw) } };
}

function chainFaults(chain: readonly X509Certificate[]): readonly (readonly [CertificateFault['code'], string])[] {
  for (const [i, one] of chain.entries()) {
    const next = chain[i + 1];
    if (next === undefined || isIssuedBy(one, next)) continue;
    const issuer = chain.findIndex((other) => other !== one && isIssuedBy(one, other));
    if (issuer >= 0) return [['chain_order', `number ${issuer + 1} signed number ${i + 1} and has to follow it`]];
    return [['chain_incomplete', `the one that signed number ${i + 1} (${issuerOf(one)}) is missing`]];
  }
  const [leaf] = chain;
  // Who signs for the public has roots that clients know and says where its intermediates are. A private authority may
  // sign with its root, which need not be in the chain.
  const isLonely = chain.length === 1 && leaf !== undefined && !isIssuedBy(leaf, leaf);
  if (!isLonely || !/CA Issuers - URI/.test(leaf.infoAccess ?? '') || isIssuedByRoot(leaf)) return [];
  return [
    ['chain_incomplete', `the one that signed it (${issuerOf(leaf)}) is missing, and is no root that clients know`],
  ];
}

function isIssuedBy(one: X509Certificate, other: X509Certificate): boolean {
  return one.checkIssued(other) && one.verify(other.publicKey);
}

function isIssuedByRoot(one: X509Certificate): boolean {
  return rootCertificates.some((pem) => {
    const root = new X509Certificate(pem);
    return root.subject === one.issuer && isIssuedBy(one, root);
  });
}

function certificateOf(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function keyOf(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}

function namesOf(chain: string, key: string): readonly string[] {
  try {
    return readMaterial(chain, key).names;
  } catch {
    return [];
  }
}

function covers(names: readonly string[], name: string): boolean {
  const wildcard = name.startsWith('*.') ? null : wildcardOf(name);
  return names.includes(name) || (wildcard !== null && names.includes(wildcard));
}

function keyTypeOf({ asymmetricKeyType, asymmetricKeyDetails: details }: KeyObject): KeyType | null {
  const bits = details?.modulusLength ?? 0;
  if (asymmetricKeyType === 'rsa' && bits >= RSA_BITS_MIN)
    return KEY_TYPES.find((one) => one === `rsa-${bits}`) ?? null;
  if (details?.namedCurve === 'prime256v1') return 'ecdsa-p256';
  return details?.namedCurve === 'secp384r1' ? 'ecdsa-p384' : null;
}

function ocspUrlOf({ infoAccess = '' }: X509Certificate): string | null {
  return /^OCSP - URI:(\S+)$/m.exec(infoAccess)?.[1] ?? null;
}

function subjectOf({ subject, subjectAltName }: X509Certificate): string {
  return (subject || subjectAltName || 'no name').replaceAll('\n', ', ');
}

function issuerOf({ issuer }: X509Certificate): string {
  return issuer.replaceAll('\n', ', ');
}
