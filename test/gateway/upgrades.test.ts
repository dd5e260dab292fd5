/** WebSockets: a tunnel in both directions that ends on both sides and leaves nothing behind. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '#test/support/until';
import { HandAdmitter } from './support/admitters.ts';
import { onEveryLane, type Rig } from './support/rig.ts';
import { serve, type TestServer } from './support/upstreams.ts';

const HANDSHAKE =
  'GET /socket HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** A replica that sends every message back. */
async function echoSockets(rig: Rig): Promise<TestServer & { readonly sockets: WebSocketServer }> {
  const server = createServer((_request, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
  });
  return { ...rig.owns(await serve(server)), sockets };
}

/** A replica that accepts every upgrade and hands over the naked stream. */
async function nakedUpgrades(rig: Rig, take: (stream: Duplex) => void): Promise<TestServer> {
  const server = createServer();
  server.on('upgrade', (request, stream) => {
    stream.on('error', () => {});
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    stream.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n');
    stream.write(`Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
    take(stream);
  });
  return rig.owns(await serve(server));
}

function dial(rig: Rig): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${rig.port}/socket`, { headers: { host: 'app.test' } });
}

async function opened(socket: WebSocket): Promise<WebSocket> {
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return socket;
}

onEveryLane('messages pass both ways, small and large, text and binary', {}, async (rig) => {
  const replica = await echoSockets(rig);
  const { pool } = rig.addSet({ ports: [replica.port] });
  const socket = await opened(dial(rig));
  const answers: string[] = [];
  socket.on('message', (message: Buffer) => answers.push(createHash('sha1').update(message).digest('hex')));
  const messages = [Buffer.from('hello'), Buffer.alloc(3_000_000, 7), Buffer.from('bye')];
  for (const message of messages) socket.send(message);
  await until(() => answers.length === messages.length);
  assert.deepEqual(
    answers,
    messages.map((message) => createHash('sha1').update(message).digest('hex')),
  );
  assert.equal(pool.inFlight, 1, 'an open socket is in flight');
  socket.close(4001, 'done');
  await until(() => socket.readyState === WebSocket.CLOSED);
  await rig.quiet();
  assert.equal(pool.inFlight, 0);
  const counts = rig.counts();
  assert.equal(counts.upgrades, 1);
  assert.equal(counts.requests[0], 1);
  assert.ok(counts.bytesIn > 3_000_000 && counts.bytesOut > 3_000_000);
});

onEveryLane('what either side sends at once with its handshake is not lost', {}, async (rig) => {
  let received = '';
  const replica = await nakedUpgrades(rig, (stream) => {
    stream.write('from the replica');
    stream.on('data', (octets: Buffer) => {
      received += octets.toString();
    });
  });
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire(`${HANDSHAKE}from the client`);
  await wire.has(/101 Switching Protocols\r\n[\s\S]*\r\n\r\nfrom the replica$/);
  await until(() => received === 'from the client');
});

onEveryLane('an abort of the client reaches the replica', {}, async (rig) => {
  const replica = await echoSockets(rig);
  const { pool } = rig.addSet({ ports: [replica.port] });
  const socket = await opened(dial(rig));
  socket.terminate();
  await until(() => replica.sockets.clients.size === 0);
  await rig.quiet();
  assert.equal(pool.inFlight, 0);
});

onEveryLane('an abort of the replica reaches the client', {}, async (rig) => {
  const replica = await echoSockets(rig);
  const { pool } = rig.addSet({ ports: [replica.port] });
  const socket = await opened(dial(rig));
  socket.on('error', () => {});
  for (const client of replica.sockets.clients) client.terminate();
  await until(() => socket.readyState === WebSocket.CLOSED);
  await rig.quiet();
  assert.equal(pool.inFlight, 0);
});

onEveryLane('a reset of either side ends the other', {}, async (rig) => {
  let stream: Duplex | null = null;
  const replica = await nakedUpgrades(rig, (given) => {
    stream = given;
    given.resume();
    given.on('end', () => given.end());
  });
  const { pool } = rig.addSet({ ports: [replica.port] });
  for (const who of ['client', 'replica'] as const) {
    const wire = await rig.wire(HANDSHAKE);
    await wire.has('101 Switching');
    assert.equal(pool.inFlight, 1);
    if (who === 'client') wire.socket.resetAndDestroy();
    else (stream as Socket | null)?.resetAndDestroy();
    await wire.over();
    await until(() => replica.open() === 0, { what: `no connection to the replica after a reset of the ${who}` });
    await rig.quiet();
    assert.equal(pool.inFlight, 0);
  }
});

onEveryLane('one side may end and still listen', {}, async (rig) => {
  let stream: Duplex | null = null;
  let ended = false;
  const replica = await nakedUpgrades(rig, (given) => {
    stream = given;
    given.resume();
    given.on('end', () => {
      ended = true;
    });
  });
  const { pool } = rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire(HANDSHAKE);
  await wire.has('101 Switching');
  wire.socket.end('last words');
  await until(() => ended);
  assert.equal(pool.inFlight, 1);
  (stream as Duplex | null)?.end('and the answer to them');
  await wire.has('and the answer to them');
  await rig.quiet();
  assert.equal(pool.inFlight, 0);
});

onEveryLane('five hundred aborted WebSockets leave no socket on either side', {}, async (rig) => {
  const replica = await echoSockets(rig);
  const { pool } = rig.addSet({ ports: [replica.port] });
  const total = 500;
  for (let done = 0; done < total; done += 50) {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => opened(dial(rig))));
    for (const [i, socket] of sockets.entries()) {
      socket.on('error', () => {});
      if (i % 2 === 0) socket.send('about to go');
      socket.terminate();
    }
  }
  await rig.quiet();
  await until(() => replica.open() === 0, { what: 'no connection to the replica' });
  await until(() => rig.gateway.collect().connections === 0, { what: 'no connection of a client' });
  assert.equal(pool.inFlight, 0);
  assert.equal(pool.claims, total);
});

