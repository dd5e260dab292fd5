/** Networks: what lies in them, and what lies within one another. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { holdsNetworks, Networks, readNetwork } from '#core/networks';

test('an address lies in a network of its family', () => {
  const networks = new Networks(['10.0.0.0/8', 'fd00::/8']);
  assert.deepEqual(
    ['10.1.2.3', '11.0.0.1', 'fd12::1', 'fe80::1', 'nobody', ''].map((one) => networks.has(one)),
    [...[true, false, true, false, false, false]],
  );
  assert.equal(new Networks([]).has('10.1.2.3'), false);
});

test('a bare address is the network of it alone, and what is neither is refused', () => {
  assert.deepEqual(['10.0.0.1', '::1', '10.0.0.0/8', '0.0.0.0/0'].map(readNetwork), [
    ...['10.0.0.1/32', '::1/128', '10.0.0.0/8', '0.0.0.0/0'],
  ]);
  for (const text of ['', '10.0.0.0/33', '10.0.0.0/', '10.0.0/8', '::1/129', 'a/8', '10.0.0.0/8/8', 'fe80::1%eth0']) {
    assert.equal(readNetwork(text), null, text);
  }
});

test('a wider network holds a narrower one, and none holds what it lies beside', () => {
  assert.equal(holdsNetworks([], ['10.0.0.0/8']), true);
  assert.equal(holdsNetworks(['10.0.0.0/8'], []), false);
  assert.equal(holdsNetworks(['10.0.0.0/8'], ['10.1.0.0/16', '10.9.9.9/32']), true);
  assert.equal(holdsNetworks(['10.1.0.0/16'], ['10.0.0.0/8']), false);
  assert.equal(holdsNetworks(['10.0.0.0/8'], ['11.0.0.0/16']), false);
  assert.equal(holdsNetworks(['10.0.0.0/8', 'fd00::/8'], ['fd12::/16']), true);
  assert.equal(holdsNetworks(['0.0.0.0/0'], ['::/0']), false);
});
