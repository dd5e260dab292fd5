/** How long a request takes, from counts that are looked at now and then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceTime } from '#scaler/decider/service-time';

const LOOK_MS = 250;

/** Looks for a while at so many in flight, of which so many end between two looks. Returns the moment of the last one. */
function look(time: ServiceTime, from: number, load: { inFlight: number; ends: number; looks: number }): number {
  for (let turn = 1; turn <= load.looks; turn++) time.record(from + turn * LOOK_MS, load.inFlight, load.ends);
  return from + load.looks * LOOK_MS;
}

test('a request takes as long as those in flight, divided by those that end in that time', () => {
  const time = new ServiceTime();
  look(time, 0, { inFlight: 20, ends: 50, looks: 40 });
  assert.equal(time.ms, 100);
});

test('nothing is said before ten have ended', () => {
  const time = new ServiceTime();
  const now = look(time, 0, { inFlight: 1, ends: 1, looks: 10 });
  assert.equal(time.ms, null);
  look(time, now, { inFlight: 1, ends: 1, looks: 1 });
  assert.equal(time.ms, 250);
});

test('with few requests it goes by the last two hundred, with many by the last five seconds', () => {
  const few = new ServiceTime();
  let now = look(few, 0, { inFlight: 1, ends: 2, looks: 200 });
  look(few, now, { inFlight: 2, ends: 2, looks: 20 });
  assert.ok((few.ms ?? 0) < 150, `of two hundred, forty took longer: ${few.ms}`);
  const many = new ServiceTime();
  now = look(many, 0, { inFlight: 100, ends: 200, looks: 200 });
  look(many, now, { inFlight: 200, ends: 200, looks: 20 });
  assert.ok((many.ms ?? 0) > 200, `half of what counts took twice as long, at least: ${many.ms}`);
});

test('what passes in a pause does not count, and what was before it weighs little', () => {
  const time = new ServiceTime();
  const now = look(time, 0, { inFlight: 20, ends: 50, looks: 40 });
  time.pause();
  assert.equal(time.ms, 100);
  time.record(now + 60_000, 80, 9000);
  assert.equal(time.ms, 100);
  look(time, now + 60_000, { inFlight: 80, ends: 50, looks: 4 });
  assert.ok((time.ms ?? 0) > 350, `a second in which each took 400 ms: ${time.ms}`);
});
