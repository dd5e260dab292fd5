/** The reference of labels says what the table says. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FOREIGN_LABELS } from '#discovery/foreign-labels';
import { labelReference } from '#discovery/label-reference';
import { ALL_LABELS } from '#discovery/labels';

const ROOT = new URL('../../', import.meta.url);
/** Folders whose code knows labels. */
const FOLDERS = ['discovery', 'docker', 'scaler'];

test('docs/labels.md is what the table says', () => {
  assert.equal(readFileSync(new URL('docs/labels.md', ROOT), 'utf8'), labelReference());
});

test('every label stands in it once, with its value, default, meaning and example', () => {
  const rows = labelReference().split('\n');
  for (const { name } of [...ALL_LABELS, ...Object.values(FOREIGN_LABELS)]) {
    const row = rows.filter((one) => one.startsWith(`| \`${name}\` |`));
    assert.equal(row.length, 1, name);
    assert.ok(!row[0]?.includes('|  |'), `${name} has an empty cell`);
  }
});

test('no code names a label that is not in the table', () => {
  const names = ALL_LABELS.map((one) => one.name);
  for (const folder of FOLDERS) {
    for (const file of readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const source = readFileSync(new URL(`${folder}/${file}`, ROOT), 'utf8');
      for (const [, name] of source.matchAll(/['"`](tidegate\.[a-z][a-z.]*[a-z])['"`]/g)) {
        assert.ok(names.includes(name ?? ''), `${folder}/${file} names ${name}`);
      }
    }
  }
});
