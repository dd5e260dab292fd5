/** The store under kill -9, and the hold on its directory over processes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSqliteStore } from '#store/sqlite-store';
import { EVENTS_KEPT } from '#store/store';
import { event } from './store-contract.ts';
import { temporaryDirectory } from './temporary.ts';

const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url));
const ROUNDS = 4;
const DEADLINE_MS = 120_000;

test('a store whose process is killed while it writes holds everything it has acknowledged, whole', async (t) => {
  const directory = temporaryDirectory(t);
  let next = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged = await writeUntilKilled(directory, next, 40 + 25 * round);
    const store = await openSqliteStore(directory);
    try {
      const last = (kind: string): number =>
        Number(acknowledged.findLast((one) => one.startsWith(kind))?.slice(1) ?? -1);
      assert.ok(last('e') >= next, 'the writer got going');

      const scales = await store.scales();
      for (let n = Math.max(0, last('s') - 49); n <= last('s'); n++) {
        const scale = scales.get(`default/app${n % 50}/web`);
        // The one write after the last acknowledged one may be there or not, but then whole.
        assert.ok(scale !== undefined && (scale.at === n || scale.at === n + 50), `scale ${n}`);
        assert.deepEqual([scale.min, scale.replicas], [scale.at, scale.at]);
      }
      const sleeping = await store.sleeping();
      for (let n = Math.max(0, last('n') - 49); n <= last('n'); n++) {
        const note = sleeping.get(`local/r${n % 50}`);
        assert.ok(note !== undefined && (note.at === n || note.at === n + 50), `note ${n}`);
        assert.equal(note.direct, note.at % 2 === 0);
      }
      const events = await store.lastEvents(EVENTS_KEPT);
      const ids = new Set(events.map((one) => one.id));
      for (let n = Math.max(next, last('e') - EVENTS_KEPT / 4); n <= last('e'); n++) {
        assert.ok(ids.has(event(2 * n).id) && ids.has(event(2 * n + 1).id), `events ${n}`);
      }
      assert.equal(events.length % 2, 0, 'events that were added together are there together');
      next = (Number(events.at(-1)?.id.replace('evt_', '')) + 1) / 2;
    } finally {
      await store.close();
    }
  }
});

test('a directory whose holder was killed can be had at once', async (t) => {
  const directory = temporaryDirectory(t);
  await writeUntilKilled(directory, 0, 1);
  await (await openSqliteStore(directory)).close();
});

test('a directory held by another process cannot be had', async (t) => {
  const directory = temporaryDirectory(t);
  const child = spawn(process.execPath, [WRITER, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data', { signal: AbortSignal.timeout(DEADLINE_MS) });
  child.stdout.resume();
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(openSqliteStore(directory), {
      code: 'store.locked',
      message: `${directory} is held by process ${child.pid}`,
    });
  }
});

test('an attempt by the holder itself does not loosen its hold against others', async (t) => {
  const directory = temporaryDirectory(t);
  const store = await openSqliteStore(directory);
  await assert.rejects(openSqliteStore(directory), { code: 'store.locked' });
  const child = spawn(process.execPath, [WRITER, directory], { stdio: ['ignore', 'ignore', 'pipe'] });
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let said = '';
  for await (const text of child.stderr.setEncoding('utf8')) said += text;
  clearTimeout(deadline);
  assert.match(said, /store\.locked/);
  await store.close();
});

/** Lets the writer write until it has acknowledged `count` lines, kills it, and answers all that it has acknowledged. */
async function writeUntilKilled(directory: string, first: number, count: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, directory, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === count) child.kill('SIGKILL');
  }
  clearTimeout(deadline);
  assert.ok(lines.length >= count, `${lines.length} of ${count} writes before the deadline`);
  return lines;
}
