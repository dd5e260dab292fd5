/**
 * Random lives of a set that goes through every tier in a second: streams that stay open, uploads, leases of the API and of
 * replicas, knocks, Tidegates that are killed, an Engine that is slow or hangs. Whatever comes when, nothing is put to sleep
 * under anybody who needs it, and everything sleeps in the end.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RevisionShare } from '#core/set';
import { seeded } from '#test/router/sample';
import type { FakeCall } from './support/fake-engine.ts';
import { type Ask, Rig } from './support/rig.ts';

const LIVES = 10;
const STEPS = 60;
const SHARE: RevisionShare = { revision: 'r1', weight: 100, replicas: null, held: false };
const DOWN: readonly FakeCall[] = ['freeze', 'pause', 'rest', 'stop', 'remove'];
/** Longer than any life: nobody is cut off because a drain took too long. */
const NEVER_MS = 10_000_000;

async function live(seed: number): Promise<Set<FakeCall>> {
  const random = seeded(seed);
  const int = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const rig = new Rig({ seed });
  const key = rig.set('web', {
    ...{ drainMs: NEVER_MS, wakeTimeoutMs: 60_000 },
    scale: { min: 0, max: 2, spare: int(0, 1), pauseMs: 100, sandboxMs: 300, stopMs: 600, removeMs: 1000 },
  });
  rig.declare(key, [SHARE]);
  const open: Ask[] = [];
  const steps = new Set<FakeCall>();
  let leases = 0;
  const wrong: string[] = [];
  let leaseUntil = 0;
  const atWork = new Map<string, number>();
  rig.engine.latency = (call) => (call === 'thaw' || call === 'isFrozen' ? 0 : int(0, 60));
  rig.delay = () => (random() < 0.5 ? null : int(0, 40));
  rig.engine.onCall = (call, id) => {
    if (!DOWN.includes(call)) return;
    steps.add(call);
    const now = rig.clock.now();
    if (now < (atWork.get(`local/${id}`) ?? 0)) wrong.push(`${call}: it said it was at work`);
    if (open.some((ask) => !ask.isOver && ask.upstream?.replica === `local/${id}`)) wrong.push(`${call}: in flight`);
    // A spare is frozen while its set is awake.
    if (now < leaseUntil && call !== 'freeze' && call !== 'pause') wrong.push(`${call}: a lease is held`);
  };
  for (let i = 0; i < STEPS; i++) {
    const roll = random();
    if (roll < 0.25) open.push(rig.ask(key));
    else if (roll < 0.5) for (const ask of open) if (random() < 0.7) ask.finish();
    if (roll > 0.9) {
      leaseUntil = Math.max(leaseUntil, rig.clock.now() + 500);
      rig.scaler.lease('default', 'shop', 500);
    } else if (roll > 0.87) rig.engine.mood = 'hung';
    else if (roll > 0.8) rig.engine.recover();
    else if (roll > 0.7) {
      const replica = open.find((ask) => !ask.isOver)?.upstream?.replica;
      const until = rig.clock.now() + int(1, 1500);
      if (replica !== undefined) {
        rig.pool(key).lease(replica, until - rig.clock.now());
        atWork.set(replica, Math.max(until, atWork.get(replica) ?? 0));
        leaseUntil = Math.max(leaseUntil, until);
        leases++;
      }
    } else if (roll > 0.68) {
      // What the one before had in flight is cut with it.
      for (const ask of open.splice(0)) ask.finish();
      rig.restart();
    }
    await rig.clock.advance(random() < 0.6 ? int(0, 60) : int(60, 1500));
    assert.deepEqual(wrong, [], `seed ${seed}`);
  }
  rig.engine.recover();
  await rig.clock.advance(60_000);
  for (const ask of open) assert.equal(ask.became, 'admitted', `seed ${seed}`);
  for (const ask of open) ask.finish();
  await rig.clock.advance(20_000);
  assert.deepEqual(wrong, [], `seed ${seed}`);
  assert.equal(rig.containersOf(key).length, 0, `seed ${seed}: at last nothing is left`);
  assert.deepEqual(rig.errors, []);
  assert.ok(leases > 0, `seed ${seed}: no replica ever had work`);
  return steps;
}

test('with a stream open, an upload running or a lease held nothing sleeps deeper, in any order of things', async () => {
  const seen = new Set<FakeCall>();
  for (let seed = 1; seed <= LIVES; seed++) for (const call of await live(seed)) seen.add(call);
  for (const call of ['freeze', 'rest', 'stop', 'remove'] as const)
    assert.ok(seen.has(call), `${call} was never tried`);
});
