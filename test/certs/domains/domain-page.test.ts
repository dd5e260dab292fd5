/** docs/domains.md explains every diagnosis there is, and no other. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DIAGNOSES } from '#certs/dns/diagnosis';

test('every diagnosis stands in the page with its meaning', () => {
  const page = readFileSync(new URL('../../../docs/domains.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z]+\.[a-z_]+)` \| ([^|]+) \| ([^|]+) \|$/gm)];
  const explained = Object.fromEntries(rows.map(([, code = '', meaning = '']) => [code, meaning]));
  assert.deepEqual(explained, { ...DIAGNOSES });
  for (const [, code, , fix = ''] of rows) assert.ok(fix.length > 10, code);
});
