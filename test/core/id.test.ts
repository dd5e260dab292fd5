/** Ids: their form and their order. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { newId } from '#core/id';

const SEED = 20_260_105;
const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 });
const wallMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test('an id is its prefix and a ULID', () => {
  assert.equal(
    newId('evt', 0, () => new Uint8Array(10)),
    'evt_00000000000000000000000000',
  );
  assert.equal(
    newId('evt', 2 ** 48 - 1, () => new Uint8Array(10).fill(255)),
    'evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ',
  );
  // The example time of the ULID specification.
  assert.match(
    newId('tok', 1_469_918_176_385, () => new Uint8Array(10)),
    /^tok_01ARYZ6S410{16}$/,
  );
});

test('ids sort by the millisecond they were made in', () => {
  fc.assert(
    fc.property(wallMs, wallMs, bytes, bytes, (a, b, chanceA, chanceB) => {
      fc.pre(a !== b);
      const first = newId('x', a, () => chanceA);
      const second = newId('x', b, () => chanceB);
      assert.equal(first < second, a < b);
    }),
    { seed: SEED },
  );
});

test('within one millisecond, ids sort by their chance, and differ when it differs', () => {
  fc.assert(
    fc.property(wallMs, bytes, bytes, (at, a, b) => {
      const order = Buffer.compare(a, b);
      const first = newId('x', at, () => a);
      const second = newId('x', at, () => b);
      assert.equal(Math.sign(first < second ? -1 : first > second ? 1 : 0), order);
    }),
    { seed: SEED },
  );
});
