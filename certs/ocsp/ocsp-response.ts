/**
 * What a responder says of a certificate (RFC 6960 4.2), believed only if whoever signed the certificate, or somebody it
 * named for that, has signed the answer, and it is of now.
 */
import { verify, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { type CertificateId, derOf, partsOf } from './ocsp-request.ts';

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

const BASIC = '1.3.6.1.5.5.7.48.1.1';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};
/** OCSPResponseStatus (RFC 6960 4.2.1). */
const REFUSALS: Readonly<Record<number, string>> = {
  1: 'malformedRequest',
  2: 'internalError',
  3: 'tryLater',
  5: 'sigRequired',
  6: 'unauthorized',
};
const STATUSES = ['good', 'revoked', 'unknown'] as const;
export type OcspStatus = (typeof STATUSES)[number];
const SKEW_MS = 300_000;

export interface OcspAnswer {
  readonly status: OcspStatus;
  /** Unix ms. */
  readonly thisUpdate: number;
  /** Until when it may be shown. */
  readonly nextUpdate: number;
}

export interface OcspQuestion {
  readonly id: CertificateId;
  readonly issuer: X509Certificate;
  /** Unix ms. */
  readonly now: number;
}

/** @throws Error with why it is not believed */
export function readOcspResponse(der: Uint8Array, { id, issuer, now }: OcspQuestion): OcspAnswer {
  const [state, wrapped] = partsOf(derOf(der));
  const code = octetsOf(state).charCodeAt(0);
  if (code !== 0) throw new Error(`the responder says ${REFUSALS[code] ?? code}`);
  const [type, body] = partsOf(partsOf(wrapped)[0]);
  if (asn1.derToOid(forge.util.createBuffer(octetsOf(type))) !== BASIC) throw new Error('it is no basic answer');
  const [data, algorithm, signature, certificates] = partsOf(derOf(octetsOf(body)));
  if (data === undefined) throw new Error('it is empty');
  checkSignature({ data, algorithm, signature, certificates }, issuer, now);
  const single = singlesOf(data).find((one) => isOf(one, id));
  if (single === undefined) throw new Error('it is about another certificate');
  return answerOf(single, now);
}

interface Signed {
  readonly data: Asn1;
  readonly algorithm: Asn1 | undefined;
  readonly signature: Asn1 | undefined;
  readonly certificates: Asn1 | undefined;
}

function checkSignature(
  { data, algorithm, signature, certificates }: Signed,
  issuer: X509Certificate,
  now: number,
): void {
  const oid = asn1.derToOid(forge.util.createBuffer(octetsOf(partsOf(algorithm)[0])));
  const hash = HASHES[oid];
  if (hash === undefined) throw new Error(`it is signed in a way that is not taken (${oid})`);
  const signed = Buffer.from(asn1.toDer(data).getBytes(), 'latin1');
  const octets = Buffer.from(octetsOf(signature).slice(1), 'latin1');
  const delegates = partsOf(partsOf(certificates)[0])
    .map((one) => new X509Certificate(Buffer.from(asn1.toDer(one).getBytes(), 'latin1')))
    .filter((one) => isDelegate(one, issuer, now));
  const isSigned = [issuer, ...delegates].some((one) => verify(hash, signed, one.publicKey, octets));
  if (!isSigned) throw new Error('it is not signed by whoever signed the certificate');
}

/** Named by the authority for this (RFC 6960 4.2.2.2). */
function isDelegate(one: X509Certificate, issuer: X509Certificate, now: number): boolean {
  const isOfNow = Date.parse(one.validFrom) <= now + SKEW_MS && now < Date.parse(one.validTo);
  return (
    isOfNow && one.keyUsage?.includes(OCSP_SIGNING) === true && one.checkIssued(issuer) && one.verify(issuer.publicKey)
  );
}

/** Behind version, responder and time comes the list of answers. */
function singlesOf(data: Asn1): Asn1[] {
  const list = partsOf(data).find((one) => one.tagClass === asn1.Class.UNIVERSAL && one.type === asn1.Type.SEQUENCE);
  return partsOf(list);
}

function isOf(single: Asn1, id: CertificateId): boolean {
  const [, name, key, serial] = partsOf(partsOf(single)[0]);
  return octetsOf(name) === id.issuerNameHash && octetsOf(key) === id.issuerKeyHash && octetsOf(serial) === id.serial;
}

function answerOf(single: Asn1, now: number): OcspAnswer {
  const [, state, begins, ends] = partsOf(single);
  const status = STATUSES[state?.type as number];
  if (status === undefined) throw new Error('its status is none');
  const thisUpdate = timeOf(begins);
  const isLimited = ends?.tagClass === asn1.Class.CONTEXT_SPECIFIC && (ends.type as number) === 0;
  if (!isLimited) throw new Error('it does not say how long it holds');
  const nextUpdate = timeOf(partsOf(ends)[0]);
  if (thisUpdate > now + SKEW_MS || nextUpdate <= now) throw new Error('it is not of now');
  return { status, thisUpdate, nextUpdate };
}

function timeOf(node: Asn1 | undefined): number {
  return asn1.generalizedTimeToDate(octetsOf(node)).getTime();
}

/** @throws Error when there are none */
function octetsOf(node: Asn1 | undefined): string {
  if (typeof node?.value !== 'string') throw new Error('it is cut short');
  return node.value;
}
