/** `tide logs` against a real API and a real log. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLog } from '#core/log';
import { stampOf } from '#logs/log-line';
import { LogStore } from '#logs/log-store';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { linesOf, TideGround } from './tide-ground.ts';

const START = Date.parse('2026-11-28T12:00:00Z');

async function start(t: TestContext) {
  const options = { directory: temporaryDirectory(t), keepBytes: 8_388_608, keepMs: 86_400_000 };
  const logs = await LogStore.open({ ...options, clock: new FakeClock(), log: silentLog });
  const ground = await TideGround.start(t, { logs });
  t.after(() => logs.close());
  ground.discover();
  let ms = 0;
  const write = async (set: string, ...texts: string[]): Promise<void> => {
    const source = { container: set, replica: `local/${set}`, name: `${set}-1`, member: null, revision: null };
    const drafts = texts.map((text) => ({ stream: 'stdout' as const, at: stampOf(START + ++ms), text, cut: false }));
    await (await logs.logOf('default', 'shop', set)).append(source, drafts);
  };
  return { ground, write };
}

test('logs shows lines of all sets by time, of one set, and as the API has them', async (t) => {
  const { ground, write } = await start(t);
  await write('web', 'one');
  await write('gone', 'two \u001b[31mred');
  await write('web', 'three');
  const all = await ground.tide(['logs']);
  assert.deepEqual(linesOf(all.stdout), [
    '2026-11-28T12:00:00.001Z  web web-1  one',
    '2026-11-28T12:00:00.002Z  gone gone-1  two \\u001b[31mred',
    '2026-11-28T12:00:00.003Z  web web-1  three',
  ]);
  const one = await ground.tide([
    'logs',
    'gone',
    '--grep',
    'RED',
    '--ignore-case',
    '--json',
    '--since',
    '2026-01-01T00:00:00Z',
  ]);
  assert.equal(JSON.parse(one.stdout).items[0].text, 'two \u001b[31mred');
  const none = await ground.tide(['logs', '--grep', 'four']);
  assert.equal(none.code, 0);
  assert.match(none.stderr, /no such line/);
  assert.equal((await ground.tide(['logs', 'nobody'])).code, 3);
});

test('logs --since goes through all pages', async (t) => {
  const { ground, write } = await start(t);
  const texts = Array.from({ length: 2500 }, (_, n) => `line ${n}`);
  await write('web', ...texts);
  const { stdout } = await ground.tide(['logs', '--since', '2026-01-01T00:00:00Z']);
  assert.deepEqual(
    linesOf(stdout).map((line) => line.split('  ')[2]),
    texts,
  );
  const { stdout: few } = await ground.tide(['logs', '-n', '2']);
  assert.equal(linesOf(few).length, 2);
});

test('logs -f begins with the newest lines and goes on', async (t) => {
  const { ground, write } = await start(t);
  await write('web', 'one', 'two');
  const running = ground.begin(['logs', '-f', '-n', '1']);
  await until(() => running.stdout().includes('two'));
  await write('web', 'three');
  await until(() => running.stdout().includes('three'));
  assert.ok(!running.stdout().includes('one'));
  running.interrupt();
  assert.equal((await running.done).code, 130);
});
