/** The examples of RFC 7396, appendix A. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergePatch } from '#admin/merge-patch';

const EXAMPLES: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test('every example of the RFC comes out as it says', () => {
  for (const [value, patch, result] of EXAMPLES) assert.deepEqual(mergePatch(value, patch), result);
});

test('a name that objects have by birth is a name like any other', () => {
  const patch: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
  mergePatch({}, patch);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});
