/**
 * Opening a connection to an upstream, plain or TLS, within a deadline. Ends with exactly one of two calls.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Endpoint } from '#core/set';
import { Deadline, type Deadlines } from '../deadlines.ts';

/** `refused`: nobody there. `timeout`: no answer in time. `protocol`: no TLS spoken there. */
export type DialFailure = 'refused' | 'timeout' | 'protocol';

export interface DialOptions {
  readonly endpoint: Endpoint;
  /** Name for the TLS handshake; null: plain. */
  readonly servername: string | null;
  readonly timeoutMs: number;
  readonly deadlines: Deadlines;
  readonly onConnected: (socket: Socket) => void;
  readonly onFailed: (failure: DialFailure, error: Error | null) => void;
}

/**
 * Dials. Inside the host a replica's certificate is not verified: it is its own, and the address comes from the Engine.
 */
export function dial(options: DialOptions): void {
  const { endpoint, servername, deadlines } = options;
  const address = {
    host: endpoint.dialHost,
    port: endpoint.dialPort,
    noDelay: true,
    autoSelectFamily: false,
    allowHalfOpen: true,
  };
  const socket =
    servername === null
      ? connect(address)
      : connectTls({ ...address, servername, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  let error: Error | null = null;
  const deadline = new Deadline(() => fail('timeout'));

  function stopListening(): void {
    deadlines.stop(deadline);
    socket.off(servername === null ? 'connect' : 'secureConnect', onConnected);
    socket.off('close', onClose);
  }
  function fail(failure: DialFailure): void {
    stopListening();
    socket.destroy();
    options.onFailed(failure, error);
  }
  function onConnected(): void {
    stopListening();
    options.onConnected(socket);
    socket.off('error', onError);
  }
  function onError(cause: Error): void {
    error = cause;
  }
  function onClose(): void {
    fail(isTlsFault(error) ? 'protocol' : 'refused');
  }

  socket.on(servername === null ? 'connect' : 'secureConnect', onConnected);
  socket.on('error', onError);
  socket.on('close', onClose);
  deadlines.start(deadline, options.timeoutMs);
}

function isTlsFault(error: Error | null): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  return code.startsWith('ERR_SSL') || code === 'EPROTO';
}
