/**
 * The port between who has certificates and who shows them. What is at hand comes back at once: a handshake waits for a
 * promise only where a certificate has to be fetched or made first.
 */
import type { SecureContext } from 'node:tls';
import type { ClientAuthority } from './client-authority.ts';

/** A certificate as it is served. */
export interface ServedCertificate {
  /** With key, protocol versions and ticket keys. */
  readonly context: SecureContext;
  /** Whether it stands for this normalised hostname (RFC 6125 6.4: a wildcard covers one label). */
  covers(hostname: string): boolean;
  /** What clients that ask for it are told about its revocation (RFC 6066 8), DER; null or left out: nothing. @param now Unix ms */
  staple?(now: number): Buffer | null;
  /** The same for clients that are asked for a certificate of this authority. Left out: it is for others alone. */
  asking?(authority: ClientAuthority): ServedCertificate;
}

export interface CertificateSource {
  /**
   * What to show a client that came for this hostname; null: nothing, it is to be turned away.
   * @param hostname normalised, not empty
   */
  contextFor(hostname: string): ServedCertificate | null | Promise<ServedCertificate | null>;
  /** What to show a certificate authority that validates this hostname by TLS-ALPN-01 (RFC 8737); null: no such order. */
  challengeFor?(hostname: string): ServedCertificate | null;
}
