/** Tokens are taken out of what is told to others. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { withoutTokens } from '#core/token-text';

test('nothing of a token is left, wherever it stands', () => {
  const token = `tide_pat_${'0'.repeat(26)}_${'a'.repeat(64)}`;
  assert.equal(
    withoutTokens(`/v1/tokens/${token}/rotate?x=${token.toUpperCase()}`),
    '/v1/tokens/tide_…/rotate?x=tide_…',
  );
  assert.equal(withoutTokens('/v1/tokens/tok_01/tide'), '/v1/tokens/tok_01/tide');
});
