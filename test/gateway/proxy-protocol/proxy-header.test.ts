/** The PROXY header: what is one, what it says, and that nothing else is taken for one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProxyHeader } from '#gateway/proxy-protocol/proxy-header';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const header = new ProxyHeader();

/** Reads it whole, and shows that every shorter part of it is incomplete. */
function read(octets: Buffer, rest = ''): string {
  for (let end = 0; end < octets.length; end++) {
    const outcome = header.read(octets, 0, end);
    if (outcome !== 'incomplete') return outcome;
  }
  const all = Buffer.concat([octets, Buffer.from(rest)]);
  const outcome = header.read(all, 0, all.length);
  return outcome === 'complete' ? `${header.address} ${header.port} ${all.toString('latin1', header.end)}` : outcome;
}

function v1(line: string): Buffer {
  return Buffer.from(`${line}\r\n`, 'latin1');
}

function v2(hex: string): Buffer {
  return Buffer.from(SIGNATURE + hex.replaceAll(' ', ''), 'hex');
}

test('version 1 tells client and port', () => {
  assert.equal(read(v1('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443'), 'GET'), '192.0.2.7 443 GET');
  assert.equal(read(v1('PROXY TCP6 2001:db8::7 2001:db8::1 56324 8443')), '2001:db8::7 8443 ');
  assert.equal(read(v1('PROXY UNKNOWN')), 'null 0 ');
  assert.equal(read(v1('PROXY UNKNOWN whatever it adds'), 'x'), 'null 0 x');
});

test('version 1 is refused when anything in it is not by the rules', () => {
  for (const line of [
    'PROXY TCP4 192.0.2.7 198.51.100.1 56324',
    'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 1',
    'PROXY TCP4 2001:db8::7 198.51.100.1 56324 443',
    'PROXY TCP4 192.0.2.07 198.51.100.1 56324 443',
    'PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2',
    'PROXY TCP4 192.0.2.7 198.51.100.1 056324 443',
    'PROXY TCP4 192.0.2.7 198.51.100.1 65536 443',
    'PROXY  TCP4 192.0.2.7 198.51.100.1 1 2',
    'PROXY UDP4 192.0.2.7 198.51.100.1 1 2',
    'PROXY UNKNOWNS',
    'PROXY ',
  ]) {
    assert.equal(read(v1(line)), 'fault', line);
  }
  assert.equal(read(Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n')), 'fault');
  assert.equal(read(Buffer.from(`PROXY UNKNOWN ${'x'.repeat(120)}\r\n`)), 'fault');
});

test('version 2 tells client and port, whatever stands behind them', () => {
  assert.equal(read(v2('21 11 000c c0000207 c6336401 dc04 01bb'), 'GET'), '192.0.2.7 443 GET');
  assert.equal(read(v2('21 11 0011 c0000207 c6336401 dc04 01bb 04 0002 aabb')), '192.0.2.7 443 ');
  const six = `20010db8${'00'.repeat(11)}07 20010db8${'00'.repeat(11)}01 dc04 20fb`;
  assert.equal(read(v2(`21 21 0024 ${six}`)), '2001:db8::7 8443 ');
  const mapped = `${'00'.repeat(10)}ffffc0000207 ${'00'.repeat(16)} dc04 20fb`;
  assert.equal(read(v2(`21 21 0024 ${mapped}`)), '192.0.2.7 8443 ');
  assert.equal(read(v2(`21 31 00d8 ${'00'.repeat(216)}`)), 'null 0 ', 'a local socket has no address');
  assert.equal(read(v2('20 00 0000'), 'x'), 'null 0 x', 'the proxy itself');
  assert.equal(read(v2('20 11 000c c0000207 c6336401 dc04 01bb')), 'null 0 ', 'what it carries does not count');
  assert.equal(read(v2('21 00 0003 010203')), 'null 0 ');
});

test('version 2 is refused when anything in it is not by the rules', () => {
  for (const hex of [
    '31 11 000c c0000207 c6336401 dc04 01bb',
    '22 11 000c c0000207 c6336401 dc04 01bb',
    '21 41 000c c0000207 c6336401 dc04 01bb',
    '21 13 000c c0000207 c6336401 dc04 01bb',
    '21 11 000b c0000207 c6336401 dc04 01',
    '21 11 4001',
    '21 11 000e c0000207 c6336401 dc04 01bb 0400',
    '21 11 0010 c0000207 c6336401 dc04 01bb 04 0002 aa',
  ]) {
    assert.equal(read(v2(hex)), 'fault', hex);
  }
});

test('neither a request nor a ClientHello is taken for one, from their first octets on', () => {
  const none = (octets: string): void => {
    const b = Buffer.from(octets, 'latin1');
    assert.equal(header.read(b, 0, b.length), 'none', JSON.stringify(octets));
  };
  for (const octets of ['G', 'POST /', 'PRI * HTTP/2.0', 'PROPFIND / HTTP/1.1', '\x16\x03\x01', '\r\nGET', 'PROXY/'])
    none(octets);
});
