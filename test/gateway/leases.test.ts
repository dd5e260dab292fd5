/** `Tidegate-Lease` in an answer: heard by the gateway alone, in every form an answer has, and worth nothing when it is none. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http2';
import { DEFAULT_POLICY } from '#core/set';
import type { Pool } from '#router/pool';
import { onEveryLane } from './support/rig.ts';
import { serve } from './support/upstreams.ts';

/** What replicas said, and which of them. */
function heard(pool: Pool): (readonly [replica: string, forMs: number])[] {
  const leases: (readonly [string, number])[] = [];
  pool.watch({ onLeased: (_pool, replica, forMs) => leases.push([replica, forMs]) });
  return leases;
}

onEveryLane('a lease is heard and goes no further, within what the set allows', {}, async (rig) => {
  const said: readonly (readonly [text: string, forMs: number | null])[] = [
    ['90s', 90_000],
    ['10m', 600_000],
    ['30', 30_000],
    ['24h', 3_600_000],
    ['0', null],
    ['-5s', null],
    ['soon', null],
    ['10s, 20s', null],
    ['99999999999d', null],
    ['', null],
  ];
  for (const [text, forMs] of said) {
    const replica = await rig.app((_request, response) => {
      response.setHeader('Tidegate-Lease', text);
      response.end('ok');
    });
    const host = `s${said.findIndex(([one]) => one === text)}.test`;
    const { pool, upstreams } = rig.addSet({ host, set: host.split('.')[0] ?? '', ports: [replica.port] });
    const leases = heard(pool);
    const { status, headers } = await rig.send({ headers: { host, 'tidegate-lease': '1h' } });
    assert.equal(status, 200);
    assert.equal(headers['tidegate-lease'], undefined, text);
    assert.deepEqual(leases, forMs === null ? [] : [[upstreams[0]?.replica, forMs]], text);
  }
});

onEveryLane('a set that allows no lease hears none, and its clients hear of none', {}, async (rig) => {
  const replica = await rig.app((request, response) => {
    response.setHeader('tidegate-lease', '10s');
    response.end(String(request.headers['tidegate-lease']));
  });
  const scale = { ...DEFAULT_POLICY.scale, leaseMs: null };
  const { pool } = rig.addSet({ ports: [replica.port], policy: { scale } });
  const leases = heard(pool);
  const { headers, text } = await rig.send({ headers: { 'tidegate-lease': '1h' } });
  assert.equal(headers['tidegate-lease'], undefined);
  assert.equal(text, 'undefined', 'what a client says of leases is not passed on either');
  assert.deepEqual(leases, []);
});

onEveryLane('a lease is heard over HTTP/2, with the first octets of a stream, and not in trailers', {}, async (rig) => {
  const server = createServer();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'tidegate-lease': '20s' });
    stream.end('ok');
  });
  const h2c = rig.owns(await serve(server));
  const h2 = rig.addSet({ host: 'h2.test', set: 'h2', ports: [h2c.port], policy: { proto: 'h2c' } });
  const overH2 = heard(h2.pool);
  assert.equal((await rig.send({ headers: { host: 'h2.test' } })).headers['tidegate-lease'], undefined);
  assert.deepEqual(
    overH2.map(([, forMs]) => forMs),
    [20_000],
  );

  const replica = await rig.app((_request, response) => {
    response.writeHead(200, { 'tidegate-lease': '5s', trailer: 'Tidegate-Lease', 'transfer-encoding': 'chunked' });
    response.write('first');
    response.addTrailers({ 'tidegate-lease': '50s' });
    response.end();
  });
  const { pool } = rig.addSet({ ports: [replica.port] });
  const leases = heard(pool);
  const whole = await rig.talk('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  assert.match(whole, /first/);
  assert.doesNotMatch(whole, /tidegate-lease:/i);
  assert.deepEqual(
    leases.map(([, forMs]) => forMs),
    [5000],
  );
});
