/** Credentials for private images on the command line, which shows none of them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { AppGround } from './app-ground.ts';

const PASSWORD = 'correct horse battery staple';

test('a password comes from stdin or the keyboard, and is shown nowhere', async (t) => {
  const ground = await AppGround.start(t);
  const runs = [
    await ground.tide('registries login registry.example:5000 -u robot', { input: `${PASSWORD}\n` }),
    await ground.tide('registries login https://index.docker.io/v1/ -u robot --json', { input: PASSWORD }),
    await ground.tide('registries login r.example --username me', { input: 'correct horse\r', terminal: true }),
    await ground.tide('registries ls'),
    await ground.tide('registries ls --json'),
  ];
  assert.deepEqual(
    runs.map(({ code }) => code),
    runs.map(() => 0),
    JSON.stringify(runs),
  );
  for (const { stdout, stderr } of runs) assert.doesNotMatch(stdout + stderr, /horse|battery/);
  assert.match(runs[0]?.stderr ?? '', /registry\.example:5000 takes them; the credentials are kept/);
  assert.deepEqual(runs[3]?.stdout.match(/^\S+/gm), ['REGISTRY', 'docker.io', 'r.example', 'registry.example:5000']);
  const { registries } = ground.platform.apps;
  assert.equal((await registries.credentials('default', 'docker.io'))?.password, PASSWORD, 'one line end goes');

  assert.equal((await ground.tide('registries rm docker.io r.example')).code, 0);
  assert.equal((await ground.tide('registries rm docker.io')).code, 3);
  assert.equal((await ground.tide('registries login r.example')).code, 2);
  assert.equal((await ground.tide('registries login acme -u me', { input: 'x' })).code, 2);
  assert.equal((await ground.tide('registries login r.example -u me', { input: '\n' })).code, 2);
  const refused = await ground.tide('registries login r.example -u me', { input: 'wrong' });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /refuses these credentials/);
});
