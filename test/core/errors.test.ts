/** The registries of errors and events, and what an error carries. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ERRORS, isTidegateError, messageOf, TidegateError } from '#core/errors';
import { EVENT_TYPES } from '#core/event';

test('an error carries its code, its cause and facts for programs', () => {
  const cause = new Error('below');
  const error = new TidegateError('store.corrupt', 'state is broken', { cause, detail: { file: 'x' } });
  assert.equal(error.code, 'store.corrupt');
  assert.equal(error.cause, cause);
  assert.deepEqual(error.detail, { file: 'x' });
  assert.ok(isTidegateError(error));
  assert.ok(isTidegateError(error, 'store.corrupt'));
  assert.equal(isTidegateError(error, 'store.newer'), false);
  assert.equal(isTidegateError(cause), false);
});

test('anything thrown has words', () => {
  assert.equal(messageOf(new Error('a')), 'a');
  assert.equal(messageOf('b'), 'b');
  assert.equal(messageOf(null), 'null');
});

test('every registered code names its area, and says what happened and what to do', () => {
  for (const [code, entry] of Object.entries(ERRORS)) {
    assert.match(code, /^[a-z]+\.[a-z_]+$/);
    assert.match(entry.meaning, /^[A-Z].*\.$/, code);
    assert.match(entry.fix, /^[A-Z].*\.$/, code);
  }
  for (const [type, meaning] of Object.entries(EVENT_TYPES)) {
    assert.match(type, /^[a-z]+\.[a-z_]+$/);
    assert.match(meaning, /^[A-Z].*\.$/, type);
  }
});
