/**
 * The internals of Node that encryption on handles stands on, named and typed in one place. As with those of the plain
 * transport, the self-test finds out whether this Node has them in this form.
 */
import type { SecureContext } from 'node:tls';
import type { TcpHandle } from '../transport/node-handles.ts';
import type { ClientProof, TlsPeer } from './client-proof.ts';

/** Encryption on top of a TCP handle: what is read and written here is clear. */
export interface TlsHandle extends TcpHandle, TlsPeer {
  onerror: (this: TlsHandle, error: Error) => void;
  /** What closes with it, for a socket that takes it over. */
  _parent?: TcpHandle;
  /** Ours: what can be asked of the client while the handle lives. */
  proof?: ClientProof;
  /** `asks`: the client is asked for a certificate. To be called before the handshake. */
  setVerifyMode(asks: boolean, insists: boolean): void;
  setALPNProtocols(protocols: Uint8Array): void;
  /** Takes encrypted octets that were read elsewhere; copies them. */
  receive(octets: Uint8Array): void;
  /** What a client is told that asks for an OCSP answer. To be called before the handshake. */
  setOCSPResponse?(der: Buffer): void;
  destroySSL(): void;
}

/** `hasWrites`: what stood on the handle before still writes. */
type WrapHandle = (handle: TcpHandle, context: unknown, isServer: boolean, hasWrites: boolean) => TlsHandle;

/** @throws when this Node does not give them out */
export function tlsInternals(): (handle: TcpHandle, context: SecureContext) => TlsHandle {
  const { binding } = process as unknown as { binding(name: string): unknown };
  const { wrap } = binding.call(process, 'tls_wrap') as { readonly wrap: WrapHandle };
  return (handle, context) => wrap(handle, context.context, true, false);
}
