/** What the gateway changes in heads: what belongs to one hop goes, what the upstream has to know comes. */
import assert from 'node:assert/strict';
import { onEveryLane, type Rig } from './support/rig.ts';
import { echo } from './support/upstreams.ts';

type Fields = ReadonlyMap<string, readonly string[]>;

/** The fields that reached the replica, by lower-case name. */
async function fieldsSeen(rig: Rig, headers: Readonly<Record<string, string>>): Promise<Fields> {
  const { fields } = JSON.parse((await rig.send({ headers })).text) as { fields: string[] };
  const byName = new Map<string, string[]>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase();
    byName.set(name, [...(byName.get(name) ?? []), fields[i + 1] ?? '']);
  }
  return byName;
}

onEveryLane('the upstream hears who the client is, and nothing the client says about that', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const seen = await fieldsSeen(rig, {
    'X-Forwarded-For': '1.2.3.4',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'evil.test',
    'X-Forwarded-Port': '443',
    X_Forwarded_For: '1.2.3.4',
    'X-Real-IP': '1.2.3.4',
    Forwarded: 'for=1.2.3.4',
    'X-Request-Id': 'mine',
  });
  assert.deepEqual(seen.get('x-forwarded-for'), ['127.0.0.1']);
  assert.deepEqual(seen.get('x-forwarded-proto'), ['http']);
  assert.deepEqual(seen.get('x-forwarded-host'), ['app.test']);
  assert.deepEqual(seen.get('host'), ['app.test']);
  assert.match(seen.get('x-request-id')?.[0] ?? '', /^[0-9a-z]{18,}$/);
  for (const name of ['x-forwarded-port', 'x_forwarded_for', 'x-real-ip', 'forwarded']) {
    assert.equal(seen.get(name), undefined, name);
  }
});

const TRUSTED = { trusted: ['127.0.0.0/8', '10.0.0.0/8', 'fd00::/8'] };

onEveryLane('what a trusted proxy says is kept and extended', TRUSTED, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const seen = await fieldsSeen(rig, {
    'X-Forwarded-For': '203.0.113.9, 10.1.2.3',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'outer.test',
    'X-Forwarded-Port': '443',
    'X-Request-Id': 'outer-1',
  });
  assert.deepEqual(seen.get('x-forwarded-for'), ['203.0.113.9, 10.1.2.3, 127.0.0.1']);
  assert.deepEqual(seen.get('x-forwarded-proto'), ['https']);
  assert.deepEqual(seen.get('x-forwarded-host'), ['outer.test']);
  assert.deepEqual(seen.get('x-forwarded-port'), ['443']);
  assert.deepEqual(seen.get('x-request-id'), ['outer-1']);
});

onEveryLane('a trusted proxy that says nothing is the client itself', TRUSTED, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const seen = await fieldsSeen(rig, {});
  assert.deepEqual(seen.get('x-forwarded-for'), ['127.0.0.1']);
  assert.deepEqual(seen.get('x-forwarded-proto'), ['http']);
});

onEveryLane('fields of one hop, and those that Connection names, end here', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const seen = await fieldsSeen(rig, {
    Connection: 'close, X-Secret-Hop, X-Forwarded-For',
    'X-Secret-Hop': 'a',
    'Keep-Alive': 'timeout=5',
    TE: 'gzip',
    'Proxy-Authorization': 'Basic x',
    'Proxy-Connection': 'keep-alive',
    Upgrade: 'h2c',
    'HTTP2-Settings': 'x',
    'X-Stays': 'b',
  });
  for (const name of ['x-secret-hop', 'keep-alive', 'te', 'proxy-authorization', 'proxy-connection', 'upgrade']) {
    assert.equal(seen.get(name), undefined, name);
  }
  assert.equal(seen.get('http2-settings'), undefined);
  assert.deepEqual(seen.get('x-stays'), ['b']);
  assert.deepEqual(seen.get('x-forwarded-for'), ['127.0.0.1'], 'what the gateway adds cannot be taken away');
});

onEveryLane('fields of one hop in an answer end here too', {}, async (rig) => {
  const replica = await rig.raw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: a\r\nKeep-Alive: timeout=77\r\nUpgrade: h2c\r\n');
    socket.write('Proxy-Authenticate: Basic\r\nX-Stays: b\r\nContent-Length: 0\r\n\r\n');
  });
  rig.addSet({ ports: [replica.port] });
  const { headers } = await rig.send();
  assert.equal(headers['x-stays'], 'b');
  for (const name of ['x-hop', 'upgrade', 'proxy-authenticate']) assert.equal(headers[name], undefined, name);
  assert.doesNotMatch(String(headers['keep-alive']), /77/);
  assert.ok(headers.date, 'an answer without a date gets one');
});

onEveryLane('every request has an id of its own', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const ids = new Set<string>();
  for (let i = 0; i < 50; i++) ids.add((await fieldsSeen(rig, {})).get('x-request-id')?.[0] ?? '');
  assert.equal(ids.size, 50);
});

onEveryLane('the Host that a request names in its target is the one that counts', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const text = await rig.talk('GET http://APP.test/x?y HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.match(text, /"target":"\/x\?y"/);
  const wrong = await rig.talk('GET http://app.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n');
  assert.match(wrong, /^HTTP\/1\.1 400 [\s\S]*X-Tidegate-Error: bad_request/);
});
