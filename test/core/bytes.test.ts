/** Sizes as people write them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { amountDone, parseBytes } from '#core/bytes';

const SEED = 20_260_102;

test('sizes are read with and without a unit, in powers of 1024', () => {
  const table: readonly [string, number][] = [
    ['0', 0],
    ['512', 512],
    ['512b', 512],
    ['64k', 65_536],
    ['64K', 65_536],
    ['64Ki', 65_536],
    ['64KiB', 65_536],
    ['10m', 10_485_760],
    ['10MB', 10_485_760],
    ['1g', 1_073_741_824],
  ];
  for (const [text, bytes] of table) assert.equal(parseBytes(text), bytes, text);
});

test('what is not a size, or larger than can be counted exactly, is refused', () => {
  for (const text of ['', 'k', '-1', '1.5m', '1 k', '1t', '1ib', '1kbi', '0x10', '9999999999999', '999999999999g']) {
    assert.equal(parseBytes(text), null, text);
  }
});

test('a size is its number times its unit', () => {
  const units: readonly [string, number][] = [
    ['', 1],
    ['k', 1024],
    ['mi', 1024 ** 2],
    ['G', 1024 ** 3],
  ];
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.constantFrom(...units), (count, [unit, size]) => {
      assert.equal(parseBytes(`${count}${unit}`), count * size);
    }),
    { seed: SEED },
  );
});

test('how far something is, is told in the unit that says most', () => {
  assert.equal(amountDone(0, 0), '');
  assert.equal(amountDone(3, 9), '3/9 B');
  assert.equal(amountDone(512 * 1024, 3 * 1024 ** 2), '512/3072 KiB');
  assert.equal(amountDone(34 * 1024 ** 2, 120 * 1024 ** 2), '34/120 MiB');
  assert.equal(amountDone(2 * 1024 ** 4, 4 * 1024 ** 4), '2048/4096 GiB');
});
