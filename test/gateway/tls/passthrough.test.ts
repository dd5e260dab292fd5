/** Connections that go on to a replica as they come, by the name in their ClientHello. */
import assert from 'node:assert/strict';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { testAuthority } from '#test/certs/certificate-authority';
import { until } from '#test/support/until';
import { HandAdmitter } from '../support/admitters.ts';
import { onEveryTlsLane, type TlsRig, talk } from '../support/tls.ts';
import { serve, type TestServer } from '../support/upstreams.ts';

const LARGE_BYTES = 2 * 1024 * 1024;
const authority = testAuthority();
const ca = authority.certificate;

/** A replica with a certificate of its own, which the gateway does not have. */
async function replica(rig: TlsRig, onSocket: (socket: TLSSocket) => void): Promise<TestServer> {
  const { chain, key } = authority.issue(['own.test']);
  const server: Server = createServer({ cert: chain, key }, (socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  return rig.owns(await serve(server));
}

onEveryTlsLane('a replica answers with its own certificate, and octets go both ways untouched', {}, async (rig) => {
  const { port } = await replica(rig, (socket) => socket.pipe(socket));
  const { pool } = rig.addSet({ host: 'own.test', ports: [port], policy: { tls: 'passthrough' } });
  const socket = await rig.secure({ servername: 'own.test', ca });
  assert.equal(socket.getPeerCertificate().subject.CN, 'own.test');
  assert.equal(pool.inFlight, 1);
  let back = 0;
  socket.on('data', (octets) => {
    back += octets.length;
  });
  socket.write(Buffer.alloc(LARGE_BYTES));
  await until(() => back === LARGE_BYTES);
  socket.end();
  await rig.quiet();
  await until(() => rig.gateway.collect().connections === 0);
  const counts = rig.counts();
  assert.equal(counts.upgrades, 1, 'it is counted as a tunnel');
  assert.ok(counts.bytesIn > LARGE_BYTES && counts.bytesOut > LARGE_BYTES);
  assert.equal(rig.gateway.collect().doors.passthroughs, 1);
  assert.equal(pool.inFlight, 0);
});

onEveryTlsLane('the gateway decrypts for other names beside it', {}, async (rig) => {
  const { port } = await replica(rig, (socket) => socket.end('raw'));
  rig.addSet({ host: 'own.test', set: 'own', ports: [port], policy: { tls: 'passthrough' } });
  const app = await rig.app((_, response) => response.end('decrypted'));
  rig.addSet({ ports: [app.port] });
  assert.equal(await talk(await rig.secure({ servername: 'own.test', ca }), ''), 'raw');
  assert.match(
    await talk(await rig.secure(), 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n'),
    /decrypted$/,
  );
});

onEveryTlsLane('plain HTTP is sent to HTTPS', { httpsPort: 8443 }, async (rig) => {
  rig.addSet({ host: 'own.test', ports: [], policy: { tls: 'passthrough' } });
  const answer = await rig.send({ host: 'own.test', path: '/a?b' });
  assert.equal(answer.status, 308);
  assert.equal(answer.headers.location, 'https://own.test:8443/a?b');
});

onEveryTlsLane('without a replica the client is told at once', {}, async (rig) => {
  rig.addSet({ host: 'own.test', ports: [], policy: { tls: 'passthrough' } });
  assert.match(await rig.handshake({ servername: 'own.test', ca }), /INTERNAL_ERROR/);
  await until(() => rig.gateway.collect().connections === 0);
  assert.equal(rig.counts().errors.no_replicas, 1);
});

const admitter = new HandAdmitter();

onEveryTlsLane('a connection waits for a wake; one that leaves meanwhile is forgotten', { admitter }, async (rig) => {
  const { port } = await replica(rig, (socket) => socket.end('awake'));
  const { pool } = rig.addSet({ host: 'own.test', ports: [], policy: { tls: 'passthrough' } });
  const gone = rig.dial({ servername: 'own.test', ca });
  await until(() => admitter.held.length === 1);
  gone.destroy();
  await until(() => admitter.held[0]?.signal.aborted === true);
  admitter.held.shift();
  const socket = rig.dial({ servername: 'own.test', ca });
  await until(() => admitter.held.length === 1);
  rig.addReplica(pool, port);
  admitter.admitOldest(120);
  assert.equal(await talk(socket, ''), 'awake');
  await rig.quiet();
});
