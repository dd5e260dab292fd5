/** Sets that follow their load, with the real scaler and pools on a clock that the test moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSchedule } from '#core/schedule';
import type { SetKey } from '#core/set';
import { type Ask, noOverride, Rig, SLEEPY } from './support/rig.ts';

const WORK_MS = 100;

/** Requests at an even pace, each of which takes its time at a replica. Returns all of them. */
async function run(
  rig: Rig,
  set: SetKey,
  load: { readonly perSecond: number; readonly forMs: number },
): Promise<Ask[]> {
  const asks: Ask[] = [];
  const stepMs = 1000 / load.perSecond;
  for (let at = 0; at < load.forMs; at += stepMs) {
    const ask = rig.ask(set);
    ask.onSettled = () => void rig.clock.after(WORK_MS, () => ask.finish());
    asks.push(ask);
    await rig.clock.advance(stepMs);
  }
  return asks;
}

test('a set grows with its load within seconds, is calm under it, and shrinks after window and cool-down', async () => {
  const rig = new Rig();
  const web = rig.set('web', { concurrency: 10, scale: { min: 1, max: 8, windowMs: 20_000, cooldownMs: 10_000 } });
  rig.add('web', 'running');
  await rig.clock.advance(1000);
  await run(rig, web, { perSecond: 10, forMs: 5000 });
  assert.equal(rig.view(web).ready, 1);
  const asks = await run(rig, web, { perSecond: 200, forMs: 5000 });
  await rig.clock.advance(1000);
  // Twenty requests at a time, of which a replica should have seven; and for a while one more for those that queued.
  assert.ok([3, 4].includes(rig.view(web).ready), `${rig.view(web).ready} replicas`);
  assert.ok(asks.every((one) => one.isOver));
  const told = rig.told('set.scaled').length;
  await run(rig, web, { perSecond: 200, forMs: 20_000 });
  assert.equal(rig.told('set.scaled').length, told, 'an even load changes nothing');
  await run(rig, web, { perSecond: 10, forMs: 15_000 });
  assert.ok(rig.view(web).ready > 1, 'not before a window and the cool-down');
  await run(rig, web, { perSecond: 10, forMs: 30_000 });
  assert.equal(rig.view(web).ready, 1);
});

test('fifty requests to a set at zero start as many replicas as they need and no more', async () => {
  const rig = new Rig();
  const web = rig.set('web', { concurrency: 10, scale: { ...SLEEPY, max: 20 } });
  rig.add('web', 'exited', { listensAfterMs: 2000 });
  await rig.clock.advance(0);
  const asks = Array.from({ length: 50 }, () => {
    const ask = rig.ask(web);
    ask.onSettled = () => void rig.clock.after(1000, () => ask.finish());
    return ask;
  });
  let peak = 0;
  for (let at = 0; at < 30_000; at += 100) {
    await rig.clock.advance(100);
    peak = Math.max(peak, rig.world.containers.size);
  }
  assert.equal(peak, 5);
  assert.deepEqual([...new Set(asks.map((one) => one.became))], ['admitted']);
});

test('a schedule wakes a set for its time, and lets it sleep again', async () => {
  const rig = new Rig();
  const parsed = parseSchedule('thu 00:10-00:20 min=2');
  assert.ok(parsed.ok);
  const web = rig.set('web', { scale: { ...SLEEPY, max: 3, schedule: parsed.schedule } });
  rig.add('web', 'exited');
  // The rig begins on a Thursday, at midnight.
  await rig.clock.advance(9 * 60_000);
  assert.equal(rig.view(web).ready, 0);
  await rig.clock.advance(90_000);
  assert.equal(rig.view(web).ready, 2);
  await rig.clock.advance(9 * 60_000);
  assert.equal(rig.view(web).ready, 2);
  await rig.clock.advance(10 * 60_000);
  assert.equal(rig.view(web).ready, 0);
});

test('a number that a person asked for stays, whatever the load', async () => {
  const rig = new Rig();
  const web = rig.set('web', { concurrency: 10, scale: { min: 1, max: 8 } });
  rig.add('web', 'running');
  await rig.clock.advance(100);
  rig.scaler.scale(web, noOverride({ replicas: 2 }));
  await run(rig, web, { perSecond: 300, forMs: 3000 });
  assert.equal(rig.view(web).ready, 2);
  assert.equal(rig.view(web).scaling, null);
});

test('a set that sleeps is not looked at', async () => {
  const timersOf = async (max: number): Promise<number> => {
    const rig = new Rig();
    const web = rig.set('web', { scale: { ...SLEEPY, max } });
    rig.add('web', 'exited');
    await rig.clock.advance(100);
    assert.equal(rig.view(web).scaling, null);
    return rig.clock.pendingCount;
  };
  assert.equal(await timersOf(5), await timersOf(1));
});
