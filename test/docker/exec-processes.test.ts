/** Commands are found again by the mark that their processes carry. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { EXEC_MARK, killCommand, signalMarked } from '#docker/exec-processes';

function marked(mark: string) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    env: { ...process.env, [EXEC_MARK]: mark },
    stdio: 'ignore',
  });
  return { child, ended: once(child, 'exit') };
}

test('the command that ends others from within ends those of its mark alone', async (t) => {
  const mine = marked('exe_mine');
  const other = marked('exe_them');
  t.after(() => other.child.kill('SIGKILL'));
  const [program = '', ...words] = killCommand('exe_mine', 'SIGTERM');
  await once(spawn(program, words, { stdio: 'ignore' }), 'exit');
  const [, signal] = await mine.ended;
  assert.equal(signal, 'SIGTERM');
  assert.equal(other.child.signalCode, null);
});

test('where no process of the container is seen, nothing is said to have been done', async () => {
  const wanted = { containerId: 'f'.repeat(64), mark: 'exe_none', pid: 0 };
  assert.equal(await signalMarked(wanted, 'SIGTERM', '/proc'), null);
  assert.equal(await signalMarked(wanted, 'SIGTERM', '/there/is/no/such/folder'), null);
});
