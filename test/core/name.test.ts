/** Names of tenants, apps and sets. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseHostname } from '#core/hostname';
import { isName, nameFrom } from '#core/name';

const SEED = 20_260_104;

test('names are lower-case DNS labels of up to 40 characters that begin with a letter', () => {
  for (const text of ['a', 'shop', 'my-app-1', 'a'.repeat(40), 'x--y']) assert.equal(isName(text), true, text);
  for (const text of ['', 'Shop', '1a', '-a', 'a-', 'a_b', 'a.b', 'a'.repeat(41), 'a\n']) {
    assert.equal(isName(text), false, text);
  }
});

test('other names are bent into that shape', () => {
  const table: readonly [string, string | null][] = [
    ['shop', 'shop'],
    ['My_App.1', 'my-app-1'],
    ['/project-web-1', 'project-web-1'],
    ['1st', 'st'],
    ['__a__b__', 'a-b'],
    [`${'a'.repeat(39)}-b`, 'a'.repeat(39)],
    ['42', null],
    ['', null],
    ['商店', null],
  ];
  for (const [text, expected] of table) assert.equal(nameFrom(text), expected, text);
});

test('bending gives a name that can stand in a hostname, or nothing, and leaves names alone', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (text) => {
      const bent = nameFrom(text);
      if (isName(text)) assert.equal(bent, text);
      if (bent === null) return;
      assert.ok(isName(bent));
      assert.ok(parseHostname(bent).ok);
    }),
    { seed: SEED, numRuns: 500 },
  );
});
