/** The page of the load tests: what there is to run is on it, and so is the chart of everything that was measured. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { TRACES } from '../../load/simulator/traces.ts';

const LOAD = path.resolve(import.meta.dirname, '../../load');
const page = readFileSync(path.join(LOAD, 'README.md'), 'utf8');

function namesIn(folder: string, ending: string): readonly string[] {
  const files = readdirSync(path.join(LOAD, folder)).filter((file) => file.endsWith(ending));
  return files.map((file) => file.slice(0, -ending.length));
}

test('the page has a row for every scenario and for every k6 script', () => {
  const names = [...namesIn('scenarios', '.ts'), ...namesIn('k6', '.js').filter((name) => name !== 'common')];
  const missing = names.filter((name) => !page.includes(`\n| \`${name}\` `));
  assert.deepEqual(missing, []);
});

test('the page says how many traces are simulated', () => {
  assert.match(page, new RegExp(`\\n\\| \`simulate\` .* \\| ${TRACES.length} traces \\|\\n`));
});

test('the page shows the chart of every result, and every chart that it shows is there', () => {
  const missing = namesIn('results', '.md').filter(
    (name) => !page.includes(`](results/${name}.svg)](results/${name}.md)`),
  );
  assert.deepEqual(missing, []);
  const shown = [...page.matchAll(/\]\((results\/[^)]+)\)/g)].map(([, file = '']) => file);
  const present = new Set(readdirSync(path.join(LOAD, 'results')).map((file) => `results/${file}`));
  assert.deepEqual(
    shown.filter((file) => !present.has(file)),
    [],
  );
});
