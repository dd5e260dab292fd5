/** Everything at once: clients and replicas that break off at any moment. Whatever they do, nothing is left behind. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '#test/support/until';
import type { Wire } from './support/clients.ts';
import { onEveryLane, type Rig } from './support/rig.ts';

const CLIENTS = 24;
const ROUNDS = 25;
const HOST = 'Host: app.test\r\n';

/** A seeded source of chance (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function oneOf<T>(random: () => number, choices: readonly T[]): T {
  const choice = choices[Math.floor(random() * choices.length)];
  if (choice === undefined) throw new Error('nothing to choose from');
  return choice;
}

const BIG = 'x'.repeat(200_000);
const OK = 'HTTP/1.1 200 OK\r\n';
const SWITCH = 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello';

const REPLICA_HABITS: readonly ((socket: Socket, head: string) => void)[] = [
  (socket, head) =>
    void (head.includes('websocket') ? socket.write(SWITCH) : socket.write(`${OK}Content-Length: 2\r\n\r\nok`)),
  (socket) => void socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n`),
  (socket) => void socket.write(`${OK}Content-Length: ${BIG.length}\r\n\r\n${BIG}`),
  (socket) => void socket.write(`HTTP/1.1 103 E\r\n\r\n${OK}Content-Length: 0\r\n\r\n`),
  (socket) => void socket.end(`${OK}Content-Length: 9\r\n\r\ncut`),
  (socket) => void socket.end(`${OK}\r\nto the end`),
  (socket) => void socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`),
  (socket) => void socket.write('garbage\r\n\r\n'),
  (socket) => void socket.resetAndDestroy(),
  (socket) => void socket.end(),
  () => {},
];

const REQUESTS: readonly string[] = [
  `GET / HTTP/1.1\r\n${HOST}\r\n`,
  `GET / HTTP/1.0\r\n${HOST}\r\n`,
  `HEAD / HTTP/1.1\r\n${HOST}\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`,
  `PUT / HTTP/1.1\r\n${HOST}Content-Length: ${BIG.length}\r\n\r\n${BIG}`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\nbad`,
  `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly`,
  `GET / HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n${HOST}\r\nPOST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nx`,
  `GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n`,
];

async function misbehave(rig: Rig, random: () => number): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const wire = await rig.wire(oneOf(random, REQUESTS));
    const patience = performance.now() + random() * 15;
    // Every other client waits for the beginning of an answer, though not for ever.
    const waits = round % 2 === 0 ? 1500 : 0;
    while (performance.now() < patience + waits && !(waits > 0 && wire.text !== '') && !wire.closed) await sleep(2);
    leave(wire, random);
  }
}

function leave(wire: Wire, random: () => number): void {
  if (random() < 0.3) wire.socket.end();
  else if (random() < 0.5) wire.socket.resetAndDestroy();
  else wire.destroy();
  setTimeout(() => wire.destroy(), 50).unref();
}

onEveryLane('nothing that clients and replicas do leaves anything behind', { random: chance(1) }, async (rig) => {
  const random = chance(20_261_127);
  const replicas = await Promise.all(
    [1, 2, 3].map(() =>
      rig.raw((socket, octets) => {
        const head = octets.toString('latin1');
        const answer = (): void => {
          if (!socket.destroyed) oneOf(random, REPLICA_HABITS)(socket, head);
        };
        if (random() < 0.5) answer();
        else setTimeout(answer, Math.floor(random() * 10));
      }),
    ),
  );
  const timeout = { connectMs: 500, responseMs: 500, idleMs: 500 };
  const { pool, upstreams } = rig.addSet({ ports: replicas.map((one) => one.port), policy: { timeout } });
  await Promise.all(Array.from({ length: CLIENTS }, () => misbehave(rig, random)));
  await rig.quiet();
  assert.equal(pool.inFlight, 0);
  for (const upstream of upstreams) assert.equal(upstream.inFlight, 0);
  await until(() => rig.gateway.collect().connections === 0, { what: 'no connection of a client' });
  for (const upstream of upstreams) pool.remove(upstream);
  await until(() => replicas.every((one) => one.open() === 0), { what: 'no connection to a replica' });
  const counts = rig.counts();
  assert.equal(counts.inFlight, 0);
  const answered = counts.requests.reduce((sum, one) => sum + one);
  assert.ok(answered > 100, `${answered} requests were answered`);
  assert.equal(
    counts.latency.reduce((sum, one) => sum + one),
    answered,
  );
});
