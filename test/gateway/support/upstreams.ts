/**
 * Replicas for tests: apps on node:http, and bare sockets that answer whatever octets a test wants.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createSocketServer,
  type Socket,
  type Server as SocketServer,
} from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/** A server that a test owns. */
export interface TestServer {
  readonly port: number;
  /** Connections opened to it since it started. */
  readonly opened: () => number;
  /** Connections open now. */
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

/** A replica with Node's own server. */
export async function app(listener: RequestListener, configure?: (server: Server) => void): Promise<TestServer> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  configure?.(server);
  return await serve(server);
}

/** A replica that answers `<method> <target>` and what it was sent. */
export function echo(request: IncomingMessage, response: ServerResponse): void {
  buffer(request).then(
    (body) => {
      const seen = { method: request.method, target: request.url, fields: request.rawHeaders, bytes: body.length };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ...seen, body: body.toString('latin1'), trailers: request.rawTrailers }));
    },
    () => response.destroy(),
  );
}

/** A replica on a bare socket: `answer` is called once for each connection with all octets that arrive on it. */
export async function rawReplica(answer: (socket: Socket, firstOctets: Buffer) => void): Promise<TestServer> {
  const server = createSocketServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.once('data', (octets) => {
      answer(socket, octets);
      socket.resume();
    });
  });
  return await serve(server);
}

/** A port nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createSocketServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** A port whose connections are neither accepted nor refused: its listener is asleep and its queue is full. */
export async function mutePort(): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const worker = new Worker(MUTE_LISTENER, { eval: true });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const queued: Socket[] = [];
  const close = async (): Promise<void> => {
    for (const socket of queued) socket.destroy();
    await worker.terminate();
  };
  for (let connected = true; connected; ) {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    queued.push(socket);
    connected = await Promise.race([
      new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true))),
      sleep(500).then(() => false),
    ]);
  }
  return { port, close };
}

const MUTE_LISTENER = `
  const { createServer } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const server = createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

export async function serve(server: SocketServer): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let opened = 0;
  server.on('connection', (socket: Socket) => {
    opened++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    opened: () => opened,
    open: () => sockets.size,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
