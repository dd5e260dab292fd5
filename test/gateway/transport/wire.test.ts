/** What both transports promise alike of a connection. */
import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { handleTransport } from '#gateway/transport/handle-transport';
import { netTransport } from '#gateway/transport/net-wire';
import type { Transport, Wire, WireOwner } from '#gateway/transport/wire';
import { until } from '#test/support/until';

const LARGE_BYTES = 8 * 1024 * 1024;

/** One connection: the wire under test and the socket at its other end. */
class Pair implements WireOwner {
  readonly wire: Wire;
  readonly socket: Socket;
  /** What the wire was told. */
  read = '';
  drains = 0;
  ended = false;
  closes = 0;
  /** What the socket was told. */
  received = 0;
  text = '';
  socketEnded = false;
  socketError: NodeJS.ErrnoException | null = null;

  constructor(wire: Wire, socket: Socket) {
    this.wire = wire;
    this.socket = socket;
    socket.on('end', () => {
      this.socketEnded = true;
    });
    socket.on('error', (error) => {
      this.socketError = error;
    });
    wire.start(this);
  }

  listen(): void {
    this.socket.on('data', (octets) => {
      this.received += octets.length;
      if (this.text.length < 1000) this.text += octets.toString('latin1');
    });
  }

  onOctets(b: Buffer, start: number, end: number): void {
    this.read += b.toString('latin1', start, end);
  }
  onDrain(): void {
    this.drains++;
  }
  onEnd(): void {
    this.ended = true;
  }
  onClosed(): void {
    this.closes++;
  }
}

