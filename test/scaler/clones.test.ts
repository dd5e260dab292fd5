/** Replicas that Tidegate makes from the newest container, and takes away again. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SetKey } from '#core/set';
import { FakeRefusal } from '#test/scaler/support/fake-refusal';
import type { FakeContainer } from '#test/scaler/support/fake-world';
import { noOverride, Rig } from '#test/scaler/support/rig';

function clonesOf(rig: Rig): FakeContainer[] {
  return [...rig.world.containers.values()].filter((one) => one.cloneOf !== null);
}

/** A set that wants two replicas and has one container of its operator. */
async function withClone(): Promise<{ rig: Rig; web: SetKey; original: FakeContainer }> {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 2, max: 4 } });
  const original = rig.add('web', 'running');
  await rig.clock.advance(500);
  assert.equal(rig.view(web).ready, 2);
  return { rig, web, original };
}

test('clones of an older container serve until those of the newer one are ready, and then go', async () => {
  const { rig, web, original } = await withClone();
  const [old] = clonesOf(rig);
  assert.ok(old);
  rig.scaler.scale(web, noOverride({ replicas: 3 }));
  await rig.clock.advance(500);
  const newer = rig.world.create('web', { listensAfterMs: 1000 });
  rig.world.start(newer.id);
  await rig.clock.advance(500);
  assert.equal(rig.state(old), 'running');
  await rig.clock.advance(3000);
  assert.equal(rig.state(old), 'gone');
  assert.deepEqual(
    clonesOf(rig).map((one) => one.cloneOf),
    [newer.id],
  );
  assert.equal(rig.state(original), 'running');
});

test('the container that clones were made from can be replaced without a moment of nobody', async () => {
  const { rig, web, original } = await withClone();
  rig.world.remove(original.id, true);
  await rig.clock.advance(20_000);
  assert.equal(rig.view(web).ready, 1);
  const successor = rig.world.create('web', { listensAfterMs: 500 });
  rig.world.start(successor.id);
  for (let i = 0; i < 40; i++) {
    assert.ok(rig.view(web).ready > 0);
    await rig.clock.advance(50);
  }
  assert.deepEqual(
    clonesOf(rig).map((one) => one.cloneOf),
    [successor.id],
  );
  assert.equal(rig.view(web).ready, 2);
});

test('clones whose original does not come back go after a minute, and the set with them', async () => {
  const { rig, web, original } = await withClone();
  rig.world.remove(original.id, true);
  await rig.clock.advance(59_000);
  assert.equal(rig.view(web).ready, 1);
  await rig.clock.advance(2000);
  assert.equal(rig.world.containers.size, 0);
  await rig.clock.advance(11_000);
  assert.equal(rig.scaler.view(web), null);
});

test('a restart of the container that clones were made from leaves the clones alone', async () => {
  const { rig, web, original } = await withClone();
  const [clone] = clonesOf(rig);
  assert.ok(clone);
  rig.world.kill(original.id);
  await rig.clock.advance(1000);
  assert.equal(rig.state(clone), 'running');
  rig.world.start(original.id);
  await rig.clock.advance(500);
  assert.equal(rig.view(web).ready, 2);
  assert.equal(rig.engine.count('stop'), 0);
});

test('a person who stops the container of a set stops its clones too', async () => {
  const { rig, web, original } = await withClone();
  rig.world.kill(original.id);
  await rig.clock.advance(7000);
  assert.deepEqual(
    clonesOf(rig).map((one) => rig.state(one)),
    ['exited'],
  );
  const ask = rig.ask(web);
  await rig.clock.advance(0);
  assert.equal(ask.became, 'stopped');
  rig.world.start(original.id);
  await rig.clock.advance(500);
  assert.equal(rig.view(web).ready, 2);
});

test('a clone that crashes is started again', async () => {
  const { rig, web } = await withClone();
  const [clone] = clonesOf(rig);
  assert.ok(clone);
  rig.world.die(clone.id, 1);
  await rig.clock.advance(1000);
  assert.equal(rig.view(web).ready, 2);
});

test('a clone that somebody removes is made again', async () => {
  const { rig, web } = await withClone();
  const [clone] = clonesOf(rig);
  assert.ok(clone);
  rig.world.remove(clone.id, true);
  await rig.clock.advance(1000);
  assert.equal(rig.view(web).ready, 2);
  assert.equal(clonesOf(rig).length, 1);
});

