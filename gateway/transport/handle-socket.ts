/**
 * A public socket for a connection that was served on its handle so far.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { TcpHandle } from './node-handles.ts';

/**
 * A socket for a handle whose reads go into the shared buffer: the documented `onread` option keeps them there, and what
 * arrives is copied out.
 */
export function socketOf(handle: TcpHandle, shared: Buffer, early: Buffer | null): Socket {
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: shared,
      callback: (bytes: number): boolean => socket.push(Buffer.from(shared.subarray(0, bytes))),
    },
  };
  const socket: Socket = new Socket(options as unknown as SocketConstructorOpts);
  socket.pause();
  if (early !== null) socket.unshift(early);
  return socket;
}
