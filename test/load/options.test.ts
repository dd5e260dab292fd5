/** The command line of `npm run load`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../load/options.ts';

const KNOWN = ['discover', 'wake-frozen', 'proxies'];

function problemsOf(...args: string[]): readonly string[] {
  const parsed = parseOptions(args, KNOWN);
  return parsed.ok ? [] : parsed.problems;
}

test('without arguments every scenario runs as it is meant to', () => {
  assert.deepEqual(parseOptions([], KNOWN), {
    ok: true,
    options: { scenarios: KNOWN, rounds: null, seconds: null, only: null, list: false, results: null },
  });
});

test('scenarios run in their own order, and flags may stand anywhere', () => {
  const parsed = parseOptions(
    ['proxies', '--rounds=5', 'discover', '--seconds=0.5', '--only=nginx, h1-1k', '--list'],
    KNOWN,
  );
  assert.deepEqual(parsed, {
    ok: true,
    options: {
      scenarios: ['discover', 'proxies'],
      rounds: 5,
      seconds: 0.5,
      only: new Set(['nginx', 'h1-1k']),
      list: true,
      results: null,
    },
  });
});

test('a mistyped scenario or option is answered with the one that was meant', () => {
  assert.deepEqual(problemsOf('proxis', '--round=3'), [
    '--round is no option; did you mean --rounds?',
    '"proxis" is no scenario; did you mean proxies?',
  ]);
});

test('numbers have to be numbers above zero', () => {
  assert.deepEqual(problemsOf('--rounds=0', '--seconds=x'), [
    '--rounds takes a whole number above 0',
    '--seconds takes a number above 0',
  ]);
  assert.deepEqual(problemsOf('--rounds=1.5'), ['--rounds takes a whole number above 0']);
  assert.deepEqual(problemsOf('--rounds'), ['--rounds takes a whole number above 0']);
});

test('an option that needs a value says so', () => {
  assert.deepEqual(problemsOf('--only=', '--results'), ['--only takes a value', '--results takes a value']);
});
