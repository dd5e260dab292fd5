/** The listener of the admin API. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { messageOf, TidegateError } from '#core/errors';
import type { ListenAddress } from '#core/settings';
import { adminApp } from './app.ts';
import { ExecDoor } from './exec-door.ts';
import { ExecTickets } from './exec-tickets.ts';
import type { AdminPorts } from './ports.ts';

/** Nobody has to send a head or a small body slowly. */
const HEAD_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Answers under way get this long when the listener closes; streams end at once. */
const CLOSE_AFTER_MS = 2000;

export interface AdminServer {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly host: string;
  readonly port: number;
  /** Ends streams, lets answers under way finish, and stops listening. */
  close(): Promise<void>;
}

/** @throws TidegateError `listener.in_use` or `listener.denied` */
export async function startAdminServer(ports: AdminPorts, address: ListenAddress): Promise<AdminServer> {
  const closing = new AbortController();
  const tickets = new ExecTickets(ports.clock, randomBytes);
  const app = adminApp(ports, closing.signal, tickets);
  const door = new ExecDoor(ports, tickets, closing.signal);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  let answering = 0;
  const server = createServer(
    { headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      answering++;
      response.once('close', () => {
        answering--;
        if (closing.signal.aborted && answering === 0) server.closeAllConnections();
      });
      void listener(request, response);
    },
  );
  server.on('upgrade', door.take);
  const { address: host, port } = await listen(server, address);
  server.on('error', (error) => ports.log.warn('the admin listener has a fault', { error }));
  return {
    host,
    port,
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const hurry = ports.clock.after(CLOSE_AFTER_MS, () => server.closeAllConnections());
      if (answering === 0) server.closeAllConnections();
      await door.closed();
      await closed;
      hurry.cancel();
    },
  };
}

function listen(server: Server, address: ListenAddress): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenFault(error, address));
    server.once('error', onError);
    const { host, port, fd } = address;
    server.listen(fd === undefined ? { host, port } : { fd }, () => {
      server.off('error', onError);
      const bound = server.address();
      if (bound === null || typeof bound === 'string') reject(new Error('the admin listener has no address'));
      else resolve(bound);
    });
  });
}

function listenFault(error: Error, { host, port }: { readonly host: string; readonly port: number }): unknown {
  const where = `the admin API cannot listen on ${host}:${port}`;
  const code = 'code' in error ? error.code : null;
  if (code === 'EADDRINUSE') return new TidegateError('listener.in_use', `${where}: it is taken`, { cause: error });
  if (code === 'EACCES') return new TidegateError('listener.denied', `${where}: not allowed`, { cause: error });
  return new Error(`${where}: ${messageOf(error)}`, { cause: error });
}
