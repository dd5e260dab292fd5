/** The API version that we and an Engine have in common. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTidegateError } from '#core/errors';
import { chooseApiVersion } from '#docker/api-version';

test('the newest version that both sides know is spoken', () => {
  assert.equal(chooseApiVersion({ ApiVersion: '1.41', MinAPIVersion: '1.12' }), '1.41');
  assert.equal(chooseApiVersion({ ApiVersion: '1.47', MinAPIVersion: '1.24' }), '1.47');
  assert.equal(chooseApiVersion({ ApiVersion: '1.52', MinAPIVersion: '1.44' }), '1.51');
  assert.equal(chooseApiVersion({ ApiVersion: '1.51', MinAPIVersion: '1.51' }), '1.51');
  assert.equal(chooseApiVersion({ ApiVersion: '2.0', MinAPIVersion: '1.44' }), '1.51');
});

test('an Engine that names no minimum is taken to know the older ones', () => {
  assert.equal(chooseApiVersion({ ApiVersion: '1.43' }), '1.43');
  assert.equal(chooseApiVersion({ ApiVersion: '1.43', MinAPIVersion: '' }), '1.43');
});

test('versions are compared as numbers, not as text', () => {
  assert.throws(() => chooseApiVersion({ ApiVersion: '1.9', MinAPIVersion: '1.5' }), /1\.9/);
});

for (const [what, answer] of [
  ['an Engine that is too old', { ApiVersion: '1.40', MinAPIVersion: '1.12' }],
  ['an Engine that is too new', { ApiVersion: '1.60', MinAPIVersion: '1.52' }],
  ['an answer without a version', {}],
  ['an answer that is no object', 'OK'],
  ['a version that is no version', { ApiVersion: 'latest' }],
] as const) {
  test(`${what} is an error`, () => {
    assert.throws(
      () => chooseApiVersion(answer),
      (error) => isTidegateError(error, 'engine.version'),
    );
  });
}
