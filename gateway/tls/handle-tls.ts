/**
 * Encryption on handles: a connection never becomes a socket, neither before nor after its handshake.
 */
import { HandleTools, HandleWire } from '../transport/handle-wire.ts';
import { nodeInternals } from '../transport/node-handles.ts';
import { TlsHandleWire } from './handle-tls-wire.ts';
import { encryptNet } from './net-tls.ts';
import type { Encrypt } from './secure-wire.ts';
import { tlsInternals } from './tls-handles.ts';

/** @throws when this Node does not give its internals out */
export function handleTls(): Encrypt {
  const tools = new HandleTools(nodeInternals());
  const wrap = tlsInternals();
  return (wire, terms) => {
    if (!(wire instanceof HandleWire)) return encryptNet(wire, terms);
    const tcp = wire.release();
    if (tcp === null) return wire;
    const tls = wrap(tcp, terms.context);
    if (terms.staple != null) tls.setOCSPResponse?.(terms.staple);
    if (terms.proof != null) {
      tls.setVerifyMode(true, false);
      tls.proof = terms.proof;
      terms.proof.attach(tls);
    }
    return new TlsHandleWire(tcp, tls, tools, terms);
  };
}
