/**
 * Encryption on Node's public TLS socket: works wherever Node does.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { messageOf } from '#core/errors';
import { NetWire } from '../transport/net-wire.ts';
import type { TlsPeer } from './client-proof.ts';
import type { Encrypt } from './secure-wire.ts';
import type { TlsHandle } from './tls-handles.ts';

export const encryptNet: Encrypt = (wire, terms) => {
  const plain = wire.surrender(Buffer.from(terms.early));
  // What is wrong with it the socket on top of it says.
  plain.on('error', () => {});
  const secure = new TLSSocket(plain, {
    isServer: true,
    secureContext: terms.context,
    // Declared as a list of names; the form of the wire spares making it for each connection.
    ALPNProtocols: terms.protocols as unknown as string[],
    ...(terms.proof == null ? {} : { requestCert: true, rejectUnauthorized: false }),
  });
  const handle = (secure as unknown as { readonly _handle: TlsPeer & Pick<TlsHandle, 'setOCSPResponse'> })._handle;
  // A server would be asked for it by an event; there is none.
  if (terms.staple != null) handle.setOCSPResponse?.(terms.staple);
  const { proof } = terms;
  if (proof != null) {
    // Without a server behind it the socket does not say by itself whether the certificate verified.
    proof.attach(handle);
    secure.on('close', () => proof.detach());
  }
  let failed = false;
  const onError = (error: unknown): void => {
    if (failed) return;
    failed = true;
    terms.onFault(messageOf(error));
    secure.destroy();
  };
  secure.on('error', onError);
  // After the handshake a socket that no server stands behind says it by this event alone, and stays open.
  secure.on('_tlsError', onError);
  return new NetTlsWire(secure, plain);
};

class NetTlsWire extends NetWire {
  readonly #plain: Socket;

  constructor(secure: Socket, plain: Socket) {
    super(secure);
    this.#plain = plain;
  }

  /** The socket on top cannot be reset; it closes with the one beneath. */
  override reset(): void {
    this.#plain.resetAndDestroy();
  }
}
