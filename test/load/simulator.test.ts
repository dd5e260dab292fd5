/**
 * Traces replayed in simulated time before the loop that scales sets: it follows the load, soon enough, and does not go to
 * and fro. `npm run load -- simulate` has the same for longer traces, beside others.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_POLICY } from '#core/set';
import { Autoscaler } from '#scaler/autoscaler';
import { setting } from '../../load/scenarios/simulate.ts';
import { heedless, knative, tidegate, withSpares } from '../../load/simulator/candidates.ts';
import { SimulatedClock } from '../../load/simulator/simulated-clock.ts';
import { directionChanges, type Outcome, simulate, timesBetween } from '../../load/simulator/simulation.ts';
import {
  BURSTS,
  CLIMB,
  NOISE,
  RAMP,
  SAWTOOTH,
  SLOWER,
  SPIKE,
  STARTS_THAT_SLOW,
  STEP,
  type Trace,
} from '../../load/simulator/traces.ts';
import { percentile } from '../../load/statistics.ts';

const WORK_MS = 100;
const SEEDS = [1, 2, 3];

function outcomes(trace: Trace): readonly Outcome[] {
  return SEEDS.map((seed) => simulate({ ...setting(trace, tidegate), seed }));
}

function turns(outcome: Outcome): readonly number[] {
  return outcome.options.trace.phases.map(({ from, to }) => directionChanges(outcome, from, to));
}

describe('10, 200 and again 10 requests a second, with work of 100 ms and ten at a time in a replica', () => {
  for (const trace of [RAMP, STEP]) {
    test(`${trace.name}: replicas follow within a window, and turn once in a phase at most`, () => {
      for (const outcome of outcomes(trace)) {
        for (const count of turns(outcome)) assert.ok(count <= 1, `${turns(outcome)}`);
        const [, up, down] = trace.phases;
        const wantedAt = (second: number): number => outcome.moments[second - 1]?.desired ?? 0;
        assert.ok(wantedAt((up?.from ?? 0) + 60) >= 3);
        assert.equal(wantedAt((down?.to ?? 0) - 1), 1);
        assert.equal(outcome.errors, 0);
      }
    });

    test(`${trace.name}: p95 is at most 30 ms above the work, outside the first second of the step`, () => {
      for (const outcome of outcomes(trace)) {
        const begin = trace.phases[1]?.from ?? 0;
        const times = [...timesBetween(outcome, 0, begin), ...timesBetween(outcome, begin + 1, trace.seconds)];
        assert.ok(percentile(times, 95) <= WORK_MS + 30);
      }
    });
  }
});

test('a climb to fifteen times the load within two windows: nobody waits, and no replica is one too many', () => {
  for (const outcome of outcomes(CLIMB)) {
    assert.ok(percentile(timesBetween(outcome, 0, CLIMB.seconds), 99) <= WORK_MS + 20);
    assert.ok(outcome.peakReplicas <= Math.ceil((CLIMB.peak * WORK_MS) / 1000 / 7), `${outcome.peakReplicas}`);
    for (const count of turns(outcome)) assert.ok(count <= 1, `${turns(outcome)}`);
    assert.equal(outcome.errors, 0);
  }
});

test('50 requests at once for a set at zero, ten at a time in a replica that starts in 2 s: five replicas, all answered', () => {
  for (const outcome of outcomes(SPIKE)) {
    assert.equal(outcome.peakReplicas, 5);
    assert.equal(outcome.errors, 0);
  }
  // The rules of Knative take what is queued for load.
  assert.ok(simulate(setting(SPIKE, knative)).peakReplicas > 5);
});

test('answers that take longer because replicas start are no reason to start more of them', () => {
  for (const outcome of outcomes(STARTS_THAT_SLOW)) {
    assert.ok(outcome.peakReplicas <= 5, `${outcome.peakReplicas} where three are enough`);
    assert.equal(outcome.errors, 0);
    for (const count of turns(outcome)) assert.ok(count <= 1, `${turns(outcome)}`);
    const settled = timesBetween(outcome, 65, STARTS_THAT_SLOW.seconds);
    assert.ok(percentile(settled, 95) <= WORK_MS + 30);
  }
  // Without heed of them each start is the reason for the next, up to all that it may have.
  assert.equal(simulate(setting(STARTS_THAT_SLOW, heedless)).peakReplicas, 50);
});

test('a service that gets slower by itself has the replicas that it needs within ten seconds', () => {
  for (const outcome of outcomes(SLOWER)) {
    const settled = timesBetween(outcome, 70, SLOWER.seconds);
    assert.ok(percentile(settled, 95) <= 4 * WORK_MS + 30, `${percentile(settled, 95)} ms`);
    assert.equal(outcome.errors, 0);
  }
});

test('with spares by bursts the second burst waits a quarter of a start at most, and they are gone when bursts are over', () => {
  const outcome = simulate(setting(BURSTS, withSpares));
  assert.ok(percentile(timesBetween(outcome, 180, BURSTS.seconds), 99) <= 500);
  assert.equal(outcome.moments.at(-1)?.spares, 0);
  const without = simulate(setting(BURSTS, tidegate));
  assert.ok(percentile(timesBetween(without, 180, BURSTS.seconds), 99) > 1000);
  assert.ok(outcome.replicaSeconds < without.replicaSeconds);
});

test('a load that is never at rest leaves the replicas at rest', () => {
  for (const trace of [NOISE, SAWTOOTH]) {
    for (const outcome of outcomes(trace))
      assert.ok(Math.max(...turns(outcome)) <= 1, `${trace.name}: ${turns(outcome)}`);
  }
});

test('with prediction the replicas for the load of the day before are there before it comes, and never fewer than without', () => {
  const clock = new SimulatedClock(Date.UTC(2026, 0, 5, 8, 40));
  const scale = { ...DEFAULT_POLICY.scale, min: 1, max: 20, predict: true };
  const pool = {
    policy: { ...DEFAULT_POLICY, concurrency: 10, scale },
    inFlight: 0,
    held: 0,
    claims: 0,
    readyCount: 1,
  };
  const scaler = new Autoscaler({
    ...{ pool, clock, use: () => ({ cpu: null, memory: null }) },
    onChange: ({ to }) => {
      pool.readyCount = to;
    },
  });
  const bounds = { min: 1, max: 20 };
  const minute = 60_000;
  for (let day = 0; day < 2; day++) {
    const begin = day * 24 * 60 * minute;
    clock.runUntil(begin);
    scaler.follow(bounds, { isAwake: true, isFixed: false, replicas: 1 });
    // Ten minutes before nine nothing is to be seen of it.
    clock.runUntil(begin + 10 * minute);
    assert.equal(scaler.desired, 1);
    clock.runUntil(begin + 19.5 * minute);
    assert.equal(scaler.desired, day === 0 ? 1 : 8, 'half a minute before');
    clock.runUntil(begin + 20 * minute);
    pool.inFlight = 56;
    clock.runUntil(begin + 25 * minute);
    assert.equal(scaler.desired, 8);
    pool.inFlight = 0;
    clock.runUntil(begin + 35 * minute);
    assert.equal(scaler.desired, 1);
    scaler.close();
  }
});

test('with prediction replicas that take five minutes to start are started seven minutes before the load of the day before', () => {
  const minute = 60_000;
  const clock = new SimulatedClock(Date.UTC(2026, 0, 5, 8, 30));
  const scale = { ...DEFAULT_POLICY.scale, min: 1, max: 20, predict: true };
  const pool = { policy: { ...DEFAULT_POLICY, scale }, inFlight: 0, held: 0, claims: 0, readyCount: 1 };
  const scaler = new Autoscaler({
    ...{ pool, clock, use: () => ({ cpu: null, memory: null }) },
    onChange: ({ to }) => void clock.after(to > 1 ? 5 * minute : 0, () => (pool.readyCount = to)),
  });
  const wantedAt = (at: number): number | null => {
    clock.runUntil(at);
    return scaler.desired;
  };
  const nine = 30 * minute;
  const day = 24 * 60 * minute;
  scaler.follow({ min: 1, max: 20 }, { isAwake: true, isFixed: false, replicas: 1 });
  assert.equal(wantedAt(nine), 1);
  pool.inFlight = 56;
  clock.runUntil(nine + 10 * minute);
  pool.inFlight = 0;
  assert.equal(wantedAt(day + nine - 8 * minute), 1);
  assert.ok((wantedAt(day + nine - 6 * minute) ?? 0) > 1);
  clock.runUntil(day + nine);
  assert.ok(pool.readyCount > 1, 'they are ready when it comes');
  scaler.close();
});

test('the same seed is the same run', () => {
  const [first, second] = [simulate(setting(STEP, tidegate)), simulate(setting(STEP, tidegate))];
  assert.deepEqual(first.answers, second.answers);
  assert.deepEqual(first.moments, second.moments);
});

test('in simulated time events happen in the order of their moments, and of their planning where those are equal', () => {
  const clock = new SimulatedClock(0);
  const seen: string[] = [];
  for (const at of [30, 10, 20, 10]) clock.after(at, () => seen.push(`${at}@${clock.now()}`));
  clock.after(15, () => seen.push('never')).cancel();
  clock.after(10, () => clock.after(5, () => seen.push(`later@${clock.wall()}`)));
  clock.runUntil(25);
  assert.deepEqual(seen, ['10@10', '10@10', 'later@15', '20@20']);
  assert.equal(clock.now(), 25);
});
