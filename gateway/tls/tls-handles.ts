/**
 * The internals of Node that encryption on handles stands on, named and typed in one place. As with those of the plain
 * transport, the self-test finds out whether this Node has them in this form.
 */
import type { SecureContext } from 'node:tls';
import type { TcpHandle } from '../transport/node-handles.ts';

/** Encryption on top of a TCP handle: what is read and written here is clear. */
export interface TlsHandle extends TcpHandle {
  onerror: (this: TlsHandle, error: Error) => void;
  /** What closes with it, for a socket that takes it over. */
  _parent?: TcpHandle;
  setALPNProtocols(protocols: Uint8Array): void;
  /** Takes encrypted octets that were read elsewhere; copies them. */
  receive(octets: Uint8Array): void;
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
