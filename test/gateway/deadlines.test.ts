/** Deadlines: each expires once, in its time, unless something moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadline, Deadlines } from '#gateway/deadlines';
import { FakeClock } from '#test/support/fake-clock';

interface Watch {
  readonly clock: FakeClock;
  readonly deadlines: Deadlines;
  readonly expired: string[];
  make(name: string): Deadline;
}

function watch(): Watch {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const expired: string[] = [];
  return { clock, deadlines, expired, make: (name) => new Deadline(() => expired.push(name)) };
}

test('a deadline expires once, not before its time', async () => {
  const { clock, deadlines, expired, make } = watch();
  deadlines.start(make('a'), 100);
  await clock.advance(99);
  assert.deepEqual(expired, []);
  await clock.advance(2);
  assert.deepEqual(expired, ['a']);
  await clock.advance(1000);
  assert.deepEqual(expired, ['a']);
  assert.equal(clock.pendingCount, 0, 'no timer is left');
});

test('deadlines of one duration share one timer', async () => {
  const { clock, deadlines, expired, make } = watch();
  for (let i = 0; i < 100; i++) deadlines.start(make(String(i)), 100);
  deadlines.start(make('other'), 200);
  assert.equal(clock.pendingCount, 2);
  await clock.advance(101);
  assert.equal(expired.length, 100);
  await clock.advance(100);
  assert.equal(expired.at(-1), 'other');
});

test('touching gives the whole duration again, stopping ends it', async () => {
  const { clock, deadlines, expired, make } = watch();
  const touched = make('touched');
  const stopped = make('stopped');
  deadlines.start(touched, 100);
  deadlines.start(stopped, 100);
  deadlines.start(make('left alone'), 100);
  await clock.advance(80);
  deadlines.touch(touched);
  deadlines.stop(stopped);
  assert.equal(stopped.isRunning, false);
  await clock.advance(30);
  assert.deepEqual(expired, ['left alone']);
  await clock.advance(80);
  assert.deepEqual(expired, ['left alone', 'touched']);
});

test('starting again moves a deadline to another duration', async () => {
  const { clock, deadlines, expired, make } = watch();
  const deadline = make('a');
  deadlines.start(deadline, 100);
  deadlines.start(deadline, 1000);
  await clock.advance(999);
  assert.deepEqual(expired, []);
  await clock.advance(1 + 1000 / 64 + 1);
  assert.deepEqual(expired, ['a']);
});

test('a shorter duration is not held up by the longer one before it', async () => {
  const { clock, deadlines, expired, make } = watch();
  const deadline = make('a');
  deadlines.start(deadline, 1000);
  deadlines.start(deadline, 100);
  await clock.advance(102);
  assert.deepEqual(expired, ['a']);
});

test('a suspended deadline does not expire, and runs again when it is started', async () => {
  const { clock, deadlines, expired, make } = watch();
  const deadline = make('a');
  deadlines.start(deadline, 100);
  deadlines.suspend(deadline);
  assert.equal(deadline.isRunning, false);
  await clock.advance(90);
  deadlines.start(deadline, 100);
  await clock.advance(99);
  assert.deepEqual(expired, []);
  await clock.advance(1 + 100 / 64 + 1);
  assert.deepEqual(expired, ['a']);
  deadlines.start(deadline, 100);
  deadlines.suspend(deadline);
  await clock.advance(1000);
  assert.deepEqual(expired, ['a']);
  assert.equal(clock.pendingCount, 0, 'no timer is left');
});

test('what moves between a late timer and the second look has not expired', async () => {
  const { clock, deadlines, expired, make } = watch();
  const deadline = make('a');
  deadlines.start(deadline, 100);
  clock.after(100, () => deadlines.touch(deadline));
  await clock.advance(150);
  assert.deepEqual(expired, []);
  await clock.advance(60);
  assert.deepEqual(expired, ['a']);
});

test('an expired deadline may be started again from within', async () => {
  const { clock, deadlines, expired } = watch();
  const deadline: Deadline = new Deadline(() => {
    expired.push('again');
    deadlines.start(deadline, 100);
  });
  deadlines.start(deadline, 100);
  await clock.advance(350);
  assert.equal(expired.length, 3);
  deadlines.close();
  assert.equal(clock.pendingCount, 0);
});
