/** The predicates that guard what configuration may put into heads. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isFieldValue, isToken, trimSpace } from '#gateway/http1/octets';

describe('what may stand in a head', () => {
  test('is a token for a name', () => {
    for (const good of ['X-Name', "!#$%&'*+-.^_`|~", 'a']) assert.ok(isToken(good), good);
    for (const bad of ['', 'a b', 'a:', 'a\r\n', '\xe4', '\u0161', 'a(b)', '"a"']) assert.ok(!isToken(bad), bad);
  });

  test('is a field value for a value', () => {
    for (const good of ['', 'a', 'a b\tc', '\xe4\xff', '"q"']) assert.ok(isFieldValue(good), good);
    for (const bad of [' a', 'a ', '\ta', 'a\rb', 'a\nb', 'a\0', '\x7f', 'a\u010db', '\u{1f600}'])
      assert.ok(!isFieldValue(bad), bad);
  });

  test('loses only spaces and tabs at its ends', () => {
    assert.equal(trimSpace(' \t a b\t '), 'a b');
    assert.equal(trimSpace(' \t'), '');
    assert.equal(trimSpace('\xa0a\x0b'), '\xa0a\x0b');
  });
});
