/**
 * Floods from both sides: heads, bodies, chunks and answers without end, connections by the thousand, readers that do not
 * read. Each time a client beside them is served without an error, and memory stays within bounds.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { until } from '#test/support/until';
import { keepAliveAgent, type Wire } from './support/clients.ts';
import { onEveryLane, type Rig } from './support/rig.ts';
import { echo } from './support/upstreams.ts';

const HOST = 'Host: app.test\r\n';
const MIB = 2 ** 20;
/** Far above what a bounded gateway needs, far below what an unbounded one would take. */
const GROWTH_MAX_BYTES = 192 * MIB;
const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

/** Runs a flood while an onlooker is served from another app; whether it was, and what memory it took. */
async function flood(rig: Rig, run: () => Promise<void>): Promise<void> {
  const good = await rig.app(echo);
  rig.addSet({ host: 'beside.test', set: 'beside', ports: [good.port] });
  const agent = keepAliveAgent();
  const before = process.memoryUsage.rss();
  let highest = before;
  let isOver = false;
  let served = 0;
  const onlooker = (async () => {
    while (!isOver || served < 5) {
      assert.equal((await rig.send({ host: 'beside.test', agent })).status, 200);
      served++;
      highest = Math.max(highest, process.memoryUsage.rss());
      await new Promise(setImmediate);
    }
  })();
  try {
    await Promise.race([run(), onlooker.then(() => undefined)]);
  } finally {
    isOver = true;
    await onlooker;
    agent.destroy();
  }
  const growth = highest - before;
  assert.ok(growth < GROWTH_MAX_BYTES, `grew by ${Math.round(growth / MIB)} MiB`);
}

/** Writes `piece` until that is no longer possible or `bytes` are gone. Tells how many left. */
async function pour(socket: Socket, piece: Buffer, bytes: number): Promise<number> {
  let sent = 0;
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  while (sent < bytes && socket.writable && !socket.destroyed) {
    sent += piece.length;
    if (socket.write(piece)) continue;
    // It says no more, or nobody reads any more.
    const isDrained = await once(socket, 'drain', {
      signal: AbortSignal.any([closed.signal, AbortSignal.timeout(200)]),
    })
      .then(() => true)
      .catch(() => false);
    if (!isDrained) break;
  }
  return sent;
}

async function wires(rig: Rig, count: number, octets: string): Promise<Wire[]> {
  const all: Wire[] = [];
  for (let i = 0; i < count; i += 50) {
    all.push(...(await Promise.all(Array.from({ length: 50 }, () => rig.wire(octets)))));
  }
  return all;
}

onEveryLane('a thousand heads that stop in the middle', { headTimeoutMs: 1000 }, async (rig) => {
  await flood(rig, async () => {
    const half = await wires(rig, 1000, `GET / HTTP/1.1\r\n${HOST}X: y`);
    assert.match(await (half[0] as Wire).over(), /^HTTP\/1\.1 408 /);
    for (const wire of half) await wire.over();
  });
  await until(() => rig.gateway.collect().inFlight === 0);
});

onEveryLane('two hundred bodies that come octet by octet', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port], policy: { timeout: { connectMs: 2000, responseMs: 60_000, idleMs: 500 } } });
  await flood(rig, async () => {
    const slow = await wires(rig, 200, `POST / HTTP/1.1\r\n${HOST}Content-Length: 1000000\r\n\r\n`);
    for (const wire of slow.slice(0, 20)) wire.write('a');
    assert.match(await (slow[0] as Wire).over(), /^HTTP\/1\.1 408 /);
    for (const wire of slow) await wire.over();
  });
  await rig.quiet();
});

onEveryLane('forty clients that do not read twenty megabytes each', {}, async (rig) => {
  const piece = Buffer.alloc(MIB, 'a');
  const replica = await rig.app((_request, response) => {
    const body = Readable.from(Array.from({ length: 20 }, () => piece));
    pipeline(body, response).catch(() => {});
  });
  const { pool } = rig.addSet({ ports: [replica.port] });
  await flood(rig, async () => {
    const slow: Wire[] = [];
    for (let i = 0; i < 40; i++) {
      const wire = await rig.wire();
      wire.socket.pause();
      wire.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      slow.push(wire);
    }
    await until(() => pool.inFlight === 40);
    await rig.settled();
    for (const wire of slow) wire.destroy();
  });
  await rig.quiet();
});

