/**
 * What a client has proved of itself by the certificate it sent in the handshake. Nothing is proved before the handshake
 * has ended, by a certificate that does not verify, or after its certificate has ended: also where a connection lives
 * longer, or a session of before was resumed.
 */
import { X509Certificate } from 'node:crypto';
import type { ClientAuthority } from '#certs/client-authority';

/** What is asked of a TLS connection. */
export interface TlsPeer {
  /** Why the certificate does not verify; null: it does, or there is none. */
  verifyError(): (Error & { readonly code?: string }) | null;
  /** Of the client, as it was sent or as the session keeps it; undefined: none. */
  getPeerCertificate(detailed: boolean): { readonly raw?: Buffer } | undefined;
  /** Undefined until the handshake has ended. */
  getPeerFinished(): Buffer | undefined;
}

/** `absent`: no certificate was sent. */
export type ClientStanding = 'absent' | 'invalid' | 'verified';

export class ClientProof {
  /** What was asked for is a certificate of this one. */
  readonly authority: ClientAuthority;
  /** Until it has been read. */
  #peer: TlsPeer | null = null;
  #standing: ClientStanding = 'absent';
  #certificate: X509Certificate | null = null;
  #endsMs = 0;
  #line = '';
  readonly #onInvalid: (fault: string) => void;

  /** @param onInvalid told once that a certificate was sent that proves nothing, and why */
  constructor(authority: ClientAuthority, onInvalid: (fault: string) => void) {
    this.authority = authority;
    this.#onInvalid = onInvalid;
  }

  /** The connection the handshake takes place on. It is asked once, when the first request has come. */
  attach(peer: TlsPeer): void {
    this.#peer = peer;
  }

  /** The connection cannot be asked any more. */
  detach(): void {
    this.#peer = null;
  }

  /** @param wallMs Unix time */
  standing(wallMs: number): ClientStanding {
    this.#read();
    if (this.#standing === 'verified' && wallMs > this.#endsMs) this.#refuse('CERT_HAS_EXPIRED');
    return this.#standing;
  }

  /** SHA-256 of the certificate as hex with colons; null: none was verified. */
  get fingerprint(): string | null {
    return this.#certificate?.fingerprint256 ?? null;
  }

  /** The verified certificate as a ready field line (RFC 9440 2.2); '' for none. */
  get line(): string {
    if (this.#line === '' && this.#certificate !== null) {
      this.#line = `Client-Cert: :${this.#certificate.raw.toString('base64')}:\r\n`;
    }
    return this.#line;
  }

  #read(): void {
    const peer = this.#peer;
    if (peer === null || peer.getPeerFinished() === undefined) return;
    this.#peer = null;
    const { raw } = peer.getPeerCertificate(false) ?? {};
    // A resumed session without a certificate verifies as well: there is nothing in it that could fail to.
    if (raw === undefined) return;
    const error = peer.verifyError();
    if (error !== null) {
      this.#refuse(error.code ?? error.message);
      return;
    }
    this.#standing = 'verified';
    this.#certificate = new X509Certificate(raw);
    this.#endsMs = this.#certificate.validToDate.getTime();
  }

  #refuse(fault: string): void {
    this.#standing = 'invalid';
    this.#certificate = null;
    this.#line = '';
    this.#onInvalid(fault);
  }
}
