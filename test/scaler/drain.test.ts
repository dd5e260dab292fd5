/** What is in flight is finished before a replica goes. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SetKey } from '#core/set';
import type { FakeContainer } from '#test/scaler/support/fake-world';
import { type Ask, noOverride, Rig } from '#test/scaler/support/rig';

interface Draining {
  readonly rig: Rig;
  readonly web: SetKey;
  readonly leaving: FakeContainer;
  readonly stream: Ask;
}

/** Two replicas, of which the older is to be stopped while it serves a stream. */
async function draining(): Promise<Draining> {
  const rig = new Rig();
  const web = rig.set('web', { drainMs: 5000, scale: { min: 2, max: 2 } });
  const leaving = rig.add('web', 'running');
  rig.add('web', 'running');
  await rig.clock.advance(100);
  const asks = rig.asks(web, 20);
  await rig.clock.advance(0);
  const stream = asks.find((one) => one.upstream?.replica === `local/${leaving.id}`);
  assert.ok(stream);
  for (const ask of asks) if (ask !== stream) ask.finish();
  rig.scaler.scale(web, noOverride({ replicas: 1 }));
  await rig.clock.advance(100);
  return { rig, web, leaving, stream };
}

test('a replica that is to stop finishes what is in flight and takes nothing new', async () => {
  const { rig, web, leaving, stream } = await draining();
  assert.equal(rig.told('replica.draining').length, 1);
  for (let i = 0; i < 20; i++) assert.notEqual(rig.ask(web, { hash: i }).upstream?.replica, `local/${leaving.id}`);
  await rig.clock.advance(3000);
  assert.equal(rig.state(leaving), 'running');
  stream.finish();
  await rig.clock.advance(100);
  assert.equal(rig.state(leaving), 'exited');
});

test('what is not finished within the drain time is cut', async () => {
  const { rig, leaving } = await draining();
  await rig.clock.advance(4800);
  assert.equal(rig.state(leaving), 'running');
  await rig.clock.advance(300);
  assert.equal(rig.state(leaving), 'exited');
});

test('a replica that is wanted again while it drains serves on', async () => {
  const { rig, web, leaving } = await draining();
  rig.scaler.scale(web, noOverride({ replicas: 2 }));
  await rig.clock.advance(10_000);
  assert.equal(rig.state(leaving), 'running');
  assert.equal(rig.view(web).ready, 2);
  assert.equal(rig.engine.count('stop'), 0);
});

test('a drain that begins again has its whole time again', async () => {
  const { rig, web, leaving } = await draining();
  await rig.clock.advance(4000);
  rig.scaler.scale(web, noOverride({ replicas: 2 }));
  await rig.clock.advance(100);
  rig.scaler.scale(web, noOverride({ replicas: 1 }));
  await rig.clock.advance(4000);
  assert.equal(rig.state(leaving), 'running');
  await rig.clock.advance(1300);
  assert.equal(rig.state(leaving), 'exited');
});

test('one that was cut once has its whole drain time the next time', async () => {
  const { rig, web, leaving } = await draining();
  await rig.clock.advance(6000);
  assert.equal(rig.state(leaving), 'exited');
  rig.scaler.scale(web, noOverride({ replicas: 2 }));
  await rig.clock.advance(500);
  rig.asks(web, 20);
  await rig.clock.advance(0);
  rig.scaler.scale(web, noOverride({ replicas: 1 }));
  await rig.clock.advance(4500);
  assert.equal(rig.view(web).replicas.filter((one) => one.inFlight > 0).length, 2);
});

test('a person who stops a replica that was to stop anyway has not stopped it for good', async () => {
  const { rig, web, leaving } = await draining();
  rig.world.kill(leaving.id);
  await rig.clock.advance(3000);
  assert.equal(rig.state(leaving), 'exited');
  rig.scaler.scale(web, noOverride());
  await rig.clock.advance(500);
  assert.equal(rig.state(leaving), 'running');
});

test('requests on an upstream that left the pool are drained like any others', async () => {
  const { rig, leaving, stream } = await draining();
  // It gets another address while it drains: its upstream is replaced, the stream goes on.
  leaving.address = '10.0.1.1';
  rig.world.changed(leaving);
  await rig.clock.advance(2000);
  assert.equal(rig.state(leaving), 'running');
  stream.finish();
  await rig.clock.advance(100);
  assert.equal(rig.state(leaving), 'exited');
});

test('a stop that fails after the drain is tried again, and nothing is sent to the replica meanwhile', async () => {
  const { rig, web, leaving, stream } = await draining();
  rig.engine.fail('stop', undefined, 3);
  stream.finish();
  for (let i = 0; i < 20; i++) {
    await rig.clock.advance(30);
    const ask = rig.ask(web, { hash: i });
    await rig.clock.advance(0);
    assert.notEqual(ask.upstream?.replica, `local/${leaving.id}`);
    ask.finish();
  }
  await rig.clock.advance(5000);
  assert.equal(rig.state(leaving), 'exited');
});