onEveryLane('a head of a hundred megabytes', {}, async (rig) => {
  await flood(rig, async () => {
    const wire = await rig.wire(`GET / HTTP/1.1\r\n${HOST}X: `);
    const sent = await pour(wire.socket, Buffer.alloc(65_536, 'a'), 100 * MIB);
    assert.match(await wire.over(), /^HTTP\/1\.1 431 /);
    assert.ok(sent > 16_384);
  });
});

onEveryLane('ten megabytes of requests sent ahead whose answers nobody reads', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  await flood(rig, async () => {
    const wire = await rig.wire();
    wire.socket.pause();
    const requests = Buffer.from(`GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(500));
    // Node takes its time for each of them.
    const sent = await pour(wire.socket, requests, (rig.lane === 'slow' ? 1 : 10) * MIB);
    assert.ok(sent > requests.length);
    wire.destroy();
  });
  await rig.quiet();
});

const BODIES: readonly (readonly [name: string, start: string, piece: string])[] = [
  ['chunk extensions without end', '3;a=', 'a'.repeat(8192)],
  ['trailers without end', '0\r\n', 'X-T: v\r\n'.repeat(1000)],
  ['one trailer without end', '0\r\nX-T: ', 'a'.repeat(8192)],
  ['a chunk size without end', '', '1'.repeat(8192)],
];

for (const [name, start, piece] of BODIES) {
  onEveryLane(name, {}, async (rig) => {
    const replica = await rig.app(echo);
    rig.addSet({ ports: [replica.port] });
    await flood(rig, async () => {
      const wire = await rig.wire(CHUNKED + start);
      await pour(wire.socket, Buffer.from(piece), 20 * MIB);
      assert.match(await wire.over(), /^HTTP\/1\.1 400 /);
    });
    await rig.quiet();
  });
}

onEveryLane('extensions on every chunk of a body without end', {}, async (rig) => {
  const replica = await rig.app((request, response) => {
    request.resume();
    request.on('end', () => response.end());
  });
  rig.addSet({ ports: [replica.port] });
  await flood(rig, async () => {
    const wire = await rig.wire(CHUNKED);
    await pour(wire.socket, Buffer.from('1;abcdefgh=ijklmnop\r\na\r\n'.repeat(400)), 2 * MIB);
    // Node bounds those of each chunk, the fast lane those of the body.
    if (rig.lane === 'slow') wire.destroy();
    else assert.match(await wire.over(), /^HTTP\/1\.1 400 /);
  });
  await rig.quiet();
});

const ANSWERS: readonly (readonly [name: string, start: string, piece: string, told: RegExp])[] = [
  ['a head of an answer without end', 'HTTP/1.1 200 OK\r\nX: ', 'a'.repeat(65_536), /^HTTP\/1\.1 502 /],
  ['field lines of an answer without end', 'HTTP/1.1 200 OK\r\n', 'X: y\r\n'.repeat(5000), /^HTTP\/1\.1 502 /],
  ['informational answers without end', '', 'HTTP/1.1 103 x\r\nLink: </a>\r\n\r\n'.repeat(1000), /HTTP\/1\.1 502 /],
  [
    'trailers of an answer without end',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
    'X-T: v\r\n'.repeat(1000),
    /^(?:HTTP\/1\.1 200 [\s\S]*)?(?<!0\r\n\r\n)$/,
  ],
];

for (const [name, start, piece, told] of ANSWERS) {
  onEveryLane(name, {}, async (rig) => {
    const replica = await rig.raw((socket) => {
      socket.write(start);
      pour(socket, Buffer.from(piece), 100 * MIB).catch(() => {});
    });
    rig.addSet({ ports: [replica.port] });
    await flood(rig, async () => {
      const wire = await rig.wire(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
      assert.match(await wire.over(), told);
    });
    await rig.quiet();
    await until(() => replica.open() === 0, { what: 'a dropped connection' });
  });
}

onEveryLane('connections that come and go by the thousand', {}, async (rig) => {
  await flood(rig, async () => {
    for (let i = 0; i < 40; i++) for (const wire of await wires(rig, 50, i % 2 === 0 ? '' : 'GET /')) wire.destroy();
  });
  await until(() => rig.gateway.collect().connections <= 1);
});
