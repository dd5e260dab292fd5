/** What both ways of encrypting promise alike of a wire. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect as connectPlain, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import { handleTls } from '#gateway/tls/handle-tls';
import { encryptNet } from '#gateway/tls/net-tls';
import { protocolList } from '#gateway/tls/secure-wire';
import { handleTransport } from '#gateway/transport/handle-transport';
import { netTransport } from '#gateway/transport/net-wire';
import type { Wire, WireOwner } from '#gateway/transport/wire';
import { testAuthority } from '#test/certs/certificate-authority';
import { until } from '#test/support/until';

const LARGE_BYTES = 4 * 1024 * 1024;
const authority = testAuthority();
const { chain, key } = authority.issue(['app.test']);
const context = createSecureContext({ cert: chain, key });
const WAYS = [
  { name: 'net', transport: netTransport, encrypt: encryptNet },
  { name: 'handle', transport: handleTransport(), encrypt: handleTls() },
];

/** One connection: the encrypted wire, and the client at its other end. */
class Pair implements WireOwner {
  readonly wire: Wire;
  readonly raw: Socket;
  readonly socket: TLSSocket;
  readonly faults: string[];
  read = '';
  readBytes = 0;
  drains = 0;
  ended = false;
  closes = 0;
  received = 0;
  text = '';
  socketEnded = false;
  pausesOnRead = false;

  constructor(wire: Wire, client: { raw: Socket; socket: TLSSocket; faults: string[] }) {
    this.wire = wire;
    this.raw = client.raw;
    this.socket = client.socket;
    this.faults = client.faults;
    this.socket.on('end', () => {
      this.socketEnded = true;
    });
    wire.start(this);
  }

  listen(): void {
    this.socket.on('data', (octets: Buffer) => {
      this.received += octets.length;
      if (this.text.length < 1000) this.text += octets.toString('latin1');
    });
  }

