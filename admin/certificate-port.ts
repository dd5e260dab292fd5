/**
 * What the admin API needs from who keeps and orders certificates. No private key comes out through here, and those that
 * come in are handed on and forgotten.
 */

import type { IssuanceView } from '#certs/acme/issuance-record';
import type { KeptCertificate } from '#certs/vault/kept-certificate';

/** Why a certificate is to be trusted no more, as RFC 5280 5.3.1 numbers it. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  key_compromise: 1,
  affiliation_changed: 3,
  superseded: 4,
  cessation_of_operation: 5,
} as const satisfies Record<string, number>;

export type RevocationReason = keyof typeof REVOCATION_REASONS;

/** PEM texts of a certificate that somebody brings along. */
export interface BroughtCertificate {
  readonly tenant: string;
  readonly chain: string;
  readonly key: string;
}

/** The certificate authority of this Tidegate alone. */
export interface Authority {
  readonly name: string;
  /** PEM, for whoever is to trust it. */
  readonly certificate: string;
  /** Domains that it signs below. */
  readonly names: readonly string[];
}

export interface CertificateBook {
  /** By id, which is by age. @param page tenant null: those of no tenant */
  list(page: {
    readonly after: string | null;
    readonly limit: number;
    readonly tenant: string | null;
  }): Promise<readonly KeptCertificate[]>;
  get(id: string): Promise<KeptCertificate | null>;
  /** How it stands with orders for a name that a certificate carries. */
  issuance(hostname: string): IssuanceView;
  /** @throws TidegateError `certs.unfit` */
  bring(brought: BroughtCertificate): Promise<KeptCertificate>;
  /** Asks for a new one now, as far as the limits of the authority allow; null: none of its names is wanted any more. */
  renew(id: string): Promise<IssuanceView | null>;
  /** At the authority, and in what is served. */
  revoke(id: string, reason: RevocationReason): Promise<void>;
  drop(id: string): Promise<void>;
  /** Encrypts all keys at rest with a new one. @throws TidegateError `vault.key_file` when that cannot be kept */
  rotateKey(): Promise<void>;
  /** Null: there is none. */
  authority(): Authority | null;
}
