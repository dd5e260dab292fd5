/** Which subnets are left for networks of apps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeSubnets } from '#docker/subnets';

test('all 1024 subnets are offered, each once, from another place for another seed', () => {
  const some = [...freeSubnets([], 'shop')];
  assert.equal(new Set(some).size, 1024);
  assert.ok(some.every((subnet) => /^10\.213\.\d{1,3}\.(0|64|128|192)\/26$/.test(subnet)));
  assert.deepEqual([...freeSubnets([], 'shop')], some);
  assert.notEqual([...freeSubnets([], 'blog')][0], some[0]);
  assert.deepEqual([...freeSubnets([], 'blog')].sort(), some.toSorted());
});

test('what overlaps one that is taken is passed over, larger or smaller', () => {
  const free = [...freeSubnets(['10.213.0.0/24', '10.213.1.70/32', '10.213.2.130/26', 'fd00::/64', 'nonsense'], 'x')];
  assert.equal(free.length, 1024 - 4 - 1 - 1);
  for (const gone of ['10.213.0.192/26', '10.213.1.64/26', '10.213.2.128/26']) assert.ok(!free.includes(gone), gone);
  for (const kept of ['10.213.1.0/26', '10.213.2.192/26']) assert.ok(free.includes(kept), kept);
  assert.deepEqual([...freeSubnets(['10.0.0.0/8'], 'x')], []);
});
