/** The TLS listener from outside, with real clients: whom it serves, what it shows them, whom it turns away. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { until } from '#test/support/until';
import { onEveryTlsLane, type TlsRig, talk } from '../support/tls.ts';
import { echo } from '../support/upstreams.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n';
const LARGE_BYTES = 4 * 1024 * 1024;
const HALF_OPEN = 1000;

async function withApp(rig: TlsRig): Promise<void> {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
}

/** The record of a fatal alert. */
function alert(number: number): string {
  return Buffer.from([21, 3, 3, 0, 2, 2, number]).toString('latin1');
}

/** Octets on a bare connection to the TLS port, and everything that came back. */
async function raw(rig: TlsRig, octets: string, end = false): Promise<string> {
  const socket = connect(rig.tlsPort, '127.0.0.1');
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  if (end) socket.end(octets, 'latin1');
  else socket.write(octets, 'latin1');
  await new Promise<void>((resolve) => socket.on('close', () => resolve()));
  return text;
}

/** What a client of these options says first. */
async function firstFlight(rig: TlsRig): Promise<Buffer> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as { port: number };
  const flight = new Promise<Buffer>((resolve) =>
    server.once('connection', (socket) =>
      socket.once('data', (octets) => {
        socket.destroy();
        resolve(octets);
      }),
    ),
  );
  rig.dial({ port });
  const octets = await flight;
  server.close();
  return octets;
}

onEveryTlsLane('a request over TLS is served, and the replica hears that it was', {}, async (rig) => {
  await withApp(rig);
  const answer = await talk(await rig.secure(), REQUEST);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(answer, /"X-Forwarded-Proto","https"/);
});

onEveryTlsLane('TLS 1.2 and 1.3 are spoken, nothing older', {}, async (rig) => {
  assert.equal(await rig.handshake({ maxVersion: 'TLSv1.2' }), 'TLSv1.2 -');
  assert.equal(await rig.handshake(), 'TLSv1.3 -');
  const old = await rig.handshake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' });
  assert.match(old, /ERR_SSL|ECONNRESET|closed/);
});

onEveryTlsLane('many requests go over one connection', {}, async (rig) => {
  await withApp(rig);
  const socket = await rig.secure({ ALPNProtocols: ['http/1.1'] });
  assert.equal(socket.alpnProtocol, 'http/1.1');
  let answers = 0;
  socket.on('data', (chunk) => {
    answers += chunk.toString('latin1').split('HTTP/1.1 200').length - 1;
  });
  for (let i = 1; i <= 5; i++) {
    socket.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
    await until(() => answers === i);
  }
  socket.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n'.repeat(5));
  await until(() => answers === 10);
});

