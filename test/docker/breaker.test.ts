/** The breaker: when calls are held back, and what lets them through again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker, type BreakerState, TRIAL_EVERY_MS } from '#docker/breaker';
import { FakeClock } from '#test/support/fake-clock';

function breaker() {
  const clock = new FakeClock();
  const changes: [BreakerState, string][] = [];
  return { clock, changes, breaker: new Breaker(clock, (state, cause) => changes.push([state, cause])) };
}

async function opened() {
  const all = breaker();
  for (let i = 0; i < 3; i++) all.breaker.failed(0, 'no answer');
  return all;
}

test('two failures leave it closed, the third in a row opens it', () => {
  const { breaker: one, changes } = breaker();
  one.failed(0, 'refused');
  one.failed(0, 'refused');
  assert.equal(one.admits, true);
  one.failed(0, 'refused again');
  assert.equal(one.admits, false);
  assert.deepEqual(changes, [['open', 'refused again']]);
});

test('a success between failures keeps it closed', async () => {
  const { breaker: one, clock } = breaker();
  for (let i = 0; i < 2; i++) one.failed(0, 'refused');
  one.succeeded();
  await clock.advance(1);
  for (let i = 0; i < 2; i++) one.failed(clock.now(), 'refused');
  assert.equal(one.state, 'closed');
});

test('calls that began before the last success say nothing about the Engine', async () => {
  const { breaker: one, clock } = breaker();
  await clock.advance(4000);
  one.succeeded();
  await clock.advance(1000);
  for (let i = 0; i < 5; i++) one.failed(0, 'inspect of a stuck container');
  assert.equal(one.state, 'closed');
});

test('an open one lets a single trial through once it is due', async () => {
  const { breaker: one, clock } = await opened();
  assert.equal(one.startTrial(), false);
  await clock.advance(TRIAL_EVERY_MS - 1);
  assert.equal(one.trialInMs, 1);
  assert.equal(one.startTrial(), false);
  await clock.advance(1);
  assert.equal(one.startTrial(), true);
  assert.equal(one.state, 'half-open');
  assert.equal(one.startTrial(), false);
  assert.equal(one.admits, false);
});

test('a trial that succeeds closes it', async () => {
  const { breaker: one, clock } = await opened();
  await clock.advance(TRIAL_EVERY_MS);
  one.startTrial();
  one.succeeded();
  assert.equal(one.admits, true);
  for (let i = 0; i < 2; i++) one.failed(clock.now(), 'a failure');
  assert.equal(one.admits, true);
});

test('a trial that fails opens it until the next is due, two seconds after it began', async () => {
  const { breaker: one, clock } = await opened();
  await clock.advance(TRIAL_EVERY_MS);
  const startedAt = clock.now();
  one.startTrial();
  await clock.advance(1500);
  one.failed(startedAt, 'no answer');
  assert.equal(one.state, 'open');
  assert.equal(one.trialInMs, TRIAL_EVERY_MS - 1500);
});

test('the end of a call from before the trial does not decide the trial', async () => {
  const { breaker: one, clock } = await opened();
  await clock.advance(TRIAL_EVERY_MS);
  one.startTrial();
  one.failed(0, 'an old call');
  assert.equal(one.state, 'half-open');
});

test('a call from before that succeeds late closes it', async () => {
  const { breaker: one, changes } = await opened();
  one.succeeded();
  assert.equal(one.admits, true);
  assert.deepEqual(changes.at(-1)?.[0], 'closed');
});