  onOctets(b: Buffer, start: number, end: number): void {
    this.readBytes += end - start;
    if (this.read.length < 1000) this.read += b.toString('latin1', start, end);
    if (this.pausesOnRead) this.wire.pause();
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

function onBoth(name: string, run: (pair: Pair) => Promise<void>): void {
  for (const { name: way, transport, encrypt } of WAYS) {
    test(`${name} (${way})`, { timeout: 60_000 }, async () => {
      const faults: string[] = [];
      let secure: Wire | null = null;
      const server = transport.createServer((wire) => {
        wire.start({
          onOctets: (b, start, end) => {
            const onFault = (reason: string): void => void faults.push(reason);
            const early = b.subarray(start, end);
            secure = encrypt(wire, { context, protocols: protocolList('http/1.1'), early, onFault });
          },
          onDrain: () => {},
          onEnd: () => {},
          onClosed: () => {},
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
      const raw = connectPlain({
        port: (server.address() as AddressInfo).port,
        host: '127.0.0.1',
        allowHalfOpen: true,
      });
      // `allowHalfOpen` is taken from here, though not declared.
      const options = { socket: raw, servername: 'app.test', ca: authority.certificate, allowHalfOpen: true };
      const socket = connect(options);
      socket.on('error', () => {});
      await until(() => secure !== null);
      const pair = new Pair(secure as unknown as Wire, { raw, socket, faults });
      try {
        await run(pair);
      } finally {
        socket.destroy();
        raw.destroy();
        if (pair.wire.isOpen) pair.wire.destroy();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    });
  }
}

onBoth(
  'text and octets leave in their order, also before the handshake is done and while a write is under way',
  async (pair) => {
    pair.listen();
    pair.wire.write('caf\xe9 ', null, 'and ');
    pair.wire.write('<', Buffer.from('small'), '>');
    pair.wire.write('<', Buffer.alloc(200_000, 'x'), '>');
    pair.wire.write('', Buffer.from('octets'), '');
    pair.wire.write('', null, '');
    await until(() => pair.received === 9 + 7 + 200_002 + 6);
    assert.ok(pair.text.startsWith('caf\xe9 and <small><xxx'));
    assert.equal(pair.wire.remoteAddress?.endsWith('127.0.0.1'), true);
  },
);

onBoth('octets that are lent may change after the call', async (pair) => {
  await until(() => pair.socket.authorized);
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
  pair.socket.on('data', (octets: Buffer) => {
    for (const octet of octets) {
      if (octet !== 97 + (Math.floor(at / lent.length) % 26)) wrong++;
      at++;
    }
  });
  await until(() => at === sent);
  assert.equal(wrong, 0);
  await until(() => pair.drains === 1 && !pair.wire.hasUnsent);
});

onBoth('a large write waits, drains once and arrives whole', async (pair) => {
  const octets = randomBytes(LARGE_BYTES);
  const parts: Buffer[] = [];
  let bytes = 0;
  assert.equal(pair.wire.write('head', octets, 'tail'), false);
  pair.socket.on('data', (part: Buffer) => {
    parts.push(part);
    bytes += part.length;
  });
  await until(() => pair.drains === 1);
  await until(() => bytes === LARGE_BYTES + 8);
  assert.ok(Buffer.concat(parts).subarray(4, -4).equals(octets));
});

onBoth('a paused wire hears nothing until it goes on, whatever was decrypted already', async (pair) => {
  pair.pausesOnRead = true;
  pair.socket.write('x'.repeat(60_000));
  await until(() => pair.readBytes > 0);
  const before = pair.readBytes;
  assert.ok(before < 60_000);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(pair.readBytes, before);
  pair.pausesOnRead = false;
  pair.wire.resume();
  assert.equal(pair.readBytes, before, 'nothing is called from within the call');
  await until(() => pair.readBytes === 60_000);
  pair.socket.write('more');
  await until(() => pair.readBytes === 60_004);
});

onBoth('an ended wire sends everything first, still listens, and closes with the other side', async (pair) => {
  await until(() => pair.socket.authorized);
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
  assert.ok(pair.ended && !pair.wire.isOpen);
  assert.deepEqual(pair.faults, []);
});

onBoth('the end of the other side is heard after everything it sent, and answered in peace', async (pair) => {
  pair.listen();
  pair.socket.end('x'.repeat(40_000));
  await until(() => pair.ended);
  assert.equal(pair.readBytes, 40_000);
  assert.equal(pair.closes, 0);
  pair.wire.write('answer', null, '');
  pair.wire.end();
  await until(() => pair.text === 'answer' && pair.socketEnded);
  await until(() => pair.closes === 1);
});

onBoth('a reset of the other side closes it once', async (pair) => {
  pair.listen();
  pair.wire.write('all is said', null, '');
  await until(() => pair.text === 'all is said');
  pair.raw.resetAndDestroy();
  await until(() => pair.closes === 1);
  assert.equal(pair.wire.write('nobody', null, ' hears'), true);
  pair.wire.destroy();
  pair.wire.end();
});

onBoth('destroy and reset are heard by the other side', async (pair) => {
  await until(() => pair.socket.authorized);
  let closed = false;
  pair.raw.on('close', () => {
    closed = true;
  });
  pair.wire.reset();
  await until(() => closed && pair.closes === 1);
});

onBoth('octets that are not TLS are a fault, and close it', async (pair) => {
  await until(() => pair.socket.authorized);
  pair.raw.write('this was never encrypted');
  await until(() => pair.closes === 1);
  assert.equal(pair.faults.length, 1);
});

onBoth('a detached wire goes on with its next owner, early octets first', async (pair) => {
  pair.socket.write('one');
  await until(() => pair.read === 'one');
  pair.wire.detach(Buffer.from('one again '));
  pair.socket.write('two');
  let text = '';
  let goes = 0;
  pair.wire.onGone = () => {
    goes++;
  };
  pair.wire.start({
    onOctets: (b, start, end) => {
      text += b.toString('latin1', start, end);
    },
    onDrain: () => {},
    onEnd: () => {},
    onClosed: () => {},
  });
  await until(() => text === 'one again two');
  assert.equal(pair.read, 'one');
  pair.wire.destroy();
  await until(() => goes === 1);
  assert.equal(pair.closes, 0);
});

onBoth('a surrendered wire goes on as a socket, also while a write is under way', async (pair) => {
  pair.listen();
  pair.socket.write('early');
  await until(() => pair.read === 'early');
  pair.wire.write('first ', null, '');
  pair.wire.write('second ', null, '');
  const socket = pair.wire.surrender(Buffer.from('early'));
  let text = '';
  let ended = false;
  socket.on('data', (octets: Buffer) => {
    text += octets.toString('latin1');
  });
  socket.on('end', () => {
    ended = true;
  });
  socket.on('error', () => {});
  socket.resume();
  socket.write('third ');
  pair.socket.write(' late');
  await until(() => text === 'early late');
  await until(() => pair.text === 'first second third ');
  socket.write(Buffer.alloc(LARGE_BYTES));
  await until(() => pair.received === LARGE_BYTES + 'first second third '.length);
  pair.socket.end();
  await until(() => ended);
  socket.end();
  await until(() => pair.socketEnded);
  assert.equal(pair.closes, 0, 'its owner hears no more of it');
});
