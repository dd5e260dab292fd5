/**
 * What the self-test runs in its child process: two connections over the handle transport, with everything a lane does to
 * one. Prints `passed`, or what was wrong; hangs or dies where the internals are not as expected.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tryTls } from '../tls/tls-trial.ts';
import { handleTransport } from './handle-transport.ts';
import type { Wire, WireOwner } from './wire.ts';

/** More than socket buffers take. */
const LARGE_BYTES = 16 * 1024 * 1024;

try {
  const large = await transfer();
  if (large !== LARGE_BYTES + 'first'.length + 'last'.length) throw new Error(`${large} octets arrived`);
  const handed = await handOver();
  if (handed !== 'early late') throw new Error(`the socket read ${handed}`);
  const dialled = await dial();
  if (dialled !== 'asked') throw new Error(`the dialled side read ${dialled}`);
  const secret = await tryTls(LARGE_BYTES);
  if (secret !== 'asked answered ended') throw new Error(`over TLS it was ${secret}`);
  process.stdout.write('passed\n');
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

/** Answers with more than leaves at once, ends, and tells how much arrived. */
async function transfer(): Promise<number> {
  let drained = 0;
  let waited = false;
  const server = handleTransport().createServer((wire) => {
    const owner = quiet();
    owner.onOctets = () => {
      wire.pause();
      wire.resume();
      wire.write('first', Buffer.alloc(0), '');
      waited = !wire.write('', Buffer.alloc(LARGE_BYTES), 'last');
    };
    owner.onDrain = () => {
      drained++;
      wire.end();
    };
    owner.onEnd = () => wire.destroy();
    wire.start(owner);
  });
  const socket = await client(server);
  let bytes = 0;
  socket.on('data', (octets) => {
    bytes += octets.length;
  });
  socket.write('go');
  await new Promise<void>((resolve) => socket.on('end', () => resolve()));
  socket.end();
  server.close();
  if (!waited || drained !== 1) throw new Error('a large write did not wait and drain once');
  return bytes;
}

/** Gives a connection away as a socket and tells what that read. */
async function handOver(): Promise<string> {
  let read = '';
  let over: () => void = () => {};
  const whole = new Promise<void>((resolve) => {
    over = resolve;
  });
  const server = handleTransport().createServer((wire: Wire) => {
    const owner = quiet();
    owner.onOctets = (b, start, end) => {
      const taken = wire.surrender(Buffer.from(b.subarray(start, end)));
      taken.on('data', (octets) => {
        read += octets.toString();
        if (read === 'early ') taken.write('?');
      });
      taken.on('end', () => {
        taken.end();
        over();
      });
      taken.resume();
    };
    wire.start(owner);
  });
  const socket = await client(server);
  socket.on('data', () => socket.end('late'));
  socket.write('early ');
  await whole;
  server.close();
  return read;
}

/** Dials a server that says back what it hears, is refused by nobody, and tells what came back. */
async function dial(): Promise<string> {
  const server = createServer((socket) => socket.pipe(socket));
  const port = await listen(server);
  const heard = await new Promise<string>((resolve, reject) => {
    handleTransport().connect('127.0.0.1', port, {
      onConnected: (wire) => {
        let text = '';
        const owner = quiet();
        owner.onOctets = (b, start, end) => {
          text += b.toString('latin1', start, end);
          if (text === 'asked') wire.end();
        };
        owner.onClosed = () => resolve(text);
        wire.start(owner);
        wire.write('ask', null, 'ed');
      },
      onRefused: reject,
    });
  });
  server.close();
  await new Promise<void>((resolve, reject) => {
    const onConnected = (): void => reject(new Error('a closed port took a connection'));
    handleTransport().connect('127.0.0.1', port, { onConnected, onRefused: () => resolve() });
  });
  return heard;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
}

async function client(server: Server): Promise<Socket> {
  const socket = connect(await listen(server), '127.0.0.1');
  await new Promise<void>((resolve) => socket.on('connect', () => resolve()));
  return socket;
}

function quiet(): { -readonly [K in keyof WireOwner]: WireOwner[K] } {
  return { onOctets: () => {}, onDrain: () => {}, onEnd: () => {}, onClosed: () => {} };
}
