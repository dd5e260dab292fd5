/** Leases over processes: whoever races, one has it at a time, and fences only grow. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSqliteStore } from '#store/sqlite-store';
import { temporaryDirectory } from './temporary.ts';

const RACER = fileURLToPath(new URL('./lease-racer.ts', import.meta.url));
const TIMES = 150;
const DEADLINE_MS = 120_000;

test('of two processes that race for a lease one has it at a time, with a fence of its own', async (t) => {
  const directory = temporaryDirectory(t);
  await (await openSqliteStore(directory)).close();
  const [one = [], two = []] = await Promise.all([race(directory, 'one', 'two'), race(directory, 'two', 'one')]);
  for (const fences of [one, two]) {
    assert.equal(fences.length, TIMES);
    assert.ok(
      fences.every((fence, i) => i === 0 || Number(fence) > Number(fences[i - 1])),
      `fences grow: ${fences.join(' ')}`,
    );
  }
  assert.equal(new Set([...one, ...two]).size, 2 * TIMES, 'no fence was given twice');
  const [first, last] = [Number(one[0]), Number(one.at(-1))];
  t.diagnostic(
    `${two.filter((fence) => Number(fence) > first && Number(fence) < last).length} of ${TIMES} interleaved`,
  );
});

async function race(directory: string, holder: string, rival: string): Promise<string[]> {
  const child = spawn(process.execPath, [RACER, directory, holder, String(TIMES), rival], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let said = '';
  for await (const text of child.stdout.setEncoding('utf8')) said += text;
  clearTimeout(deadline);
  assert.ok(!said.includes('double'), 'two processes held it at once');
  return said.trim().split('\n');
}
