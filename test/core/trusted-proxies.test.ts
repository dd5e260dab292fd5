/** Whose word is taken, and which address in a list is the client's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainAddress, TrustedProxies } from '#core/trusted-proxies';

const proxies = new TrustedProxies(['10.0.0.0/8', 'fd00::/8', '192.0.2.7/32']);

test('an address is trusted when a network holds it', () => {
  for (const address of ['10.1.2.3', 'fd12::1', '192.0.2.7']) assert.ok(proxies.has(address), address);
  for (const address of ['11.1.2.3', 'fe80::1', '192.0.2.8', '', 'x']) assert.ok(!proxies.has(address), address);
  assert.ok(!new TrustedProxies([]).has('127.0.0.1'));
});

test('the client is the last address that no trusted proxy has', () => {
  const cases = [
    ['203.0.113.9', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, 10.9.9.9, fd00::2', '203.0.113.9'],
    ['10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8::1]:80', '2001:db8::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, unknown', '10.0.0.5'],
    ['', '10.0.0.5'],
  ] as const;
  for (const [list, client] of cases) assert.equal(proxies.clientOf('10.0.0.5', list), client, list);
});

test('a peer that is not trusted is the client, whatever the list says', () => {
  assert.equal(proxies.clientOf('203.0.113.1', '6.6.6.6'), '203.0.113.1');
});

test('IPv4 in IPv6 clothes is IPv4', () => {
  assert.equal(plainAddress('::ffff:10.1.2.3'), '10.1.2.3');
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1');
});
