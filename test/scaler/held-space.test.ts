/** Memory for held requests: whoever floods leaves room for everybody else. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { HeldSpace } from '#scaler/held-space';
import { Rig } from './support/rig.ts';

const MIB = 1024 * 1024;

/** How many requests of one MiB a tenant gets in. */
function flood(space: HeldSpace, tenant: string): number {
  let held = 0;
  while (space.take(tenant, MIB - 4096)) held++;
  return held;
}

test('a tenant that floods gets half, the next one half of what is left, and there is always room for another', () => {
  const space = new HeldSpace(120 * MIB);
  assert.equal(flood(space, 'loud'), 60);
  assert.equal(flood(space, 'louder'), 30);
  assert.ok(space.take('quiet', 1000));
});

test('what is given back can be taken again, to the last octet', () => {
  const space = new HeldSpace(8 * MIB);
  for (let round = 0; round < 3; round++) {
    assert.equal(flood(space, 'one'), 4);
    for (let i = 0; i < 4; i++) space.give('one', MIB - 4096);
  }
});

test('the flood on an app of one tenant turns away nobody of another tenant', async () => {
  const rig = new Rig();
  const loud = rig.set('web', { wakeQueue: 1_000_000 });
  rig.add('web', 'exited');
  rig.tenants.set('quiet', 'acme');
  const quiet = rig.set('quiet', { wakeQueue: 1_000_000 });
  rig.add('quiet', 'exited');
  // Each of its sets has a room of its own; what they have in common is their tenant.
  const more = rig.set('api');
  rig.add('api', 'exited');
  const flooding = [loud, more].flatMap((key) => rig.asks(key, 4, { bytes: 16 * MIB }));
  const third = rig.set('cart');
  rig.add('cart', 'exited');
  flooding.push(...rig.asks(third, 4, { bytes: 16 * MIB }));
  const other = rig.ask(quiet, { bytes: 16 * MIB });
  await rig.clock.advance(1);
  assert.deepEqual([...new Set(flooding.map((one) => one.became))], ['held', 'shed']);
  assert.equal(other.became, 'held');
});