function onBoth(name: string, run: (transport: Transport) => Promise<void>): void {
  for (const transport of [netTransport, handleTransport()]) {
    test(`${name} (${transport.kind})`, { timeout: 60_000 }, () => run(transport));
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
}

/** Runs with an accepted connection, and once more with one that was dialled. */
function onPairs(name: string, run: (pair: Pair) => Promise<void>): void {
  onBoth(`${name}, accepted`, async (transport) => {
    let accepted: Wire | null = null;
    const server = transport.createServer((wire) => {
      accepted = wire;
    });
    const socket = connect({ port: await listen(server), host: '127.0.0.1', allowHalfOpen: true });
    await until(() => accepted !== null);
    await close(server, await run2(accepted, socket, run));
  });
  onBoth(`${name}, dialled`, async (transport) => {
    let socket: Socket | null = null;
    let dialled: Wire | null = null;
    const server = createServer({ allowHalfOpen: true }, (one) => {
      socket = one;
    });
    const onConnected = (wire: Wire): void => {
      dialled = wire;
    };
    transport.connect('127.0.0.1', await listen(server), { onConnected, onRefused: (error) => assert.fail(error) });
    await until(() => socket !== null && dialled !== null);
    await close(server, await run2(dialled, socket, run));
  });
}

async function run2(wire: Wire | null, socket: Socket | null, run: (pair: Pair) => Promise<void>): Promise<Pair> {
  assert.ok(wire !== null && socket !== null);
  const pair = new Pair(wire, socket);
  await run(pair);
  return pair;
}

async function close(server: Server, pair: Pair): Promise<void> {
  pair.socket.destroy();
  if (pair.wire.isOpen) pair.wire.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

onPairs('text and octets leave in their order', async (pair) => {
  pair.listen();
  pair.wire.write('caf\xe9 ', null, 'and ');
  pair.wire.write('<', Buffer.from('small'), '>');
  pair.wire.write('<', Buffer.alloc(20_000, 'x'), '>');
  pair.wire.write('', Buffer.from('octets'), '');
  pair.wire.write('', null, '');
  await until(() => pair.received === 9 + 7 + 20_002 + 6);
  assert.ok(pair.text.startsWith('caf\xe9 and <small><xxx'));
});

onPairs('octets that are lent may change after the call', async (pair) => {
  // Nothing is read at first, so that what is written has to wait.
  const lent = Buffer.alloc(50_000);
  let sent = 0;
  let ready = true;
  while (ready) {
    lent.fill(97 + ((sent / lent.length) % 26));
    ready = pair.wire.write('', lent, '', false);
    sent += lent.length;
  }
  lent.fill('!');
  assert.ok(pair.wire.hasUnsent);
  let at = 0;
  let wrong = 0;
  pair.socket.on('data', (octets) => {
    for (const octet of octets) {
      if (octet !== 97 + (Math.floor(at / lent.length) % 26)) wrong++;
      at++;
    }
  });
  await until(() => at === sent);
  assert.equal(wrong, 0);
  await until(() => pair.drains === 1);
  assert.ok(!pair.wire.hasUnsent);
});

onPairs('a large write waits, drains once and arrives whole', async (pair) => {
  assert.equal(pair.wire.write('head', Buffer.alloc(LARGE_BYTES), 'tail'), false);
  pair.listen();
  await until(() => pair.drains === 1);
  await until(() => pair.received === LARGE_BYTES + 8);
});

onPairs('a paused wire hears nothing until it goes on', async (pair) => {
  pair.socket.write('first');
  await until(() => pair.read === 'first');
  pair.wire.pause();
  pair.socket.write('second');
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(pair.read, 'first');
  pair.wire.resume();
  await until(() => pair.read === 'firstsecond');
});

onPairs('an ended wire sends everything first, still listens, and closes with the other side', async (pair) => {
  pair.wire.write('', Buffer.alloc(LARGE_BYTES), '');
  pair.wire.end();
  pair.listen();
  await until(() => pair.socketEnded);
  assert.equal(pair.received, LARGE_BYTES);
  pair.socket.write('late');
  await until(() => pair.read === 'late');
  assert.equal(pair.closes, 0);
  pair.socket.end();
  await until(() => pair.closes === 1);
  assert.ok(pair.ended);
  assert.ok(!pair.wire.isOpen);
});

onPairs('a last end closes without the other side, which reads everything first', async (pair) => {
  pair.listen();
  pair.wire.write('all ', Buffer.from('of'), ' it');
  pair.wire.end(true);
  await until(() => pair.closes === 1);
  await until(() => pair.socketEnded);
  assert.equal(pair.text, 'all of it');
  assert.equal(pair.socketError, null);
});

onPairs('a last end takes nothing back of what has not left yet', async (pair) => {
  pair.wire.write('', Buffer.alloc(LARGE_BYTES), '');
  pair.wire.end(true);
  pair.listen();
  await until(() => pair.socketEnded);
  assert.equal(pair.received, LARGE_BYTES);
  pair.socket.end();
  await until(() => pair.closes === 1);
});

onPairs('a reset is heard as a reset, an end as an end', async (pair) => {
  pair.listen();
  pair.wire.reset();
  await until(() => pair.socketError !== null);
  assert.equal(pair.socketError?.code, 'ECONNRESET');
  await until(() => pair.closes === 1);
  pair.wire.destroy();
  assert.equal(pair.wire.write('nobody', null, ' hears'), true);
});

onPairs('a connection that the other side resets closes once', async (pair) => {
  pair.socket.resetAndDestroy();
  await until(() => pair.closes === 1);
  assert.ok(!pair.wire.isOpen);
});

onPairs(
  'octets that hold for the call only go with a head of any length, whatever was written before',
  async (pair) => {
    pair.listen();
    const part = Buffer.alloc(80_000, 'b');
    let bytes = 0;
    for (const head of [
      '',
      'h'.repeat(200),
      'h'.repeat(9000),
      'h'.repeat(40_000),
      'h'.repeat(300),
      'h'.repeat(100_000),
    ]) {
      pair.wire.write(head, part, 't', false);
      bytes += head.length + part.length + 1;
    }
    await until(() => pair.received === bytes);
  },
);

onPairs('a surrendered connection goes on as a socket, octets put back first', async (pair) => {
  pair.socket.write('early');
  await until(() => pair.read === 'early');
  const socket = pair.wire.surrender(Buffer.from('early'));
  let text = '';
  let ended = false;
  socket.on('data', (octets: Buffer) => {
    text += octets.toString();
  });
  socket.on('end', () => {
    ended = true;
  });
  socket.on('error', () => {});
  socket.resume();
  pair.listen();
  pair.socket.write(' late');
  await until(() => text === 'early late');
  socket.write(Buffer.alloc(LARGE_BYTES));
  await until(() => pair.received === LARGE_BYTES);
  pair.socket.end();
  await until(() => ended);
  socket.end();
  await until(() => pair.socketEnded);
  assert.equal(pair.closes, 0, 'its owner hears no more of it');
});

onPairs('a connection that closed just before it is surrendered is a socket that closes', async (pair) => {
  pair.wire.destroy();
  const socket = pair.wire.surrender(Buffer.from('early'));
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  socket.on('error', () => {});
  await until(() => closed);
});

onBoth('a port that nobody listens on refuses, and an attempt given up is not heard of', async (transport) => {
  const server = createServer();
  const port = await listen(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  const heard: string[] = [];
  const taker = { onConnected: () => heard.push('connected'), onRefused: () => heard.push('refused') };
  transport.connect('127.0.0.1', port, taker)();
  transport.connect('127.0.0.1', port, taker);
  await until(() => heard.length === 1);
  assert.deepEqual(heard, ['refused']);
});
