/**
 * Opening a connection to an upstream, plain or TLS, within a deadline. Ends with exactly one of two calls.
 */
import { connect } from 'node:tls';
import type { Endpoint } from '#core/set';
import { Deadline, type Deadlines } from '../deadlines.ts';
import { NetWire } from '../transport/net-wire.ts';
import type { ConnectTaker, Transport, Wire } from '../transport/wire.ts';

/** `refused`: nobody there. `timeout`: no answer in time. `protocol`: no TLS spoken there. */
export type DialFailure = 'refused' | 'timeout' | 'protocol';

export interface DialOptions {
  readonly endpoint: Endpoint;
  /** Name for the TLS handshake; null: plain. */
  readonly servername: string | null;
  readonly timeoutMs: number;
  readonly deadlines: Deadlines;
  /** What plain connections are made of. */
  readonly transport: Transport;
  readonly onConnected: (wire: Wire) => void;
  readonly onFailed: (failure: DialFailure, error: Error | null) => void;
}

export function dial(options: DialOptions): void {
  const { endpoint, servername, deadlines, transport } = options;
  const deadline = new Deadline(() => {
    giveUp();
    options.onFailed('timeout', null);
  });
  const taker: ConnectTaker = {
    onConnected: (wire) => {
      deadlines.stop(deadline);
      options.onConnected(wire);
    },
    onRefused: (error) => {
      deadlines.stop(deadline);
      options.onFailed(isTlsFault(error) ? 'protocol' : 'refused', error);
    },
  };
  deadlines.start(deadline, options.timeoutMs);
  const giveUp =
    servername === null
      ? transport.connect(endpoint.dialHost, endpoint.dialPort, taker)
      : connectTls(endpoint, servername, taker);
}

/**
 * As `Transport.connect`. Inside the host a replica's certificate is not verified: it is its own, and the address comes
 * from the Engine.
 */
function connectTls(endpoint: Endpoint, servername: string, taker: ConnectTaker): () => void {
  const address = {
    host: endpoint.dialHost,
    port: endpoint.dialPort,
    noDelay: true,
    autoSelectFamily: false,
    allowHalfOpen: true,
  };
  const socket = connect({
    ...address,
    servername,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  let error: Error | null = null;
  const onError = (cause: Error): void => {
    error = cause;
  };
  const onClose = (): void => taker.onRefused(error ?? new Error('closed within the TLS handshake'));
  socket.on('error', onError);
  socket.on('close', onClose);
  socket.on('secureConnect', () => {
    socket.off('close', onClose);
    taker.onConnected(new NetWire(socket));
    socket.off('error', onError);
  });
  return () => {
    socket.off('close', onClose);
    socket.destroy();
  };
}

function isTlsFault(error: Error | null): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  return code.startsWith('ERR_SSL') || code === 'EPROTO';
}
