/** Waiting on a clock, and giving it up. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test from 'node:test';
import { pause, systemClock } from '#core/clock';
import { FakeClock } from '#test/support/fake-clock';

test('a pause ends when its time has passed, and not before', async () => {
  const clock = new FakeClock();
  let outcome: string | null = null;
  const done = pause(clock, 100).then((how) => {
    outcome = how;
  });
  await clock.advance(99);
  assert.equal(outcome, null);
  await clock.advance(1);
  await done;
  assert.equal(outcome, 'elapsed');
});

test('a pause ends at once when its signal aborts, and leaves no timer behind', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const paused = pause(clock, 100, stop.signal);
  assert.equal(clock.pendingCount, 1);
  stop.abort();
  assert.equal(await paused, 'aborted');
  assert.equal(clock.pendingCount, 0);
});

test('a pause under a signal that was aborted before does not wait', async () => {
  const clock = new FakeClock();
  assert.equal(await pause(clock, 100, AbortSignal.abort()), 'aborted');
  assert.equal(clock.pendingCount, 0);
});

test('a pause that has elapsed lets go of its signal', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const paused = pause(clock, 10, stop.signal);
  await clock.advance(10);
  assert.equal(await paused, 'elapsed');
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
});

test('the machine clock runs what is due, and not what was cancelled', async () => {
  const before = systemClock.now();
  const fired = await new Promise<string>((resolve) => {
    systemClock.after(1, () => resolve('cancelled one')).cancel();
    systemClock.after(2, () => resolve('other'));
    // The clock's own timers do not keep the process alive; this one does until they fired.
    setTimeout(() => resolve('none'), 100);
  });
  assert.equal(fired, 'other');
  assert.ok(systemClock.now() > before);
  assert.ok(Math.abs(systemClock.wall() - Date.now()) < 60_000);
});
