/** The floors of the house: imports point down only, and neighbours on a floor do not meet. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT, sourceFiles } from './sources.ts';

/** A folder may import from itself and from folders of a lower floor. */
const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  ['router', 'docker', 'store'],
  ['discovery', 'scaler', 'certs', 'apps', 'tenants', 'logs'],
  ['gateway', 'admin', 'cli'],
  // Puts gateways into processes of their own: it knows doors and facts, and only the roof knows it.
  ['workers'],
];
/** May import everything; nobody imports them. */
const BESIDE = ['test', 'load', 'docs', 'setup'];

/** Composition roots: of the gateway, and of the command line. */
const ROOTS = ['main.ts', 'cli/tide.ts'];

function floorOf(folder: string): number {
  return FLOORS.findIndex((floor) => floor.includes(folder));
}

function importsOf(file: string): string[] {
  const source = readFileSync(path.join(ROOT, file), 'utf8');
  const found = source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g);
  return [...found].map((match) => match[1] ?? '');
}

test('imports point to lower floors only', () => {
  const wrong: string[] = [];
  let checked = 0;
  for (const file of sourceFiles()) {
    const folder = file.split('/')[0] ?? '';
    if (BESIDE.includes(folder) || !file.includes('/')) continue;
    const floor = floorOf(folder);
    assert.notEqual(floor, -1, `${file} stands on no floor: give its folder one here and in AGENTS.md`);
    for (const target of importsOf(file)) {
      checked++;
      if (target.startsWith('.')) {
        const reached = path.posix.normalize(path.posix.join(path.posix.dirname(file), target)).split('/')[0];
        if (reached !== folder) wrong.push(`${file} leaves its folder by ${target}; use #${reached}/…`);
        continue;
      }
      if (!target.startsWith('#')) continue;
      const other = target.slice(1).split('/')[0] ?? '';
      if (other !== folder && (floorOf(other) < 0 || floorOf(other) >= floor)) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.ok(checked > 100, `only ${checked} imports were seen: the test looks in the wrong place`);
  assert.deepEqual(wrong, []);
});

test('only the composition roots and the set-up read the environment', () => {
  const wrong = sourceFiles().filter((file) => {
    const folder = file.split('/')[0] ?? '';
    if (ROOTS.includes(file) || BESIDE.includes(folder)) return false;
    return /\bprocess\.env\b/.test(readFileSync(path.join(ROOT, file), 'utf8'));
  });
  assert.deepEqual(wrong, []);
});

test('the ground does no input or output', () => {
  const forbidden = /from 'node:(?:fs|http|https|http2|tls|dgram|dns|child_process|worker_threads|sqlite)/;
  const wrong = sourceFiles().filter((file) => {
    const pure = file.startsWith('core/') || file.startsWith('router/');
    return pure && forbidden.test(readFileSync(path.join(ROOT, file), 'utf8'));
  });
  assert.deepEqual(wrong, []);
});
