/** Programs that take part in a benchmark. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { freePort, planCores, runOn, startProgram } from '../../load/processes.ts';
import { isAlive } from '../support/system-processes.ts';
import { until } from '../support/until.ts';

const FIRST_CORE = [0];

test('a program runs on its cores only, and is gone after its end', async () => {
  const program = await startProgram({ cores: FIRST_CORE, command: ['sleep', '600'], isReady: async () => true });
  const { pid } = program;
  await until(() => /^Cpus_allowed_list:\s+0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
  await program.stop();
  assert.equal(isAlive(pid), false);
  await program.stop(); // and once more is harmless
});

test('a program that does not come up is given up at once, with its last words', async () => {
  const command = ['sh', '-c', 'echo the port is taken >&2; exit 3'] as const;
  await assert.rejects(
    startProgram({ cores: FIRST_CORE, command, isReady: async () => false }),
    /has ended.*the port is taken/s,
  );
});

test('what a program writes may go straight into a file', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-program-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'out');
  const command = ['sh', '-c', 'echo line; exec sleep 600'] as const;
  const isReady = async (): Promise<boolean> => existsSync(file) && readFileSync(file, 'utf8') === 'line\n';
  await using program = await startProgram({ cores: FIRST_CORE, command, isReady, stdoutFile: file });
  assert.equal(program.output, '');
});

test('a program that is run to its end gives what it wrote, or its failure', async () => {
  const { signal } = new AbortController();
  assert.equal(await runOn(FIRST_CORE, ['echo', 'done'], signal), 'done\n');
  await assert.rejects(runOn(FIRST_CORE, ['false'], signal));
  await assert.rejects(runOn(FIRST_CORE, ['sleep', '600'], AbortSignal.timeout(50)), { name: 'AbortError' });
});

test('the proxy has a core for itself, and its load all the others', () => {
  assert.deepEqual(planCores(2), { proxy: [1], load: [0] });
  assert.deepEqual(planCores(4), { proxy: [1], load: [0, 2, 3] });
  assert.throws(() => planCores(1), /a core each/);
});

test('free ports are ports that can be listened on', async () => {
  const [first, second] = [await freePort(), await freePort()];
  assert.ok(first > 0 && second > 0);
});
