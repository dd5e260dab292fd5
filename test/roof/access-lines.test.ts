/** Where the access log goes: lines reach their file, whole and in order, and a file that cannot be had harms nobody. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Log } from '#core/log';
import { until } from '#test/support/until';
import { openAccessLog } from '../../access-lines.ts';

const RECORD = {
  id: 'a',
  client: '127.0.0.1',
  method: 'GET',
  hostname: 'a.test',
  path: '/',
  status: 200,
  bytesIn: 0,
  bytesOut: 5,
  set: null,
  replica: null,
  tries: 1,
  wakeMs: null,
  error: null,
  certificate: null,
};

function listening(errors: string[]): Log {
  const log: Log = { debug() {}, info() {}, warn() {}, error: (words) => void errors.push(words), with: () => log };
  return log;
}

test('lines are appended to the file of the access log', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-access-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'access.log');
  for (const round of [1, 2]) {
    const open = openAccessLog({ accessLog: { file }, accessLogSample: 1 }, listening([]));
    for (let i = 0; i < 1000; i++) open?.log.record({ ...RECORD, id: `${round}-${i}` }, 1, false);
    await open?.close();
  }
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.equal(lines.length, 2000);
  assert.equal(JSON.parse(lines[1999] ?? '').id, '2-999');
});

test('a file that cannot be written costs one line in the log', async () => {
  const errors: string[] = [];
  const open = openAccessLog({ accessLog: { file: '/dev/null/no/such' }, accessLogSample: 1 }, listening(errors));
  open?.log.record(RECORD, 1, false);
  await until(() => errors.length === 1);
  for (let i = 0; i < 10; i++) open?.log.record(RECORD, 1, false);
  await open?.close();
  assert.equal(errors.length, 1);
});

test('without a place there is no access log', () => {
  assert.equal(openAccessLog({ accessLog: null, accessLogSample: 1 }, listening([])), null);
});
