/** Durations as people write them, there and back. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '#core/duration';

const SEED = 20_260_101;
const LONGEST_MS = 2_147_483_647;

test('durations are read in every unit', () => {
  const table: readonly [string, number][] = [
    ['0', 0],
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0.25h', 900_000],
    ['7d', 604_800_000],
    [`${LONGEST_MS}ms`, LONGEST_MS],
  ];
  for (const [text, ms] of table) assert.equal(parseDuration(text), ms, text);
});

test('what is not a duration, or longer than a timer holds, is refused', () => {
  for (const text of [
    '',
    '5',
    '-5s',
    '5 s',
    's',
    '5S',
    '1e3s',
    '.5s',
    '5.s',
    '25d',
    `${LONGEST_MS + 1}ms`,
    '5min',
    '٣s',
  ]) {
    assert.equal(parseDuration(text), null, text);
  }
});

test('a duration is written in the largest unit that divides it', () => {
  const table: readonly [number, string][] = [
    [0, '0'],
    [1, '1ms'],
    [1500, '1500ms'],
    [90_000, '90s'],
    [300_000, '5m'],
    [86_400_000, '1d'],
  ];
  for (const [ms, text] of table) assert.equal(formatDuration(ms), text);
});

test('every duration a timer can hold survives being written and read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: LONGEST_MS }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms);
    }),
    { seed: SEED },
  );
});
