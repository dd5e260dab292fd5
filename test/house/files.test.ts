/** Habits of the house that no tool knows: what a file is called, how it opens, how long it may grow. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT, sourceFiles } from './sources.ts';

const LONGEST_LINES = 300;
/** Longer on purpose; each says why in its head comment or below. */
const LONGER: Readonly<Record<string, number>> = {
  // Each is the one place where all of a set, or of a replica, comes together; plan, demand, wake, state, steps and
  // attempts stand in files of their own.
  'scaler/set-keeper.ts': 325,
  'scaler/replica-keeper.ts': 360,
  // One request from beginning to end is one state machine; search, tunnel, account and policies are its parts.
  'gateway/request-path/passage.ts': 345,
};

test('file names are kebab-case nouns without Manager, Helper or Utils', () => {
  const wrong = sourceFiles().filter((file) => {
    const name = path.basename(file).replace(/(?:\.test)?\.ts$/, '');
    return !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) || /manager|helper|util/.test(name);
  });
  assert.deepEqual(wrong, []);
});

test('every file opens with a comment that says what it is for', () => {
  const wrong = sourceFiles().filter((file) => !readFileSync(path.join(ROOT, file), 'utf8').startsWith('/**'));
  assert.deepEqual(wrong, []);
});

test('no source file outgrows what can be read in one go', () => {
  const wrong: string[] = [];
  for (const file of sourceFiles()) {
    if (file.startsWith('test/')) continue;
    const lines = readFileSync(path.join(ROOT, file), 'utf8').split('\n').length - 1;
    if (lines > (LONGER[file] ?? LONGEST_LINES)) wrong.push(`${file}: ${lines} lines`);
  }
  assert.deepEqual(wrong, []);
});

test('nothing of the place it is built at stands in the project', () => {
  const traces = /\/work\/|\/root\/|helper session/;
  const wrong = sourceFiles().filter((file) => {
    return file !== 'test/house/files.test.ts' && traces.test(readFileSync(path.join(ROOT, file), 'utf8'));
  });
  assert.deepEqual(wrong, []);
});
