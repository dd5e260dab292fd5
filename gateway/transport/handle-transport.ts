/**
 * The transport on handles: a server whose connections never become sockets, and connections opened without one.
 */
import { createServer, isIP, type Server } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { HandleTools, HandleWire } from './handle-wire.ts';
import { connectNet } from './net-wire.ts';
import { type ListenHandle, nodeInternals } from './node-handles.ts';
import type { ConnectTaker, Transport } from './wire.ts';

/** @throws when this Node does not give its internals out */
export function handleTransport(): Transport {
  const tools = new HandleTools(nodeInternals());
  return {
    kind: 'handle',
    createServer(onWire): Server {
      const server = createServer({ allowHalfOpen: true, noDelay: true });
      server.on('listening', () => {
        const { _handle: listener } = server as unknown as { _handle: ListenHandle };
        listener.onconnection = (status, handle) => {
          if (status !== 0 || handle === undefined) return;
          handle.setNoDelay(true);
          onWire(new HandleWire(handle, tools));
        };
      });
      return server;
    },
    connect: (host, port, taker) => connectHandle(tools, { host, port }, taker),
  };
}

function connectHandle(tools: HandleTools, to: { host: string; port: number }, taker: ConnectTaker): () => void {
  const family = isIP(to.host);
  // Names are for the resolver, which the public socket asks.
  if (family === 0) return connectNet(to.host, to.port, taker);
  const { TCP, TCPConnectWrap, kSocket } = tools.internals;
  const handle = new TCP(kSocket);
  const request = new TCPConnectWrap();
  let over = false;
  const onComplete = (status: number): void => {
    if (over) return;
    over = true;
    if (status === 0) {
      handle.setNoDelay(true);
      taker.onConnected(new HandleWire(handle, tools));
      return;
    }
    handle.close();
    taker.onRefused(new Error(`connect ${to.host}:${to.port}: ${getSystemErrorName(status)}`));
  };
  request.oncomplete = onComplete;
  const status = family === 4 ? handle.connect(request, to.host, to.port) : handle.connect6(request, to.host, to.port);
  if (status !== 0) setImmediate(onComplete, status);
  return () => {
    if (over) return;
    over = true;
    handle.close();
  };
}
