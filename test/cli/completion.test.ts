/** Completion: what bash makes of it, and that every shell gets every command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { COMMANDS } from '#cli/command-table';
import { completionFor, SHELLS } from '#cli/completion';
import { TideGround } from './tide-ground.ts';

/** What bash proposes for the last of these words. */
function proposed(...words: readonly string[]): string[] {
  const line = ['tide', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${completionFor('bash', COMMANDS)}
COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _tide; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.split('\n').filter((one) => one !== '');
}

test('bash completes commands, their second words, and the options of the one that is meant', () => {
  assert.deepEqual(proposed('deplo'), ['deploy', 'deployments']);
  assert.deepEqual(proposed('secrets', ''), ['ls', 'set', 'unset']);
  assert.deepEqual(proposed('traffic', 's'), ['set']);
  assert.deepEqual(proposed('deploy', '--st'), ['--strategy', '--steps']);
  assert.deepEqual(proposed('traffic', 'set', '--m'), ['--match']);
  assert.deepEqual(proposed('traffic', '--m'), [], 'an option of the longer one');
  assert.deepEqual(proposed('--json', 'sets', 'app'), ['apply']);
  assert.deepEqual(proposed('deploy', '-f', 'com'), [], 'bash completes files then');
});

test('every shell gets every command and all of their options', async (t) => {
  for (const shell of SHELLS) {
    const script = completionFor(shell, COMMANDS);
    for (const word of COMMANDS.flatMap(({ name }) => name.split(' '))) assert.ok(script.includes(word), word);
    for (const name of COMMANDS.flatMap(({ options = {} }) => Object.keys(options))) {
      assert.ok(script.includes(shell === 'fish' ? `-l ${name}` : `--${name}`), name);
    }
  }
  const ground = await TideGround.start(t);
  const ran = await ground.tide(['completion', 'fish']);
  assert.deepEqual([ran.code, ran.stdout], [0, completionFor('fish', COMMANDS)]);
  assert.equal((await ground.tide(['completion', 'powershell'])).code, 2);
});
