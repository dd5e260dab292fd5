/** Who may come in by address, and which addresses are one client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from '#gateway/policies/client-network';
import { ClientRules } from '#gateway/policies/client-rules';

test('only those who are allowed come in, by address or network', () => {
  const rules = new ClientRules({ allow: ['10.0.0.0/8', '203.0.113.7', '2001:db8::/32'], deny: [] });
  for (const client of ['10.1.2.3', '203.0.113.7', '2001:db8:1::5']) assert.equal(rules.admits(client), true, client);
  for (const client of ['11.0.0.1', '203.0.113.8', '2001:db9::1', '::1']) {
    assert.equal(rules.admits(client), false, client);
  }
});

test('who is denied stays out although his network is allowed', () => {
  const rules = new ClientRules({ allow: ['10.0.0.0/8'], deny: ['10.6.0.0/16'] });
  assert.deepEqual([rules.admits('10.5.0.1'), rules.admits('10.6.0.1')], [true, false]);
});

test('without a list of those allowed everybody else comes in, and what is no address too', () => {
  const rules = new ClientRules({ allow: [], deny: ['203.0.113.7'] });
  assert.deepEqual(
    ['203.0.113.7', '203.0.113.8', '::1', 'unknown'].map((client) => rules.admits(client)),
    [false, true, true, true],
  );
  assert.equal(new ClientRules({ allow: ['0.0.0.0/0'], deny: [] }).admits('unknown'), false);
});

test('the same address in another form is the same client', () => {
  const rules = new ClientRules({ allow: [], deny: ['203.0.113.7', 'fe80::/10'] });
  assert.equal(rules.admits('::ffff:203.0.113.7'), false);
  assert.equal(rules.admits('fe80::1%eth0'), false);
});

test('an IPv6 client is its /64, however the address is written; an IPv4 client is its address', () => {
  const same = ['2001:db8:0:1::5', '2001:DB8::1:0:0:0:9', '2001:0db8:0000:0001:ffff:ffff:ffff:ffff', '2001:db8:0:1::'];
  for (const address of same) assert.equal(networkOf(address), '2001:db8:0:1::/64', address);
  assert.equal(networkOf('2001:db8:0:2::5'), '2001:db8:0:2::/64');
  assert.equal(networkOf('::1'), '0:0:0:0::/64');
  assert.equal(networkOf('1::2:3:4:5:6:7'), '1:0:2:3::/64');
  assert.equal(networkOf('64:ff9b::192.0.2.33'), '64:ff9b:0:0::/64');
  assert.equal(networkOf('192.0.2.33'), '192.0.2.33');
});
