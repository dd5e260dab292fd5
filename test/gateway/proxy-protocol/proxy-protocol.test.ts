/** The PROXY protocol in front of everything the gateway speaks. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { until } from '#test/support/until';
import { onEveryTlsLane, type TlsRig, talk } from '../support/tls.ts';
import { echo } from '../support/upstreams.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n';
const V1 = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n';
const V2 = '\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb';
const TRUSTED = { trusted: ['127.0.0.0/8'] };

async function withApp(rig: TlsRig): Promise<void> {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
}

/** Who the replica is told the client is. */
function clientIn(answer: string): string {
  return /"X-Forwarded-For","([^"]*)"/.exec(answer)?.[1] ?? answer;
}

async function overTls(rig: TlsRig, header: string): Promise<string> {
  const socket: Socket = connect(rig.tlsPort, '127.0.0.1');
  if (header !== '') socket.write(header, 'latin1');
  const secure = connectTls({ socket, servername: 'app.test', ca: rig.authority.certificate });
  return clientIn(await talk(secure, REQUEST));
}

onEveryTlsLane(
  'a trusted proxy says who the client is, in both versions and on both listeners',
  TRUSTED,
  async (rig) => {
    await withApp(rig);
    for (const header of [V1, V2]) {
      // The client is not trusted: what it says of itself is thrown away.
      assert.equal(clientIn(await rig.talk(header + REQUEST)), '192.0.2.7');
      assert.equal(await overTls(rig, header), '192.0.2.7');
    }
  },
);

onEveryTlsLane('a trusted proxy may leave it out', TRUSTED, async (rig) => {
  await withApp(rig);
  assert.equal(clientIn(await rig.talk(REQUEST)), '203.0.113.9, 127.0.0.1');
  assert.equal(await overTls(rig, ''), '203.0.113.9, 127.0.0.1');
  assert.equal(clientIn(await rig.talk(`PROXY UNKNOWN\r\n${REQUEST}`)), '203.0.113.9, 127.0.0.1');
});

onEveryTlsLane('a header in single octets is understood', TRUSTED, async (rig) => {
  await withApp(rig);
  const wire = await rig.wire();
  for (const octet of V2) {
    wire.write(octet);
    await new Promise((resolve) => setImmediate(resolve));
  }
  wire.write(REQUEST);
  assert.equal(clientIn(await wire.over()), '192.0.2.7');
});

onEveryTlsLane('nobody else is listened to', {}, async (rig) => {
  await withApp(rig);
  assert.match(await rig.talk(V1 + REQUEST), /^HTTP\/1\.1 (?:400|501) /);
  assert.match(await rig.talk(V2 + REQUEST), /^HTTP\/1\.1 400 /);
});

onEveryTlsLane(
  'a malformed or unfinished header ends the connection and is counted',
  { ...TRUSTED, headTimeoutMs: 200 },
  async (rig) => {
    await withApp(rig);
    assert.equal(await rig.talk(`PROXY TCP4 1.2.3.4\r\n${REQUEST}`), '');
    assert.equal(await rig.talk(V2.slice(0, 20)), '');
    const unused = await rig.wire();
    assert.equal(await unused.over(), '');
    await until(() => rig.gateway.collect().connections === 0);
    assert.equal(rig.gateway.collect().doors.proxyFaults, 2, 'one that was never used is no fault');
  },
);
