/** The waiting room: bounded, fair, and nobody is forgotten in it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SetPolicy } from '#core/set';
import type { Admission, AdmissionRequest } from '#router/admission';
import type { Pool } from '#router/pool';
import type { Upstream } from '#router/upstream';
import { HeldSpace } from '#scaler/held-space';
import { WaitingRoom } from '#scaler/waiting-room';
import { addReady, emptyPool, policy } from '#test/router/sample';
import { FakeClock, settle } from '#test/support/fake-clock';

interface Guest {
  readonly name: string;
  outcome: Admission | null;
  settled: number;
  readonly stop: AbortController;
}

/** A room with nothing ready, and the order in which its guests are let out. */
class House {
  readonly clock = new FakeClock();
  readonly pool: Pool;
  readonly room: WaitingRoom;
  readonly left: string[] = [];

  constructor(changes: Partial<SetPolicy> = {}) {
    this.pool = emptyPool({ clock: this.clock, policy: policy(changes) });
    this.room = new WaitingRoom({ pool: this.pool, clock: this.clock, tenant: 'acme', space: new HeldSpace() });
    this.pool.watch({ onRoom: () => this.room.release() });
  }

  enter(name: string, request: Partial<AdmissionRequest> = {}): Guest {
    const guest: Guest = { name, outcome: null, settled: 0, stop: new AbortController() };
    const full = { client: name.split(' ')[0] ?? '', bytes: 1, hash: 0, tried: null, ...request };
    void this.room.enter(full, guest.stop.signal).then((outcome) => {
      guest.outcome = outcome;
      guest.settled++;
      this.left.push(name);
    });
    return guest;
  }
}

function upstreamOf(guest: Guest): Upstream | null {
  return guest.outcome?.outcome === 'admitted' ? guest.outcome.upstream : null;
}

test('whoever enters is held until an upstream is ready, and then claimed for', async () => {
  const house = new House();
  const guest = house.enter('a');
  await settle();
  assert.equal(guest.settled, 0);
  assert.equal(house.pool.held, 1);
  await house.clock.advance(40);
  const upstream = addReady(house.pool, 'r1');
  await settle();
  assert.deepEqual(guest.outcome, { outcome: 'admitted', upstream, wakeMs: 40 });
  assert.equal(house.pool.held, 0);
  assert.equal(house.pool.inFlight, 1);
});

test('one more than the room holds is sent away at once, and the others stay', async () => {
  const house = new House({ wakeQueue: 2 });
  const guests = ['a', 'b', 'c'].map((name) => house.enter(name));
  await settle();
  assert.deepEqual(
    guests.map((one) => one.outcome?.outcome),
    [undefined, undefined, 'shed'],
  );
  addReady(house.pool, 'r1');
  await settle();
  assert.deepEqual(house.left, ['c', 'a', 'b']);
});

test('the room holds no more than 64 MiB, and has room again when somebody leaves', async () => {
  const house = new House();
  const half = { bytes: 32 * 1024 * 1024 };
  const first = house.enter('a', half);
  house.enter('b', half);
  const third = house.enter('c', { bytes: 1 });
  await settle();
  assert.equal(third.outcome?.outcome, 'shed');
  first.stop.abort();
  const fourth = house.enter('d', half);
  await settle();
  assert.equal(first.outcome?.outcome, 'timed-out');
  assert.equal(fourth.settled, 0);
});

test('nobody waits longer than the wake timeout that was in force when he came', async () => {
  const house = new House({ wakeTimeoutMs: 500 });
  const guest = house.enter('a');
  house.pool.policy = policy({ wakeTimeoutMs: 60_000 });
  await house.clock.advance(499);
  assert.equal(guest.settled, 0);
  await house.clock.advance(1);
  assert.equal(guest.outcome?.outcome, 'timed-out');
  assert.equal(house.pool.held, 0);
});

test('clients have their turns one after the other, and within a client the oldest goes first', async () => {
  const house = new House({ concurrency: 1 });
  for (const name of ['greedy 1', 'greedy 2', 'greedy 3', 'modest 1', 'late 1', 'modest 2']) house.enter(name);
  const upstream = addReady(house.pool, 'r1');
  for (let i = 0; i < 6; i++) {
    await settle();
    assert.equal(house.pool.inFlight, 1);
    house.pool.release(upstream);
  }
  await settle();
  assert.deepEqual(house.left, ['greedy 1', 'modest 1', 'late 1', 'greedy 2', 'modest 2', 'greedy 3']);
  assert.equal(house.pool.inFlight, 0);
});

test('a backlog is let out at a pace, and nobody overtakes it', async () => {
  const house = new House({ scale: { ...policy().scale, target: 1000 } });
  for (let i = 0; i < 200; i++) house.enter(`a ${i}`);
  addReady(house.pool, 'r1');
  await settle();
  assert.equal(house.left.length, 64);
  assert.equal(house.pool.claim(0, null), null);
  house.enter('b');
  await house.clock.advance(5);
  assert.equal(house.left.length, 128);
  assert.ok(house.left.includes('b'));
  await house.clock.advance(10);
  assert.equal(house.left.length, 201);
  assert.equal(house.pool.held, 0);
});

