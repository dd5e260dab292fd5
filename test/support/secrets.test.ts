/** What looks for secrets finds them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { secretIn, secretInListing } from './secrets.ts';

const TOKEN = ['tide', 'op', '01JZZZZZZZ', 'c2VjcmV0'].join('_');

test('private keys and tokens are found in a text, their names and files are not', () => {
  assert.equal(secretIn(`{"key":"-----BEGIN EC ${'PRIVATE'} KEY-----"}`), '-----BEGIN EC PRIVATE KE');
  assert.equal(secretIn(`authorization: Bearer ${TOKEN}`), TOKEN.slice(0, 24));
  for (const text of ['operator.token', 'tide_op_…', 'a private key', 'tide_dep']) assert.equal(secretIn(text), null);
});

test('a token that a child was started with is found in the process listing', async () => {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)', TOKEN]);
  await once(child.stdout, 'data');
  assert.equal(secretInListing(process.pid), TOKEN.slice(0, 24));
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(secretInListing(process.pid), null);
});
