/** ClientHellos of real clients and ones nobody would send. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { ClientHello } from '#gateway/tls/client-hello';

const hello = new ClientHello();

/** What Node says first. */
async function flight(options: ConnectionOptions): Promise<Buffer> {
  return await new Promise((resolve) => {
    const socket = new Duplex({ read() {}, write: (octets: Buffer) => resolve(octets) });
    connect({ socket, ...options }).on('error', () => {});
  });
}

function read(octets: Buffer): string {
  const outcome = hello.read(octets, 0, octets.length);
  if (outcome !== 'complete') return outcome;
  const protocols = [hello.h2 ? 'h2' : '', hello.http1 ? 'http/1.1' : '', hello.acme ? 'acme' : ''].filter(
    (one) => one !== '',
  );
  return `${hello.servername} ${protocols.join(',') || '-'}`;
}

test('name and protocols are read, and every shorter part is incomplete', async () => {
  const whole = await flight({ servername: 'Shop.Example', ALPNProtocols: ['h2', 'http/1.1'] });
  for (let end = 0; end < whole.length; end++) assert.equal(hello.read(whole, 0, end), 'incomplete');
  assert.equal(read(whole), 'shop.example h2,http/1.1');
  assert.equal(read(await flight({ servername: 'a.test' })), 'a.test -');
  assert.equal(read(await flight({ servername: 'a.test', ALPNProtocols: ['acme-tls/1'] })), 'a.test acme');
  assert.equal(read(await flight({ servername: 'a.test', ALPNProtocols: ['h3', 'http/1.0'] })), 'a.test -');
  assert.equal(read(await flight({ servername: 'a.test', maxVersion: 'TLSv1.2' })), 'a.test -');
  assert.equal(read(await flight({})), ' -');
});

test('a name that is no hostname is none', async () => {
  for (const servername of ['a_b.test', 'a.test.']) assert.match(read(await flight({ servername })), /^a/);
  for (const servername of ['a b.test', 'a.test:443', '*.test', 'a.test/'])
    assert.equal(read(await flight({ servername })), 'null -');
});

test('no octet of it can be cut or changed so that reading it goes wrong', async () => {
  const whole = await flight({ servername: 'shop.example', ALPNProtocols: ['h2'] });
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const changed = Buffer.from(whole);
      changed[at] = value;
      assert.ok(['complete', 'incomplete', 'fault', 'plain'].includes(hello.read(changed, 0, changed.length)));
    }
  }
});

test('lengths that do not fit, repeated names and other messages are faults', async () => {
  const whole = await flight({ servername: 'shop.example' });
  const change = (at: number, value: number): string => {
    const changed = Buffer.from(whole);
    changed[at] = value;
    return read(changed);
  };
  assert.equal(change(0, 23), 'plain');
  assert.equal(change(1, 2), 'fault', 'major version');
  assert.equal(change(3, 0x41), 'fault', 'a record beyond its limit');
  assert.equal(change(5, 2), 'fault', 'a ServerHello');
  assert.equal(change(6, 1), 'fault', 'a message beyond its limit');
  assert.equal(change(43, 33), 'fault', 'a session id beyond its limit');
  const at = whole.indexOf('shop.example');
  assert.equal(change(at - 3, 1), 'fault', 'a name of another kind');
  assert.equal(change(at - 1, 11), 'fault', 'a name shorter than its list');
  const twice = Buffer.from(whole);
  const other = await flight({ servername: 'shop.example' });
  assert.equal(read(other), 'shop.example -');
  // The extension that follows becomes a second server_name.
  const next = at + 'shop.example'.length;
  twice.writeUInt16BE(0, next);
  assert.equal(read(twice), 'fault');
});

test('records without end are not gathered for ever', () => {
  const part = Buffer.from([22, 3, 1, 0, 1, 1]);
  const zero = Buffer.from([22, 3, 1, 0, 1, 0]);
  const endless = Buffer.concat([part, zero, Buffer.from([22, 3, 1, 0, 1, 0x3f]), ...Array<Buffer>(4000).fill(zero)]);
  assert.equal(read(endless), 'fault');
});
