/** A certificate as the rest of Tidegate knows it, without its key, and how it rests in the store. */
import type { CertificateRow } from '#store/store';
import type { CertificateStaple } from '../material.ts';
import type { CheckedCertificate, KeyType } from './certificate-check.ts';

/** `issuer` of a certificate that somebody brought along. */
export const IMPORTED = 'import';

export const CERTIFICATE_STATES = ['valid', 'superseded', 'revoked', 'expired'] as const;
export type CertificateState = (typeof CERTIFICATE_STATES)[number];

/** Of the CA's advice when to renew (RFC 9773); times in ms since the epoch. */
export interface RenewalNote {
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
  readonly ariId: string | null;
  readonly checkedAt: number | null;
  /** The advice has changed since the certificate was new. */
  readonly isNews?: boolean;
}

/** An answer of an OCSP responder: DER in base64, and when it holds, in Unix ms. */
export interface Staple {
  readonly der: string;
  readonly from: number;
  readonly until: number;
}

export interface KeptCertificate {
  /** `crt_<ulid>`. */
  readonly id: string;
  readonly tenant: string | null;
  /** Normalised hostnames, wildcards as `*.name`. */
  readonly names: readonly string[];
  /** Directory URL of the CA, or {@link IMPORTED}. */
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serial: string;
  readonly keyType: KeyType;
  /** Ms since the epoch, as all three. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly createdAt: number;
  readonly state: CertificateState;
  readonly ocspUrl: string | null;
  readonly mustStaple: boolean;
  readonly renewal: RenewalNote;
  /** When it was last shown to a client; null: never, as far as is known. */
  readonly lastShown: number | null;
  /** Left out: there is none. */
  readonly staple?: Staple;
}

/** What changes in the life of a certificate. */
export type CertificateChange = Partial<Pick<KeptCertificate, 'state' | 'renewal' | 'lastShown' | 'staple'>>;

type Rest = Omit<KeptCertificate, 'id' | 'tenant' | 'names' | 'notBefore' | 'notAfter' | 'createdAt'>;

type Said = Pick<CheckedCertificate, 'serial' | 'keyType' | 'ocspUrl' | 'mustStaple' | 'renewalId'>;

const NO_NOTE: RenewalNote = { windowStart: null, windowEnd: null, ariId: null, checkedAt: null };

/** @param certificate that was found fit */
export function restOf(certificate: Said, issuer: string): Rest {
  const { serial, keyType, ocspUrl, mustStaple, renewalId } = certificate;
  const renewal = { ...NO_NOTE, ariId: renewalId };
  return { issuer, serial, keyType, ocspUrl, mustStaple, state: 'valid', renewal, lastShown: null };
}

export function keptOf(row: CertificateRow, now: number): KeptCertificate {
  const { id, tenant, names, notBefore, notAfter, createdAt } = row;
  const rest = row.body as Rest;
  const state = notAfter <= now && rest.state !== 'revoked' ? 'expired' : rest.state;
  return { id, tenant, names, notBefore, notAfter, createdAt, ...rest, state };
}

/** The row with its note changed. */
export function changedRow(row: CertificateRow, change: CertificateChange): CertificateRow {
  return { ...row, body: { ...(row.body as Rest), ...change } };
}

/** The answer of its OCSP responder, while it holds. @param now Unix ms */
export function stapleOf({ body }: CertificateRow, now: number): CertificateStaple | null {
  const { staple } = body as Rest;
  return staple !== undefined && now < staple.until
    ? { der: Buffer.from(staple.der, 'base64'), untilMs: staple.until }
    : null;
}

/** Whether it may be shown to clients. One that was superseded may: for a name that the newer one leaves out. */
export function isServable({ notBefore, notAfter, body }: CertificateRow, now: number): boolean {
  return notBefore <= now && now < notAfter && (body as Rest).state !== 'revoked';
}

/** What its key is sealed for. */
export function sealContext(id: string): string {
  return `certificate ${id}`;
}
