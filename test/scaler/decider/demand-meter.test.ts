/** What counts as demand, and what does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DemandMeter } from '#scaler/decider/demand-meter';

/** A pool that a test moves: requests arrive, are let in as far as there is room, and end. */
class Traffic {
  readonly meter = new DemandMeter(60_000);
  now = 0;
  inFlight = 0;
  held = 0;
  claims = 0;
  readyCount = 0;
  limit = Number.POSITIVE_INFINITY;

  arrive(count: number): void {
    this.held += count;
    this.#letIn();
  }

  end(count: number): void {
    this.inFlight -= count;
    this.#letIn();
  }

  ready(count: number): void {
    this.readyCount = count;
    this.#letIn();
  }

  /** Time goes on, and the counts are looked at. */
  look(ms = 250, isSlowed = false): number {
    this.now += ms;
    this.meter.sample(this.now, this, isSlowed);
    return this.meter.window.demand(1);
  }

  #letIn(): void {
    const count = this.readyCount === 0 ? 0 : Math.min(this.held, this.readyCount * this.limit - this.inFlight);
    this.held -= count;
    this.inFlight += count;
    this.claims += count;
  }
}

test('requests in flight are the demand of a set that is up', () => {
  const traffic = new Traffic();
  traffic.ready(2);
  traffic.arrive(7);
  assert.equal(traffic.look(), 7);
  traffic.end(3);
  assert.equal(traffic.look(), 4);
  assert.equal(traffic.meter.isSaturated, false);
});

test('what is held when a set wakes is its backlog and no demand, neither while it waits nor while it is worked off', () => {
  const traffic = new Traffic();
  traffic.limit = 10;
  traffic.arrive(1);
  traffic.look(0);
  traffic.arrive(49);
  assert.equal(traffic.look(100), 0);
  assert.equal(traffic.meter.backlog, 50);
  assert.equal(traffic.look(2000), 0);
  traffic.ready(1);
  assert.equal(traffic.look(), 0);
  assert.equal(traffic.meter.isSaturated, false, 'it waits for its start and not for room');
  for (let round = 0; round < 5; round++) {
    traffic.end(10);
    assert.equal(traffic.look(), 0);
  }
  assert.equal(traffic.meter.backlog, 0);
});

test('the backlog is counted once: what comes later is demand as soon as something takes it', () => {
  const traffic = new Traffic();
  traffic.arrive(4);
  traffic.look(0);
  traffic.look(600);
  traffic.arrive(30);
  assert.equal(traffic.look(), 0, 'how long they take is not known, and nothing takes them yet');
  assert.equal(traffic.meter.backlog, 4);
  traffic.ready(1);
  assert.equal(traffic.look(), 30);
});

test('a queue before replicas that are full counts by the time that a request takes, not by its length', () => {
  const traffic = new Traffic();
  traffic.limit = 10;
  traffic.ready(1);
  // 100 ms each, 200 arrive a second: 20 at a time are needed, and the replica has room for 10.
  let demand = 0;
  for (let turn = 0; turn < 40; turn++) {
    traffic.end(Math.min(traffic.inFlight, 25));
    traffic.arrive(50);
    demand = traffic.look(250);
  }
  assert.ok(traffic.held > 500, `${traffic.held} are held`);
  assert.ok(traffic.meter.isSaturated);
  const serviceMs = traffic.meter.serviceMs ?? 0;
  const needed = (200 * serviceMs) / 1000 + (traffic.held * serviceMs) / 1000;
  assert.ok(Math.abs(demand - needed) / needed < 0.1, `${demand} of ${needed}`);
});

test('after a sleep the load of before is forgotten, and the time of a request is not', () => {
  const traffic = new Traffic();
  traffic.ready(1);
  traffic.arrive(20);
  traffic.look();
  traffic.end(20);
  traffic.look();
  const { serviceMs } = traffic.meter;
  assert.ok(serviceMs !== null);
  traffic.meter.reset();
  assert.ok(traffic.meter.window.isEmpty);
  assert.equal(traffic.meter.serviceMs, serviceMs);
});

/** One replica without a limit that has 100 requests a second, of which ten are there at a time. */
function quick(): { readonly traffic: Traffic; readonly serviceMs: number } {
  const traffic = new Traffic();
  traffic.ready(1);
  traffic.arrive(10);
  for (let turn = 0; turn < 40; turn++) pass(traffic, 25, false);
  const serviceMs = traffic.meter.serviceMs ?? 0;
  assert.ok(Math.abs(serviceMs - 100) < 1, `${serviceMs}`);
  return { traffic, serviceMs };
}

/** A quarter of a second, in which 25 requests come and so many end. */
function pass(traffic: Traffic, ends: number, isSlowed: boolean): number {
  traffic.end(ends);
  traffic.arrive(25);
  return traffic.look(250, isSlowed);
}

test('while starts slow a set a request counts as long as it took before them', () => {
  const { traffic, serviceMs } = quick();
  for (let turn = 0; turn < 4; turn++) {
    const demand = pass(traffic, 23, true);
    assert.ok(demand <= Math.max(10, traffic.inFlight / 2) + 0.1, `${demand} of ${traffic.inFlight}`);
  }
  assert.equal(traffic.inFlight, 18);
  assert.equal(traffic.meter.serviceMs, serviceMs, 'nothing is learnt of that time');
});

test('however slow it is while starts are under way, half of what replicas have counts', () => {
  const { traffic } = quick();
  for (let turn = 0; turn < 8; turn++) pass(traffic, 0, true);
  assert.equal(pass(traffic, 0, true), traffic.inFlight / 2);
  assert.equal(traffic.inFlight, 235);
});

test('a set that stays slow when the starts are over counts in full, at once', () => {
  const { traffic } = quick();
  for (let turn = 0; turn < 4; turn++) pass(traffic, 20, true);
  assert.equal(pass(traffic, 25, false), 30);
  for (let turn = 0; turn < 40; turn++) pass(traffic, 25, false);
  assert.ok(Math.abs((traffic.meter.serviceMs ?? 0) - 300) < 10, `${traffic.meter.serviceMs}`);
});

test('a queue that gathers while starts are under way may take as long to be worked off, by replicas that are full', () => {
  const { traffic } = quick();
  traffic.limit = 10;
  // Fifteen more in each quarter of a second than there is room for, for four seconds.
  let demand = 0;
  for (let turn = 0; turn < 16; turn++) {
    traffic.end(10);
    traffic.arrive(25);
    demand = traffic.look(250, true);
  }
  assert.equal(traffic.held, 240);
  // Within a second it would be 10 at a time for what comes and 24 for what waits; within four, and of full replicas:
  assert.ok(Math.abs(demand - 0.7 * (10 + 6)) < 0.5, `${demand}`);
  const full = traffic.look(250, false);
  assert.ok(full >= 10, `${full} when they are over`);
});

test('after a sleep a queue is no older than itself', () => {
  const { traffic } = quick();
  traffic.limit = 10;
  traffic.arrive(20);
  traffic.look(250, true);
  traffic.meter.reset();
  traffic.now += 600_000;
  traffic.end(5);
  assert.ok(traffic.held > 0);
  for (let turn = 0; turn < 4; turn++) {
    traffic.end(10);
    traffic.arrive(25);
    traffic.look(250, true);
  }
  // As in a set that never slept: what is queued counts in full, for it is there for a second.
  const demand = traffic.look(0, false);
  assert.ok(demand > 10, `${demand}`);
});
