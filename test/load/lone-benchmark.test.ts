/** One benchmark at a time. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { LoneBenchmark } from '../../load/lone-benchmark.ts';
import { isAlive, processMark } from '../support/system-processes.ts';
import { until } from '../support/until.ts';

function ownFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-claim-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Process id of a process that is dead, and its mark from when it was not. */
async function deadMark(): Promise<unknown> {
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;
  const mark = await until(() => processMark(pid));
  child.kill('SIGKILL');
  await until(() => !isAlive(pid));
  return mark;
}

test('a second benchmark is refused while the first one runs, and leaves its claim alone', (t) => {
  const folder = ownFolder(t);
  {
    using _first = new LoneBenchmark(folder);
    assert.throws(() => new LoneBenchmark(folder), new RegExp(`process ${process.pid}`));
    assert.equal(readdirSync(folder).length, 1);
  }
  assert.deepEqual(readdirSync(folder), []);
  using _second = new LoneBenchmark(folder);
  assert.equal(readdirSync(folder).length, 1);
});

test('the claim of a benchmark that died is taken over', async (t) => {
  const folder = ownFolder(t);
  const claim = path.join(folder, 'tidegate-load.claim');
  writeFileSync(claim, JSON.stringify(await deadMark()));
  {
    using _benchmark = new LoneBenchmark(folder);
    assert.throws(() => new LoneBenchmark(folder));
  }
  assert.equal(existsSync(claim), false);
});