test('a replica without a limit that has just come up gets as many as it is meant for, and one more with every answer', async () => {
  const house = new House({ scale: { ...policy().scale, target: 10 } });
  for (let i = 0; i < 100; i++) house.enter(`a ${i}`);
  const upstream = addReady(house.pool, 'r1');
  await settle();
  assert.equal(house.pool.inFlight, 10);
  // Each answer makes room for the next one and proves that one more can be taken.
  for (let i = 0; i < 5; i++) house.pool.release(upstream);
  await settle();
  assert.equal(house.pool.inFlight, 15);
  assert.equal(house.pool.claim(0, null), null);
  addReady(house.pool, 'r2');
  await settle();
  assert.equal(house.pool.inFlight, 30);
});

test('what never answers keeps nobody waiting for long after a wake: twice as many are let out every second', async () => {
  const house = new House({ scale: { ...policy().scale, target: 10 } });
  for (let i = 0; i < 50; i++) house.enter(`a ${i}`);
  addReady(house.pool, 'r1');
  await settle();
  const out: number[] = [];
  for (let i = 0; i < 3; i++) {
    await house.clock.advance(1000);
    out.push(house.pool.inFlight);
  }
  assert.deepEqual(out, [20, 40, 50]);
});

test('a retry that waits in a set which is awake waits for no proof', async () => {
  const house = new House({ scale: { ...policy().scale, target: 1 } });
  const first = addReady(house.pool, 'r1');
  for (let i = 0; i < 5; i++) house.pool.take(first);
  const retry = house.enter('a', { tried: [first] });
  addReady(house.pool, 'r2');
  await settle();
  assert.equal(retry.outcome?.outcome, 'admitted');
});

test('whoever gives up leaves at once, before and during and after his turn, with one outcome', async () => {
  const house = new House();
  const [before, during, after] = ['a', 'b', 'c'].map((name) => house.enter(name));
  assert.ok(before && during && after);
  before.stop.abort();
  addReady(house.pool, 'r1');
  during.stop.abort();
  await settle();
  after.stop.abort();
  await house.clock.advance(60_000);
  assert.equal(before.outcome?.outcome, 'timed-out');
  assert.equal(during.outcome?.outcome, 'admitted');
  assert.equal(after.outcome?.outcome, 'admitted');
  assert.deepEqual([before.settled, during.settled, after.settled], [1, 1, 1]);
  assert.equal(house.pool.inFlight, 2);
});

test('whoever has given up already is not let in', async () => {
  const house = new House();
  const guest: Guest = { name: 'a', outcome: null, settled: 0, stop: new AbortController() };
  guest.stop.abort();
  const outcome = await house.room.enter({ client: 'a', bytes: 1, hash: 0, tried: null }, guest.stop.signal);
  assert.equal(outcome.outcome, 'timed-out');
  assert.equal(house.pool.held, 0);
});

test('everybody can be sent away, and the room goes on', async () => {
  const house = new House();
  const first = house.enter('a');
  house.room.turnAway({ outcome: 'stopped', code: 'stopped', retryAfterS: 3 });
  const second = house.enter('a');
  await settle();
  assert.deepEqual(first.outcome, { outcome: 'stopped', code: 'stopped', retryAfterS: 3 });
  addReady(house.pool, 'r1');
  await settle();
  assert.equal(second.outcome?.outcome, 'admitted');
});

test('a request that an upstream failed waits for another one without holding up anybody', async () => {
  const house = new House();
  const first = addReady(house.pool, 'r1');
  const retry = house.enter('a', { tried: [first] });
  const same = house.enter('a');
  const other = house.enter('b');
  await settle();
  assert.equal(retry.settled, 0);
  assert.equal(upstreamOf(same), first);
  assert.equal(upstreamOf(other), first);
  const second = addReady(house.pool, 'r2');
  await settle();
  assert.equal(upstreamOf(retry), second);
});

test('a request that every ready upstream failed is not kept for long', async () => {
  const house = new House();
  const first = addReady(house.pool, 'r1');
  const retry = house.enter('a', { tried: [first] });
  await house.clock.advance(2000);
  assert.deepEqual(retry.outcome, { outcome: 'stopped', code: 'no_replicas', retryAfterS: 5 });
});

test('a request whose upstream turns out to be down waits for the next one', async () => {
  const house = new House();
  const first = addReady(house.pool, 'r1');
  const retry = house.enter('a', { tried: [first] });
  house.pool.remove(first);
  await house.clock.advance(10_000);
  assert.equal(retry.settled, 0);
  const second = addReady(house.pool, 'r1');
  await settle();
  assert.equal(upstreamOf(retry), second);
});

test('one that a match sends to a revision of its own does not wait for room in the others', async () => {
  const house = new House({ concurrency: 1 });
  addReady(house.pool, 'old', { revision: 'r1', weight: 100 });
  const first = house.enter('a');
  const second = house.enter('b');
  const matched = house.enter('c', { wish: { matched: ['r2'], kept: null, visitor: null } });
  await settle();
  assert.equal(upstreamOf(first)?.name, 'old');
  assert.deepEqual([second.settled, matched.settled], [0, 0]);
  addReady(house.pool, 'new', { revision: 'r2', weight: 0 });
  house.room.release();
  await settle();
  assert.equal(upstreamOf(matched)?.name, 'new');
  assert.equal(second.settled, 0);
});
