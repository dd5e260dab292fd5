/** The log of a set: what was kept is read back, in order and once, whatever happened to the process in between. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { LogDraft, LogLine, LogSource } from '#logs/log-line';
import { stampOf } from '#logs/log-line';
import { SetLog } from '#logs/set-log';
import { seeded } from '#test/router/sample';
import { temporaryDirectory } from '#test/store/temporary';

const MIB = 1_048_576;
const START = Date.parse('2026-11-28T12:00:00Z');

function source(n: number): LogSource {
  return { container: `c${n}`.padEnd(64, '0'), replica: `local/c${n}`, name: `web-${n}`, member: null, revision: null };
}

function draft(n: number, text = `line ${n}`): LogDraft {
  return { stream: 'stdout', at: stampOf(START + n), text, cut: false };
}

async function everything(log: SetLog): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (let after = log.begin - 1; after < log.end; ) {
    const slice = await log.read(after);
    lines.push(...slice.lines);
    assert.ok(slice.next > after);
    after = slice.next;
  }
  return lines;
}

/** The file that is written on. */
function newest(directory: string): string {
  const logs = readdirSync(directory).filter((name) => name.endsWith('.log'));
  return path.join(directory, logs.sort().at(-1) ?? '');
}

test('what is appended is read back with positions that count up', async (t) => {
  const log = await SetLog.open(temporaryDirectory(t), 64 * MIB);
  await log.append(source(1), [draft(1), draft(2, 'two\n"lines" ü \u0000')]);
  await log.append(source(2), [draft(3)]);
  const lines = await everything(log);
  assert.deepEqual(
    lines.map(({ id, text, source: { name } }) => [id, name, text]),
    [
      [1, 'web-1', 'line 1'],
      [2, 'web-1', 'two\n"lines" ü \u0000'],
      [3, 'web-2', 'line 3'],
    ],
  );
  await log.close();
});

test('a process that is killed at any byte loses at most the line that it was writing', async (t) => {
  const directory = temporaryDirectory(t);
  const log = await SetLog.open(directory, 64 * MIB);
  await log.append(source(1), [draft(1), draft(2, 'zwölf')]);
  await log.append(source(2), [draft(3)]);
  await log.close();
  const whole = readFileSync(newest(directory));
  const ends = [...whole].flatMap((byte, index) => (byte === 10 ? [index + 1] : []));
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(newest(directory), whole.subarray(0, length));
    const again = await SetLog.open(directory, 64 * MIB);
    const records = ends.filter((end) => end <= length).length;
    // The records are: source, line, line, source, line.
    const kept = [0, 0, 1, 2, 2, 3][records] ?? 0;
    assert.equal(again.end, kept, `${length} bytes`);
    await again.append(source(3), [draft(9, 'after')]);
    const texts = (await everything(again)).map(({ text }) => text);
    assert.deepEqual(texts, [...['line 1', 'zwölf', 'line 3'].slice(0, kept), 'after'], `${length} bytes`);
    await again.close();
  }
});

test('over restarts and rotations nothing is doubled and every container is taken up where it was left', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const chance = seeded(seed);
    const directory = temporaryDirectory(t);
    const written = new Map<string, LogDraft[]>();
    let log = await SetLog.open(directory, 8 * MIB);
    let n = 0;
    for (let round = 0; round < 40; round++) {
      const from = source(Math.floor(chance() * 4));
      const drafts = Array.from({ length: 1 + Math.floor(chance() * 30) }, () =>
        draft(++n, 'x'.repeat(chance() * 9000)),
      );
      await log.append(from, drafts);
      written.set(from.container, [...(written.get(from.container) ?? []), ...drafts]);
      if (chance() > 0.2) continue;
      await log.close();
      if (chance() < 0.5) {
        // A torn record behind what was acknowledged.
        writeFileSync(newest(directory), '[99999,"2026', { flag: 'a' });
      }
      log = await SetLog.open(directory, 8 * MIB);
      for (const [container, drafts] of written) {
        // The Engine hands everything since that moment out again.
        const window = log.windowOf(container);
        const { since } = window;
        const isNew = window.replay();
        const again = drafts.filter(({ at }) => since !== null && at >= since);
        assert.deepEqual(again.filter(isNew), [], `seed ${seed}`);
        assert.ok(isNew(draft(++n)), 'a line that was not there before is new');
      }
    }
    const lines = await everything(log);
    assert.deepEqual(
      lines.map(({ id }) => id),
      lines.map((_, index) => index + 1),
    );
    for (const [container, drafts] of written) {
      const own = lines.filter((line) => line.source.container === container).map(({ text }) => text);
      assert.deepEqual(
        own,
        drafts.map(({ text }) => text),
        `seed ${seed}`,
      );
    }
    await log.close();
  }
});