onEveryTlsLane('who comes for an unknown name, or for none, is told so and shown no certificate', {}, async (rig) => {
  await withApp(rig);
  assert.equal(await rig.handshake({ servername: 'other.test' }), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
  assert.equal(await rig.handshake({ servername: '' }), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
  assert.equal(rig.gateway.collect().doors.unknownNames, 2);
  assert.equal(rig.gateway.collect().doors.handshakes, 0);
});

onEveryTlsLane('a protocol nobody speaks is refused with an alert', {}, async (rig) => {
  assert.match(await rig.handshake({ ALPNProtocols: ['imap'] }), /NO_APPLICATION_PROTOCOL/);
  await until(() => rig.gateway.collect().doors.tlsFaults === 1);
});

onEveryTlsLane(
  'a hostname the certificate does not stand for is misdirected',
  { names: ['*.app.test', 'app.test'] },
  async (rig) => {
    const replica = await rig.app(echo);
    for (const host of ['app.test', 'a.app.test', 'b.app.test'])
      rig.addSet({ host, set: host.slice(0, 1), ports: [replica.port] });
    const ask = async (servername: string, host: string): Promise<string> => {
      return await talk(await rig.secure({ servername }), REQUEST.replace('app.test', host));
    };
    assert.match(await ask('a.app.test', 'a.app.test'), /^HTTP\/1\.1 200 /);
    assert.match(await ask('a.app.test', 'b.app.test'), /^HTTP\/1\.1 200 /, 'one certificate stands for both');
    const wrong = await ask('a.app.test', 'app.test');
    assert.match(wrong, /^HTTP\/1\.1 421 /);
    assert.match(wrong, /X-Tidegate-Error: misdirected/i);
  },
);

onEveryTlsLane(
  'sessions are resumed, within the names they were made for',
  { names: ['app.test', 'other.test'] },
  async (rig) => {
    await withApp(rig);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = rig.dial({ maxVersion });
      const session = await new Promise<Buffer>((resolve) => {
        first.once('session', resolve);
        void talk(first, REQUEST);
      });
      const again = await rig.secure({ maxVersion, session });
      assert.ok(again.isSessionReused(), maxVersion);
      assert.match(await talk(again, REQUEST), /^HTTP\/1\.1 200 /);
      // Node's client would not try this: it marks a session with the name it was made for.
      const bare = session.subarray(session.indexOf('app.test') + 'app.test'.length);
      const trusting = { maxVersion, session: bare, rejectUnauthorized: false };
      assert.ok((await rig.secure(trusting)).isSessionReused(), `${maxVersion}, bare`);
      const elsewhere = await rig.secure({ ...trusting, servername: 'other.test' });
      assert.ok(!elsewhere.isSessionReused(), `${maxVersion} for another name`);
    }
  },
);

onEveryTlsLane('large bodies pass whole both ways', {}, async (rig) => {
  const replica = await rig.app((request, response) => {
    response.writeHead(200, { 'content-length': String(LARGE_BYTES) });
    request.pipe(response);
  });
  rig.addSet({ ports: [replica.port] });
  const sent = randomBytes(LARGE_BYTES);
  const socket = await rig.secure();
  const parts: Buffer[] = [];
  let bytes = 0;
  socket.on('data', (chunk) => {
    parts.push(chunk);
    bytes += chunk.length;
  });
  socket.write(`POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: ${LARGE_BYTES}\r\n\r\n`);
  socket.write(sent);
  await until(() => bytes > LARGE_BYTES && Buffer.concat(parts).subarray(-1024).equals(sent.subarray(-1024)));
  const all = Buffer.concat(parts);
  assert.ok(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(sent));
});

onEveryTlsLane('a ClientHello in single octets and small records is understood', {}, async (rig) => {
  await withApp(rig);
  const hello = await firstFlight(rig);
  for (const flight of [hello, inSmallRecords(hello, 7)]) {
    const socket = connect(rig.tlsPort, '127.0.0.1');
    socket.on('error', () => {});
    let first = -1;
    socket.on('data', (octets) => {
      if (first < 0) first = octets[0] ?? 0;
    });
    socket.setNoDelay(true);
    for (const octet of flight.subarray(0, 60)) {
      socket.write(Buffer.from([octet]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write(flight.subarray(60));
    await until(() => first >= 0);
    assert.equal(first, 22, 'it is answered with a ServerHello');
    socket.destroy();
  }
});

onEveryTlsLane(
  'what is no ClientHello is turned away: plain HTTP with words, the rest with an alert',
  {},
  async (rig) => {
    const plain = await raw(rig, REQUEST);
    assert.match(plain, /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*https:\/\//);
    assert.equal(await raw(rig, '\x00\x01garbage'), alert(10));
    assert.equal(await raw(rig, '\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00'), alert(50));
    assert.equal(await raw(rig, '\x16\x03\x01', true), '');
    assert.equal(rig.gateway.collect().doors.badHellos, 4);
  },
);

onEveryTlsLane('a ClientHello that does not come in time is not waited for', { headTimeoutMs: 200 }, async (rig) => {
  assert.equal(await raw(rig, '\x16\x03\x01\x02\x00'), '');
  await until(() => rig.gateway.collect().connections === 0);
  assert.equal(rig.gateway.collect().doors.badHellos, 1);
});

onEveryTlsLane('a client that leaves within its handshake leaves nothing behind', {}, async (rig) => {
  const hello = await firstFlight(rig);
  for (let i = 0; i < 20; i++) {
    const socket = connect(rig.tlsPort, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(hello);
    socket.once('data', () => (i % 2 === 0 ? socket.resetAndDestroy() : socket.end('garbage')));
  }
  await until(() => rig.gateway.collect().doors.handshakes === 20);
  await until(() => rig.gateway.collect().connections === 0);
});

onEveryTlsLane('half-open handshakes by the thousand keep nobody from being served', {}, async (rig) => {
  await withApp(rig);
  const hello = await firstFlight(rig);
  const sockets = Array.from({ length: HALF_OPEN }, (_, i) => {
    const socket = connect(rig.tlsPort, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(i % 2 === 0 ? hello.subarray(0, 40) : hello);
    return socket;
  });
  await until(() => rig.gateway.collect().connections === HALF_OPEN);
  for (let i = 0; i < 10; i++) assert.match(await talk(await rig.secure(), REQUEST), /^HTTP\/1\.1 200 /);
  for (const socket of sockets) socket.destroy();
  await until(() => rig.gateway.collect().connections === 0);
});

let release: () => void = () => {};
const held = {
  wait: (): Promise<void> =>
    new Promise((resolve) => {
      release = resolve;
    }),
};

onEveryTlsLane('a handshake waits for its certificate', held, async (rig) => {
  await withApp(rig);
  const sockets: TLSSocket[] = [rig.dial(), rig.dial()];
  await until(() => rig.gateway.collect().connections === 2);
  await rig.settled();
  assert.equal(rig.gateway.collect().doors.handshakes, 0);
  release();
  for (const socket of sockets) assert.match(await talk(socket, REQUEST), /^HTTP\/1\.1 200 /);
});

onEveryTlsLane('the end of a connection is told as an end of TLS, after everything else', {}, async (rig) => {
  const replica = await rig.app((_, response) => response.end('x'.repeat(LARGE_BYTES)));
  rig.addSet({ ports: [replica.port] });
  const socket = await rig.secure();
  const answer = await talk(socket, REQUEST);
  assert.ok(answer.endsWith('x'.repeat(1000)));
  assert.ok(answer.length > LARGE_BYTES);
  await until(() => rig.gateway.collect().connections === 0);
});

/** The one record of a flight, cut into many. */
function inSmallRecords(flight: Buffer, bytes: number): Buffer {
  const message = flight.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += bytes) {
    const part = message.subarray(at, at + bytes);
    records.push(Buffer.from([22, 3, 1, 0, part.length]), part);
  }
  return Buffer.concat(records);
}
