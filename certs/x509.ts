/**
 * Makes an X.509 certificate (RFC 5280) on P-256: written in ASN.1 by node-forge, which knows no such keys itself, and
 * signed by node:crypto.
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import forge from 'node-forge';

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  acmeIdentifier: '1.3.6.1.5.5.7.1.31',
} as const;

const VERSION_3 = '\x02';
/** How many bits are unused, then the bits: keyCertSign and cRLSign. */
const AUTHORITY_USAGE = '\x01\x06';
/** digitalSignature. */
const LEAF_USAGE = '\x07\x80';
const DNS_NAME = 2;
const COMMON_NAME_MAX = 64;
/** From then on a time has four digits of year (RFC 5280 4.1.2.5). */
const GENERALIZED_FROM_MS = Date.UTC(2050, 0, 1);

export interface CertificateOrder {
  /** Common names. */
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly publicKey: KeyObject;
  readonly issuerKey: KeyObject;
  readonly issuerPublicKey: KeyObject;
  readonly isAuthority: boolean;
  /** What it may be shown as; `server` if not given. An authority has none. */
  readonly usage?: 'server' | 'client';
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly serial: Buffer;
  /** Answer to a TLS-ALPN-01 challenge (RFC 8737 3): 32 octets. */
  readonly acmeDigest?: Buffer;
}

/** Returns the certificate as PEM. */
export function signCertificate(order: CertificateOrder): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const body = sequence(
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [primitive(asn1.Type.INTEGER, VERSION_3)]),
    primitive(asn1.Type.INTEGER, positive(order.serial)),
    algorithm,
    nameOf(order.issuer),
    sequence(time(order.notBeforeMs), time(order.notAfterMs)),
    nameOf(order.subject),
    asn1.fromDer(binary(order.publicKey.export({ type: 'spki', format: 'der' }))),
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 3, true, [sequence(...extensions(order))]),
  );
  const signature = sign('sha256', Buffer.from(asn1.toDer(body).getBytes(), 'latin1'), order.issuerKey);
  const certificate = sequence(body, algorithm, primitive(asn1.Type.BITSTRING, `\x00${binary(signature)}`));
  const der = Buffer.from(asn1.toDer(certificate).getBytes(), 'latin1');
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extensions(order: CertificateOrder): Asn1[] {
  const { isAuthority, names } = order;
  const authority = isAuthority ? sequence(boolean(true)) : sequence();
  const usage = primitive(asn1.Type.BITSTRING, isAuthority ? AUTHORITY_USAGE : LEAF_USAGE);
  const all = [extension(OID.basicConstraints, authority, true), extension(OID.keyUsage, usage, true)];
  all.push(extension(OID.subjectKeyIdentifier, primitive(asn1.Type.OCTETSTRING, keyId(order.publicKey)), false));
  if (isAuthority) return all;
  const issuerId = asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, false, keyId(order.issuerPublicKey));
  const altNames = names.map((name) => asn1.create(asn1.Class.CONTEXT_SPECIFIC, DNS_NAME, false, name));
  all.push(extension(OID.authorityKeyIdentifier, sequence(issuerId), false));
  all.push(
    extension(OID.extendedKeyUsage, sequence(oid(order.usage === 'client' ? OID.clientAuth : OID.serverAuth)), false),
  );
  // A subject that had to be left out makes these the only names (RFC 5280 4.2.1.6).
  all.push(extension(OID.subjectAltName, sequence(...altNames), order.subject.length > COMMON_NAME_MAX));
  const { acmeDigest } = order;
  if (acmeDigest !== undefined) {
    all.push(extension(OID.acmeIdentifier, primitive(asn1.Type.OCTETSTRING, binary(acmeDigest)), true));
  }
  return all;
}

function extension(id: string, value: Asn1, critical: boolean): Asn1 {
  const octets = primitive(asn1.Type.OCTETSTRING, asn1.toDer(value).getBytes());
  return critical ? sequence(oid(id), boolean(true), octets) : sequence(oid(id), octets);
}

function nameOf(commonName: string): Asn1 {
  if (commonName.length > COMMON_NAME_MAX) return sequence();
  const attribute = sequence(oid(OID.commonName), primitive(asn1.Type.UTF8, commonName));
  return sequence(asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [attribute]));
}

function time(ms: number): Asn1 {
  const date = new Date(ms);
  return ms < GENERALIZED_FROM_MS
    ? primitive(asn1.Type.UTCTIME, asn1.dateToUtcTime(date))
    : primitive(asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

/** RFC 5280 4.2.1.2: a hash that names a key. */
function keyId(key: KeyObject): string {
  const hash = createHash('sha1').update(key.export({ type: 'spki', format: 'der' }));
  return binary(hash.digest());
}

/** An integer above zero, as a serial number has to be. */
function positive(octets: Buffer): string {
  const copy = Buffer.from(octets);
  copy[0] = ((copy[0] ?? 0) & 0x3f) | 0x40;
  return binary(copy);
}

function oid(id: string): Asn1 {
  return primitive(asn1.Type.OID, asn1.oidToDer(id).getBytes());
}

function boolean(value: boolean): Asn1 {
  return primitive(asn1.Type.BOOLEAN, value ? '\xff' : '\x00');
}

function primitive(type: forge.asn1.Type, value: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
}

function sequence(...parts: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
}

function binary(octets: Buffer): string {
  return octets.toString('latin1');
}
