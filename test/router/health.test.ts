/** Health: the whole transition table, state by signal. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { HEALTH, HEALTH_SIGNALS, type Health, type HealthSignal, nextHealth, UNKNOWN_HEALTH } from '#router/health';

const SEED = 20_260_201;

/** What one signal does when a single one suffices (rise and fall 1). */
const AT_ONCE: Readonly<Record<Health, Readonly<Record<HealthSignal, Health>>>> = {
  unknown: { pass: 'healthy', fail: 'unhealthy', eject: 'unknown', restore: 'unknown' },
  healthy: { pass: 'healthy', fail: 'unhealthy', eject: 'ejected', restore: 'healthy' },
  unhealthy: { pass: 'healthy', fail: 'unhealthy', eject: 'unhealthy', restore: 'unhealthy' },
  ejected: { pass: 'ejected', fail: 'unhealthy', eject: 'ejected', restore: 'healthy' },
};

/** What one signal does when several are needed (rise 2, fall 3): the state and what it has counted. */
const COUNTED: Readonly<Record<Health, Readonly<Record<HealthSignal, readonly [Health, number]>>>> = {
  unknown: { pass: ['healthy', 0], fail: ['unknown', 1], eject: ['unknown', 0], restore: ['unknown', 0] },
  healthy: { pass: ['healthy', 0], fail: ['healthy', 1], eject: ['ejected', 0], restore: ['healthy', 0] },
  unhealthy: { pass: ['unhealthy', 1], fail: ['unhealthy', 0], eject: ['unhealthy', 0], restore: ['unhealthy', 0] },
  ejected: { pass: ['ejected', 0], fail: ['ejected', 1], eject: ['ejected', 0], restore: ['healthy', 0] },
};

test('every signal in every state leads where the table says, when one suffices', () => {
  for (const health of HEALTH) {
    for (const signal of HEALTH_SIGNALS) {
      const next = nextHealth({ health, streak: 0 }, signal, { rise: 1, fall: 1 });
      assert.deepEqual(next, { health: AT_ONCE[health][signal], streak: 0 }, `${health} + ${signal}`);
    }
  }
});

test('every signal in every state counts as the table says, when several are needed', () => {
  for (const health of HEALTH) {
    for (const signal of HEALTH_SIGNALS) {
      const next = nextHealth({ health, streak: 0 }, signal, { rise: 2, fall: 3 });
      assert.deepEqual([next.health, next.streak], COUNTED[health][signal], `${health} + ${signal}`);
    }
  }
});

test('a healthy upstream leaves after `fall` failures in a row, and a pass between them starts the count anew', () => {
  assert.equal(after(['pass', 'fail', 'fail', 'pass', 'fail', 'fail'], 2, 3), 'healthy');
  assert.equal(after(['pass', 'fail', 'fail', 'pass', 'fail', 'fail', 'fail'], 2, 3), 'unhealthy');
});

test('an unhealthy upstream comes back after `rise` passes in a row, and a failure between them starts the count anew', () => {
  const down: HealthSignal[] = ['fail'];
  assert.equal(after([...down, 'pass', 'pass', 'fail', 'pass', 'pass'], 3, 1), 'unhealthy');
  assert.equal(after([...down, 'pass', 'pass', 'fail', 'pass', 'pass', 'pass'], 3, 1), 'healthy');
});

test('a new upstream needs one pass, however high `rise` is', () => {
  assert.equal(after(['pass'], 10, 3), 'healthy');
  assert.equal(after(['fail', 'fail', 'pass'], 10, 3), 'healthy');
});

test('probes alone do not end an ejection, but failing ones turn it into unhealthy', () => {
  assert.equal(after(['pass', 'eject', 'pass', 'pass', 'pass'], 1, 2), 'ejected');
  assert.equal(after(['pass', 'eject', 'fail', 'pass', 'fail'], 1, 2), 'ejected');
  assert.equal(after(['pass', 'eject', 'fail', 'fail'], 1, 2), 'unhealthy');
  assert.equal(after(['pass', 'eject', 'restore'], 1, 2), 'healthy');
});

test('no row of signals makes an upstream ready that never passed a probe, and the count stays below its bound', () => {
  const signals = fc.array(fc.constantFrom(...HEALTH_SIGNALS), { maxLength: 40 });
  const bound = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(signals, bound, bound, (row, rise, fall) => {
      let state = UNKNOWN_HEALTH;
      let passed = false;
      for (const signal of row) {
        passed ||= signal === 'pass';
        state = nextHealth(state, signal, { rise, fall });
        if (state.health === 'healthy') assert.ok(passed);
        assert.ok(state.streak < Math.max(rise, fall));
      }
    }),
    { seed: SEED, numRuns: 500 },
  );
});

function after(signals: readonly HealthSignal[], rise: number, fall: number): Health {
  return signals.reduce((state, signal) => nextHealth(state, signal, { rise, fall }), UNKNOWN_HEALTH).health;
}
