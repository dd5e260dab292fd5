/** Tokens: where they are found, how they are kept, and that they never show. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { findCredential, keepToken } from '#cli/credentials';
import { DEFAULT_URL } from '#cli/gateway-url';
import { TOKEN } from '#test/admin/tidegate';
import { temporaryDirectory } from '#test/store/temporary';
import { TideGround } from './tide-ground.ts';

const NO_TOKEN = { TIDEGATE_TOKEN: '' };

test('login checks the token, keeps it for its owner alone, and logout forgets it', async (t) => {
  const ground = await TideGround.start(t);
  const file = join(ground.home, 'config/tidegate/credentials.json');
  const bare = await ground.tide(['whoami'], { env: NO_TOKEN });
  assert.equal(bare.code, 4);
  const wrong = await ground.tide(['login'], { env: NO_TOKEN, input: 'tide_op_00_wrong\n' });
  assert.equal(wrong.code, 4);
  assert.throws(() => statSync(file), 'what is not in force is not kept');
  const good = await ground.tide(['login'], { env: NO_TOKEN, input: `${TOKEN}\n` });
  assert.deepEqual([good.code, good.stdout], [0, '']);
  assert.match(good.stderr, /Logged in to http.* as op_01 \(operator\)/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(ground.home, 'config/tidegate')).mode & 0o777, 0o700);
  const me = await ground.tide(['whoami'], { env: NO_TOKEN });
  assert.equal(me.code, 0);
  assert.match(me.stdout, /token: +op_01/);
  assert.equal((await ground.tide(['logout'], { env: NO_TOKEN })).code, 0);
  assert.equal((await ground.tide(['whoami'], { env: NO_TOKEN })).code, 4);
  assert.doesNotMatch(readFileSync(file, 'utf8'), /secret/);
});

test('at a terminal the token is asked for, and what is typed can be put right', async (t) => {
  const ground = await TideGround.start(t);
  const typed = await ground.tide(['login'], { env: NO_TOKEN, terminal: true, input: `${TOKEN}x\u007f\r` });
  assert.equal(typed.code, 0, typed.stderr);
  assert.match(typed.stderr, /^Token for http/);
  const ended = await ground.tide(['login'], { env: NO_TOKEN, terminal: true, input: 'tide\u0003' });
  assert.equal(ended.code, 130);
  assert.equal((await ground.tide(['login'], { env: NO_TOKEN })).code, 2, 'nothing on stdin');
});

test('a token is kept for the URL it was given for, and the environment goes before it', (t) => {
  const home = temporaryDirectory(t);
  const place = { home, directory: home, env: {} };
  assert.equal(findCredential('http://a.test', place), null);
  assert.equal(keepToken('http://a.test', 'one', place), true);
  assert.equal(keepToken('http://b.test', 'two', place), true);
  assert.equal(keepToken('http://b.test', 'two', place), false);
  assert.equal(findCredential('http://a.test', place)?.token, 'one');
  assert.equal(findCredential('http://c.test', place), null);
  const given = findCredential('http://a.test', { ...place, env: { TIDEGATE_TOKEN: ' three\n' } });
  assert.deepEqual(given, { token: 'three', from: 'TIDEGATE_TOKEN' });
  assert.equal(keepToken('http://a.test', null, place), true);
  assert.equal(findCredential('http://b.test', place)?.token, 'two', 'the others stay');
});

test('a gateway on this machine needs no login: its operator token goes to the default URL alone', (t) => {
  const home = temporaryDirectory(t);
  const place = { home, directory: home, env: {} };
  mkdirSync(join(home, '.tidegate'));
  writeFileSync(join(home, '.tidegate/operator.token'), 'tide_op_x\n');
  assert.equal(findCredential(DEFAULT_URL, place)?.token, 'tide_op_x');
  assert.equal(findCredential('http://127.0.0.1:9901', place), null);
  const elsewhere = { ...place, env: { TIDEGATE_DATA: join(home, 'other') } };
  assert.equal(findCredential(DEFAULT_URL, elsewhere), null);
});

test('a file of credentials that is broken is said, and not written over', async (t) => {
  const ground = await TideGround.start(t);
  const file = join(ground.home, 'config/tidegate/credentials.json');
  mkdirSync(join(ground.home, 'config/tidegate'), { recursive: true });
  writeFileSync(file, '{"tokens": ');
  const { code, stderr } = await ground.tide(['login'], { env: NO_TOKEN, input: TOKEN });
  assert.equal(code, 1);
  assert.match(stderr, /credentials\.json is not JSON/);
  assert.equal(readFileSync(file, 'utf8'), '{"tokens": ');
});

test('no command says a token, whatever becomes of it', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  const lines = [
    'whoami',
    'status',
    'doctor',
    'hosts --json',
    'api GET /v1/me',
    'api GET /nothing',
    'events',
    'certs trust',
  ];
  const odd = 'tide_op_02_se cret\u00e9';
  for (const line of lines) {
    for (const token of [TOKEN, 'tide_op_00_wrong_secret', odd]) {
      const { stdout, stderr } = await ground.tide(line.split(' '), { env: { TIDEGATE_TOKEN: token } });
      assert.doesNotMatch(stdout + stderr, /secret|se cret/, `${line} with ${token}`);
    }
  }
  const login = await ground.tide(['login'], { env: NO_TOKEN, input: odd });
  assert.equal(login.code, 4);
  assert.doesNotMatch(login.stderr, /se cret/);
});
