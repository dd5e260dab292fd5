/** What sleeping sets keep is bounded, and given up when it is needed: by the set that has been idle the longest. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RevisionShare, SetKey } from '#core/set';
import { Rig } from './support/rig.ts';

const SHARE: RevisionShare = { revision: 'r1', weight: 100, replicas: null, held: false };

/** Sets that were used one after the other, a second apart. */
async function used(rig: Rig, names: readonly string[], scale: object): Promise<SetKey[]> {
  const keys: SetKey[] = [];
  for (const name of names) {
    const key = rig.set(name, { scale: { min: 0, pauseMs: null, stopMs: null, ...scale } });
    rig.declare(key, [SHARE]);
    const ask = rig.ask(key);
    await rig.clock.advance(1000);
    ask.finish();
    keys.push(key);
  }
  return keys;
}

function states(rig: Rig, keys: readonly SetKey[]): string[] {
  return keys.map((key) => rig.view(key).state);
}

test('sandboxes beyond their number go, those of the longest idle set first', async () => {
  const rig = new Rig({ sandboxesMax: 2 });
  const keys = await used(rig, ['a', 'b', 'c', 'd'], { sandboxMs: 10_000 });
  await rig.clock.advance(8500);
  assert.deepEqual(states(rig, keys), ['sandbox', 'sandbox', 'up', 'up']);
  await rig.clock.advance(5000);
  assert.deepEqual(states(rig, keys), ['zero', 'zero', 'sandbox', 'sandbox']);
  assert.match(rig.told('set.stopped')[0]?.cause ?? '', /more than 2 sandboxes/);
  // Who is needed again has the same right as before.
  const [first] = keys;
  assert.ok(first);
  const ask = rig.ask(first);
  await rig.clock.advance(500);
  ask.finish();
  await rig.clock.advance(11_000);
  assert.deepEqual(states(rig, keys), ['sandbox', 'zero', 'zero', 'sandbox']);
});

test('where memory is short the longest idle frozen set gives up its own, one at a time', async () => {
  const rig = new Rig({ sandboxesMax: 1 });
  const keys = await used(rig, ['a', 'b', 'c'], { pauseMs: 5000 });
  await rig.clock.advance(6000);
  assert.deepEqual(states(rig, keys), ['frozen', 'frozen', 'frozen']);
  assert.equal(rig.scaler.relieve('elsewhere', 'memory is short'), null);
  assert.equal(rig.scaler.relieve('local', 'memory is short'), keys[0]);
  await rig.clock.advance(200);
  assert.deepEqual(states(rig, keys), ['sandbox', 'frozen', 'frozen']);
  assert.equal(rig.told('set.sandbox')[0]?.cause, 'memory is short');
  assert.equal(rig.scaler.relieve('local', 'memory is short'), keys[1]);
  await rig.clock.advance(200);
  assert.deepEqual(states(rig, keys), ['sandbox', 'zero', 'frozen'], 'there is room for one sandbox alone');
  await rig.clock.advance(600_000);
  assert.deepEqual(states(rig, keys), ['sandbox', 'zero', 'frozen'], 'it does not come up again by itself');
});

test('a container of a person is stopped when memory is short, and a set that is needed gives up nothing', async () => {
  const rig = new Rig();
  const busy = rig.set('busy', { scale: { min: 0, pauseMs: 5000, stopMs: null } });
  rig.add('busy', 'running');
  const idle = rig.set('idle', { scale: { min: 0, pauseMs: 5000, stopMs: null } });
  rig.add('idle', 'running');
  await rig.clock.advance(6000);
  rig.ask(busy);
  await rig.clock.advance(100);
  assert.equal(rig.scaler.relieve('local', 'memory is short'), idle);
  await rig.clock.advance(200);
  assert.equal(rig.view(idle).state, 'zero');
  assert.equal(rig.scaler.relieve('local', 'memory is short'), null);
});
