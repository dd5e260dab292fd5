/** Which signals ask a container to end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksToEnd, signalNumber } from '#discovery/signal';

test('signals are read as numbers, with and without SIG, and real-time ones by their offset', () => {
  const numbers = { '15': 15, SIGTERM: 15, term: 15, SIGHUP: 1, SIGKILL: 9, SIGUSR1: 10, SIGWINCH: 28, SIGSYS: 31 };
  for (const [text, number] of Object.entries(numbers)) assert.equal(signalNumber(text), number, text);
  assert.equal(signalNumber('SIGRTMIN'), 34);
  assert.equal(signalNumber('RTMIN+3'), 37);
  assert.equal(signalNumber('SIGRTMAX-1'), 63);
  assert.equal(signalNumber('SIGNOTHING'), null);
  assert.equal(signalNumber(''), null);
});

test('the four signals that end a process and the stop signal of the container ask it to end', () => {
  for (const signal of ['2', '3', '9', '15']) assert.ok(asksToEnd(signal, 'SIGUSR1'), signal);
  assert.ok(asksToEnd('28', 'SIGWINCH'), 'what stops Apache');
  assert.ok(!asksToEnd('1', 'SIGTERM'));
  assert.ok(!asksToEnd('28', 'SIGTERM'));
  assert.ok(!asksToEnd('SIGNOTHING', 'SIGOTHER'), 'two that mean nothing are not equal');
});
