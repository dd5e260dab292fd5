/** The operator token over starts, losses and settings. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type OperatorToken, openOperatorToken } from '#store/operator-token';
import { openSqliteStore } from '#store/sqlite-store';
import { temporaryDirectory } from './temporary.ts';

interface Start {
  readonly token: OperatorToken;
  /** Everything that the store keeps of tokens, as text. */
  readonly rest: string;
}

/** One start of Tidegate on a state directory. */
async function start(directory: string, given: string | null = null): Promise<Start> {
  const store = await openSqliteStore(directory);
  try {
    const token = await openOperatorToken({ store, directory, given, wall: Date.now, random: randomBytes });
    const rest = (await store.tokens()).map((one) => `${one.id} ${Buffer.from(one.sha256).toString('hex')}`).join('\n');
    return { token, rest };
  } finally {
    await store.close();
  }
}

function setUp(t: TestContext): { directory: string; file: string; plain: () => string } {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'operator.token');
  return { directory, file, plain: () => readFileSync(file, 'utf8').trim() };
}

test('the first start makes a token that its owner alone can read', async (t) => {
  const { directory, file, plain } = setUp(t);
  const { token, rest } = await start(directory);
  assert.match(plain(), /^tide_op_[0-9A-HJKMNP-TV-Z]{26}_[0-9a-f]{64}$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(token.file, file);
  assert.ok(plain().startsWith(`tide_${token.id}_`));
  const secret = plain().split('_').at(-1) ?? '';
  assert.ok(rest.includes(token.id) && !rest.includes(secret), 'at rest there is only a digest');
});

test('exactly the token matches', async (t) => {
  const { directory, plain } = setUp(t);
  const { token } = await start(directory);
  assert.equal(token.matches(plain()), true);
  for (const other of [
    '',
    ' ',
    plain().slice(0, -1),
    `${plain()}0`,
    plain().toUpperCase(),
    token.id,
    'x'.repeat(100_000),
  ]) {
    assert.equal(token.matches(other), false);
  }
});

test('the token stays the same over restarts', async (t) => {
  const { directory, plain } = setUp(t);
  const first = await start(directory);
  const text = plain();
  const second = await start(directory);
  assert.equal(second.token.id, first.token.id);
  assert.equal(plain(), text);
  assert.equal(second.token.matches(text), true);
  assert.equal(second.rest, first.rest);
});

test('deleting the file makes a new token at the next start and ends the old one', async (t) => {
  const { directory, file, plain } = setUp(t);
  await start(directory);
  const old = plain();
  rmSync(file);
  const { token, rest } = await start(directory);
  assert.notEqual(plain(), old);
  assert.equal(token.matches(old), false);
  assert.equal(token.matches(plain()), true);
  assert.equal(rest.split('\n').length, 1);
});

test('a lost store does not cost the token', async (t) => {
  const { directory, plain } = setUp(t);
  const first = await start(directory);
  const text = plain();
  for (const name of ['tidegate.db', 'tidegate.db-wal', 'tidegate.db-shm'])
    rmSync(join(directory, name), { force: true });
  const { token } = await start(directory);
  assert.equal(plain(), text);
  assert.equal(token.id, first.token.id);
  assert.equal(token.matches(text), true);
});

test('an empty file is no token', async (t) => {
  const { directory, file, plain } = setUp(t);
  writeFileSync(file, '\n');
  const { token } = await start(directory);
  assert.equal(token.matches(''), false);
  assert.equal(token.matches(plain()), true);
});

test('a file that stood open is closed', async (t) => {
  const { directory, file } = setUp(t);
  await start(directory);
  chmodSync(file, 0o644);
  await start(directory);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a token from the settings is used instead, and written nowhere', async (t) => {
  const { directory, file, plain } = setUp(t);
  const { token, rest } = await start(directory, 'given-in-the-settings');
  assert.equal(token.file, null);
  assert.equal(token.matches('given-in-the-settings'), true);
  assert.equal(token.matches('another'), false);
  assert.equal(existsSync(file), false);
  assert.equal(rest, '');
  await start(directory);
  const kept = plain();
  const again = await start(directory, 'given-in-the-settings');
  assert.equal(again.token.matches(kept), false);
  assert.equal((await start(directory)).token.matches(kept), true);
});

test('a file that cannot be read is one clear failure', async (t) => {
  const { directory, file } = setUp(t);
  await start(directory);
  rmSync(file);
  mkdirSync(file);
  await assert.rejects(start(directory), { code: 'store.failed', message: /operator\.token cannot be used/ });
});
