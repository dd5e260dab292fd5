/**
 * The seam between the TLS listener and TLS: a wire whose first octets were read already becomes an encrypted one. Two
 * implementations behave alike: one on Node's public socket, one on the handle beneath it.
 */
import type { SecureContext } from 'node:tls';
import type { Wire } from '../transport/wire.ts';
import type { ClientProof } from './client-proof.ts';

export interface TlsTerms {
  /** Certificate, versions, ciphers, ticket keys. */
  readonly context: SecureContext;
  /** What may be spoken inside, best first, each with its length before it (RFC 7301 3.1). */
  readonly protocols: Buffer;
  /** Told to clients that ask whether the certificate has been revoked: DER of an OCSP answer. Left out: nothing. */
  readonly staple?: Buffer | null;
  /** Asks the client for a certificate; the handshake goes on without one, and with whatever comes. Left out: it does not ask. */
  readonly proof?: ClientProof | null;
  /** What was read from the wire, all of it; holds during the call only. */
  readonly early: Buffer;
  /** TLS has failed: the handshake, or what came after it. The wire closes by itself, an alert has left if one was due. */
  readonly onFault: (reason: string) => void;
}

/**
 * Encrypts a wire as its server side. The wire that is given belongs to the one that comes back, which speaks the
 * handshake by itself and may be written to at once.
 */
export type Encrypt = (wire: Wire, terms: TlsTerms) => Wire;

/** ALPN protocol ids as {@link TlsTerms.protocols} wants them. */
export function protocolList(...names: readonly string[]): Buffer {
  return Buffer.from(names.map((name) => String.fromCharCode(name.length) + name).join(''), 'latin1');
}
