/** What a client may do for nothing: so much at once, so much a second, more for real work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowance } from '#gateway/http2/allowance';
import { ReceiveWindow } from '#gateway/http2/receive-window';

test('an allowance ends, comes back with time, and never exceeds its burst', () => {
  let now = 1000;
  const allowance = new Allowance({ burst: 3, perSecond: 2 }, () => now);
  const spent = (): number => {
    let count = 0;
    while (count < 100 && allowance.spend()) count++;
    return count;
  };
  assert.equal(spent(), 3);
  now += 2000;
  // Four were earned, one was overdrawn.
  assert.equal(spent(), 3);
  now += 1_000_000;
  assert.equal(spent(), 3);
  allowance.earn(100);
  assert.equal(spent(), 3);
});

test('a window gives room back in large pieces, and counts what was not given back', () => {
  const window = new ReceiveWindow(100);
  assert.equal(window.arrive(100), true);
  assert.equal(window.take(49), 0);
  assert.equal(window.take(1), 50);
  assert.equal(window.arrive(50), true);
  assert.equal(window.arrive(1), false);
});