onEveryLane('a client that leaves before its upgrade is answered leaves nothing', {}, async (rig) => {
  const replica = await rig.raw(() => {});
  const { pool } = rig.addSet({ ports: [replica.port] });
  for (const leave of ['end', 'reset'] as const) {
    const wire = await rig.wire(HANDSHAKE);
    await until(() => pool.inFlight === 1 && replica.open() === 1);
    if (leave === 'end') wire.socket.end();
    else wire.socket.resetAndDestroy();
    await until(() => pool.inFlight === 0 && replica.open() === 0);
    await rig.quiet();
  }
});

onEveryLane('a refused upgrade is an ordinary answer', {}, async (rig) => {
  const replica = await rig.app((_request, response) => response.writeHead(401, { 'x-why': 'no' }).end('refused'));
  rig.addSet({ ports: [replica.port] });
  const text = await rig.talk(HANDSHAKE);
  assert.match(text, /^HTTP\/1\.1 401 [\s\S]*x-why: no\r\n[\s\S]*refused/i);
  await rig.quiet();
});

onEveryLane('an upgrade to nowhere is answered like any request', {}, async (rig) => {
  const text = await rig.talk(HANDSHAKE);
  assert.match(text, /^HTTP\/1\.1 404 [\s\S]*X-Tidegate-Error: no_route/);
});

onEveryLane('upgrades other than WebSocket are ignored, as HTTP allows', {}, async (rig) => {
  let upgrade: string | undefined = 'unset';
  const replica = await rig.app((incoming, response) => {
    upgrade = incoming.headers.upgrade;
    response.end('plain');
  });
  rig.addSet({ ports: [replica.port] });
  for (const lines of ['Upgrade: h2c\r\nHTTP2-Settings: x\r\n', 'Upgrade: websocket, h2c\r\n']) {
    const text = await rig.talk(`GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close, Upgrade\r\n${lines}\r\n`);
    assert.match(text, /^HTTP\/1\.1 200 [\s\S]*plain/);
    assert.equal(upgrade, undefined);
  }
  const body = 'POST / HTTP/1.1\r\nHost: app.test\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n';
  assert.match(await rig.talk(`${body}Content-Length: 1\r\n\r\nx`), /^HTTP\/1\.1 200 [\s\S]*plain/);
});

onEveryLane('a tunnel in which nothing moves is closed after the idle time', {}, async (rig) => {
  const replica = await echoSockets(rig);
  const timeout = { connectMs: 2000, responseMs: 60_000, idleMs: 1000 };
  const { pool } = rig.addSet({ ports: [replica.port], policy: { timeout } });
  const socket = await opened(dial(rig));
  socket.on('error', () => {});
  const start = performance.now();
  let echoes = 0;
  socket.on('message', () => {
    echoes++;
    if (performance.now() - start < 2000) setTimeout(() => socket.send('again'), 100);
  });
  socket.send('first');
  await until(() => socket.readyState === WebSocket.CLOSED);
  assert.ok(performance.now() - start > 2000, 'what moves is not idle');
  assert.ok(echoes > 3);
  await rig.quiet();
  assert.equal(pool.inFlight, 0);
});

const waking = new HandAdmitter();
onEveryLane('an upgrade waits for a wake like any request', { admitter: waking }, async (rig) => {
  const replica = await echoSockets(rig);
  const { pool } = rig.addSet({ ports: [] });
  const wire = await rig.wire(HANDSHAKE);
  await until(() => waking.held.length === 1);
  rig.addReplica(pool, replica.port);
  waking.admitOldest(5);
  assert.match(
    await wire.has(/\r\n\r\n/),
    /101 Switching Protocols\r\n[\s\S]*Server-Timing: wake;dur=5\.0, wake-first-byte;dur=\d+\.\d\r\n/,
  );
});

onEveryLane('the backlog of a slow WebSocket reader is bounded', {}, async (rig) => {
  let written = 0;
  const chunk = Buffer.alloc(1_000_000);
  const replica = await nakedUpgrades(rig, (stream) => {
    const produce = (): void => {
      while (written < 200 * chunk.length) {
        written += chunk.length;
        if (!stream.write(chunk)) {
          stream.once('drain', produce);
          return;
        }
      }
    };
    produce();
  });
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire(HANDSHAKE);
  await wire.has('101 Switching');
  wire.socket.pause();
  let last = -1;
  await until(
    () => {
      if (written === last) return true;
      last = written;
      return false;
    },
    { everyMs: 300 },
  );
  assert.ok(written < 64_000_000, `${written} bytes were taken`);
});
