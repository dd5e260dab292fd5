/** What a window remembers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoadWindow } from '#scaler/decider/load-window';

function record(window: LoadWindow, at: number, demand: number): void {
  window.record(at, { demand, inFlight: demand, arrived: 5, finished: 4 });
}

test('an average goes over what there is of the window', () => {
  const window = new LoadWindow(60_000);
  assert.equal(window.demand(60_000), 0);
  record(window, 0, 10);
  assert.equal(window.demand(60_000), 10);
  record(window, 250, 20);
  assert.equal(window.demand(60_000), 15);
  assert.equal(window.demand(250), 20);
});

test('records of one bucket are averaged first', () => {
  const window = new LoadWindow(1000);
  record(window, 0, 10);
  record(window, 100, 30);
  record(window, 250, 40);
  assert.equal(window.demand(1000), 30);
});

test('a pause counts as what was before it', () => {
  const window = new LoadWindow(10_000);
  record(window, 0, 8);
  record(window, 1000, 0);
  assert.equal(window.demand(10_000), 32 / 5);
});

test('what is older than the window is forgotten, and all of it after a silence as long as the window', () => {
  const window = new LoadWindow(1000);
  record(window, 0, 100);
  for (let at = 250; at <= 1000; at += 250) record(window, at, 4);
  assert.equal(window.demand(1000), 4);
  record(window, 2000, 2);
  assert.equal(window.demand(1000), 2);
});

test('arrivals are counted by the second, and ends as they are', () => {
  const window = new LoadWindow(10_000);
  for (let at = 0; at < 2000; at += 250) record(window, at, 1);
  assert.equal(window.arrivalsPerSecond(10_000), 20);
  assert.equal(window.arrivalsPerSecond(1000), 20);
  assert.equal(window.finished(1000), 16);
});

test('it begins anew when it is cleared', () => {
  const window = new LoadWindow(1000);
  record(window, 0, 100);
  window.clear();
  assert.ok(window.isEmpty);
  record(window, 100, 2);
  assert.equal(window.demand(1000), 2);
});

test('the peak is the highest mean of so many buckets beside each other, once there are as many', () => {
  const window = new LoadWindow(2000);
  record(window, 0, 9);
  record(window, 250, 1);
  assert.equal(window.peak(2000, 750), 0);
  for (const [at, demand] of [
    [500, 2],
    [750, 6],
    [1000, 4],
    [1250, 0],
  ] as const) {
    record(window, at, demand);
  }
  assert.equal(window.peak(2000, 750), 4);
  assert.equal(window.peak(2000, 250), 9);
  record(window, 3000, 1);
  assert.equal(window.peak(2000, 250), 1, 'what left the window counts no more');
});

/** A window of 8 s of which every quarter of a second has been recorded. */
function seen(demandAt: (second: number) => number, seconds = 8): LoadWindow {
  const window = new LoadWindow(8000);
  for (let at = 0; at < seconds * 1000; at += 250) record(window, at, demandAt(at / 1000));
  return window;
}

test('a climb of a whole window is followed to the end of a start', () => {
  const window = seen((second) => 10 + second);
  const ahead = (leadMs: number, shortMs = 250) => window.climb(8000, { leadMs, shortMs }) ?? 0;
  assert.equal(ahead(0), 17.75, 'the last that was recorded');
  assert.equal(ahead(3000), 20.75, 'one more a second');
  assert.ok(window.demand(8000) < 14, 'the mean is that of half a window ago');
  assert.equal(ahead(0, 2000), 16.875, 'the line is not trusted beyond what was seen of late');
  assert.equal(ahead(600_000), 2 * 16.875, 'no more than twice the last quarter');
});

test('a climb that has just ended is not followed beyond its end', () => {
  const window = seen((second) => Math.min(10 + second, 17));
  assert.equal(window.climb(8000, { leadMs: 0, shortMs: 1000 }), 17);
});

test('what does not climb all the while is no climb', () => {
  const of = (window: LoadWindow, spanMs = 8000) => window.climb(spanMs, { leadMs: 1000, shortMs: 1000 });
  const not: Readonly<Record<string, (second: number) => number>> = {
    'an even load': () => 10,
    'a step': (second) => (second < 3 ? 10 : 40),
    'the end of a climb': (second) => Math.min(10 + second, 15),
    'a burst': (second) => (second < 6 ? 10 : 100),
    'a tooth': (second) => 10 + (second % 4) * 5,
    'less than chance': (second) => 100 + second,
    'a fall': (second) => 20 - second,
  };
  for (const [what, demandAt] of Object.entries(not)) assert.equal(of(seen(demandAt)), null, what);
  assert.equal(of(seen((second) => 10 + second, 7)), null, 'less than a window was seen');
  assert.equal(of(new LoadWindow(8000)), null);
  assert.equal(
    of(
      seen((second) => 10 + second),
      500,
    ),
    null,
    'a window of two records',
  );
});
