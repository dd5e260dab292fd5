/** "Did you mean": what is near enough, and what is not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { nearest } from '#core/nearest';

const SEED = 20_260_106;

test('the nearest known word is found over a typo, a swap, a missing and an extra letter', () => {
  const known = ['port', 'path', 'proto', 'scale.min', 'scale.max', 'network'];
  const table: readonly [string, string][] = [
    ['prot', 'port'],
    ['paht', 'path'],
    ['scale.mim', 'scale.min'],
    ['scale-max', 'scale.max'],
    ['netwrok', 'network'],
    ['networks', 'network'],
  ];
  for (const [word, expected] of table) assert.equal(nearest(word, known), expected, word);
});

test('a word with nothing in common with any known one has no nearest', () => {
  assert.equal(nearest('zzzzzzzz', ['port', 'path']), null);
  assert.equal(nearest('on', ['off']), null);
  assert.equal(nearest('x', ['y']), null);
  assert.equal(nearest('port', []), null);
});

test('of two equally near words the first is named', () => {
  assert.equal(nearest('scale.mix', ['scale.min', 'scale.max']), 'scale.min');
});

test('a known word is its own nearest', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1 }),
      fc.nat(),
      (known, pick) => {
        const word = known[pick % known.length] ?? '';
        assert.equal(nearest(word, known), word);
      },
    ),
    { seed: SEED },
  );
});

test('one changed letter in a word of three or more still finds it', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{3,20}$/), fc.nat(), (word, at) => {
      const place = at % word.length;
      const typo = `${word.slice(0, place)}9${word.slice(place + 1)}`;
      assert.equal(nearest(typo, ['0'.repeat(40), word]), word);
    }),
    { seed: SEED },
  );
});