test('where the containers were left is known also when their last lines are segments ago', async (t) => {
  const directory = temporaryDirectory(t);
  let log = await SetLog.open(directory, MIB);
  await log.append(source(1), [draft(1, 'quiet')]);
  for (let i = 2; i < 60; i++) await log.append(source(2), [draft(i, 'x'.repeat(60_000))]);
  assert.ok(log.begin > 1, 'its line itself is gone');
  await log.close();
  log = await SetLog.open(directory, MIB);
  assert.equal(log.windowOf(source(1).container).replay()(draft(1, 'quiet')), false);
  await log.close();
});

test('too much lets go of the oldest, and readers are told', async (t) => {
  const directory = temporaryDirectory(t);
  const log = await SetLog.open(directory, MIB);
  for (let i = 1; i <= 100; i++) await log.append(source(1), [draft(i, 'x'.repeat(30_000))]);
  assert.ok(log.bytes <= MIB * 1.3, `${log.bytes} bytes are kept`);
  assert.ok(log.begin > 1);
  assert.equal((await log.read(0)).gap, true);
  assert.equal((await log.read(log.begin - 1)).gap, false);
  const lines = await everything(log);
  assert.equal(lines[0]?.id, log.begin);
  assert.equal(lines.at(-1)?.id, 100);
  await log.close();
});

test('what is too old goes, and positions count on', async (t) => {
  const directory = temporaryDirectory(t);
  const log = await SetLog.open(directory, MIB);
  await log.append(source(1), [draft(1), draft(2)]);
  assert.equal(await log.sweep(Date.now() - 1000), true);
  utimesSync(newest(directory), 1, 1);
  assert.equal(await log.sweep(Date.now() - 1000), false);
  assert.deepEqual(await log.read(0), { lines: [], next: 2, gap: true });
  await log.close();
  const again = await SetLog.open(directory, MIB);
  await again.append(source(1), [draft(3)]);
  assert.deepEqual(
    (await everything(again)).map(({ id }) => id),
    [3],
  );
  await again.close();
});

test('a failed write keeps nothing of it, and the log goes on', async (t) => {
  const directory = temporaryDirectory(t);
  const log = await SetLog.open(directory, MIB);
  await log.append(source(1), [draft(1)]);
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  await assert.rejects(log.append(source(1), [{ ...draft(2), text: circle as unknown as string }]));
  await log.append(source(1), [draft(3)]);
  assert.deepEqual(
    (await everything(log)).map(({ id, text }) => [id, text]),
    [
      [1, 'line 1'],
      [2, 'line 3'],
    ],
  );
  await log.close();
});

test('a segment whose index is gone or wrong is read all the same', async (t) => {
  const directory = temporaryDirectory(t);
  let log = await SetLog.open(directory, 4 * MIB);
  for (let i = 1; i <= 60; i++) await log.append(source(1), [draft(i, 'x'.repeat(30_000))]);
  await log.close();
  const [index = ''] = readdirSync(directory).filter((name) => name.endsWith('.index'));
  assert.notEqual(index, '');
  truncateSync(path.join(directory, index), 20);
  log = await SetLog.open(directory, 4 * MIB);
  assert.equal((await everything(log)).length, 60);
  await log.close();
});