test('clones that discovery does not show never lead to more of them', async () => {
  const rig = new Rig();
  rig.set('web', { scale: { min: 3, max: 3 } });
  rig.add('web', 'running');
  rig.delay = (event) => (event === 'create' ? 'never' : null);
  rig.blind = true;
  await rig.clock.advance(600_000);
  assert.equal(clonesOf(rig).length, 2);
  assert.equal(rig.told('replica.failed').length, 0);
  rig.blind = false;
  for (const clone of clonesOf(rig)) rig.showTruth(clone);
  await rig.clock.advance(1000);
  assert.equal(clonesOf(rig).length, 2);
  assert.equal(rig.view('default/shop/web').ready, 3);
});

test('a clone that was removed before discovery showed it is missed at last', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 2, max: 2 } });
  rig.add('web', 'running');
  rig.delay = (event) => (event === 'create' || event === 'destroy' ? 'never' : null);
  rig.blind = true;
  await rig.clock.advance(100);
  const [clone] = clonesOf(rig);
  assert.ok(clone);
  rig.world.remove(clone.id);
  rig.blind = false;
  rig.delay = () => null;
  await rig.clock.advance(130_000);
  assert.equal(clonesOf(rig).length, 1);
  assert.equal(rig.view(web).ready, 2);
});

test('a clone that cannot be made is tried again with growing waits, and reported every time', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 2, max: 2 } });
  rig.add('web', 'running');
  rig.engine.fail('clone', undefined, 4);
  await rig.clock.advance(20_000);
  assert.deepEqual(
    rig.told('replica.failed').map((one) => one.data?.retry_in_ms),
    [1000, 2000, 4000, 8000],
  );
  assert.equal(rig.view(web).ready, 2);
});

test('while the Engine is away no clone is made, and none is counted as failed', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 2, max: 2 } });
  rig.add('web', 'running');
  rig.engine.mood = 'away';
  await rig.clock.advance(60_000);
  assert.equal(rig.told('replica.failed').length, 0);
  rig.engine.recover();
  await rig.clock.advance(3000);
  assert.equal(rig.view(web).ready, 2);
});

test('a name that another container has is left to it', async () => {
  const rig = new Rig();
  rig.set('other');
  rig.add('other', 'running', { name: 'mine-tg2' });
  const web = rig.set('web', { scale: { min: 2, max: 2 } });
  rig.add('web', 'running', { name: 'mine' });
  await rig.clock.advance(10_000);
  assert.deepEqual(
    clonesOf(rig).map((one) => one.name),
    ['mine-tg3'],
  );
  assert.equal(rig.view(web).ready, 2);
});

test('a clone that was made although the Engine did not answer in time is found, not made twice', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 2, max: 2 } });
  const original = rig.add('web', 'running', { name: 'mine' });
  const clone = rig.engine.clone.bind(rig.engine);
  rig.engine.clone = async (id, options) => {
    rig.engine.clone = clone;
    await clone(id, options);
    throw new FakeRefusal('engine.timeout', 'no answer');
  };
  await rig.clock.advance(10_000);
  assert.deepEqual(
    clonesOf(rig).map((one) => [one.name, one.cloneOf]),
    [['mine-tg2', original.id]],
  );
  assert.equal(rig.view(web).ready, 2);
});

test('fewer replicas wanted while clones are being made: no more are made than are wanted', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1, max: 9 } });
  rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.scaler.scale(web, noOverride({ replicas: 9 }));
  await rig.clock.advance(20);
  rig.scaler.scale(web, noOverride({ replicas: 2 }));
  await rig.clock.advance(3000);
  assert.equal(clonesOf(rig).length, 1);
  assert.ok(rig.engine.count('clone') <= 2);
});

test('a clone that is wanted again while it is being removed is kept', async () => {
  const { rig, web } = await withClone();
  const [clone] = clonesOf(rig);
  assert.ok(clone);
  clone.endsAfterMs = 500;
  rig.scaler.scale(web, noOverride({ replicas: 1 }));
  await rig.clock.advance(200);
  rig.scaler.scale(web, noOverride({ replicas: 2 }));
  await rig.clock.advance(2000);
  assert.equal(rig.state(clone), 'running');
  assert.equal(clonesOf(rig).length, 1);
});

test('no clone is made for a set that vanishes meanwhile', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 9, max: 9 } });
  rig.add('web', 'running');
  await rig.clock.advance(10);
  rig.blind = true;
  rig.vanish(web);
  const made = rig.engine.count('clone');
  rig.delay = () => 'never';
  await rig.clock.advance(100_000);
  assert.equal(rig.engine.count('clone'), made);
});
