/** Sealing: what opens, what does not, and the file with the keys. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { SEALED_PREFIX, SealedBox } from '#certs/vault/sealed-box';
import { temporaryDirectory } from '#test/store/temporary';

const SECRET = Buffer.from('-----BEGIN PRIVATE KEY----- not for others');

function fileIn(t: TestContext): string {
  return join(temporaryDirectory(t), 'encryption.key');
}

test('what was sealed opens for its context, in this box and in the next one on the file', (t) => {
  const file = fileIn(t);
  const box = SealedBox.open({ file });
  const sealed = box.seal(SECRET, 'certificate crt_1');
  assert.deepEqual(box.unseal(sealed, 'certificate crt_1'), SECRET);
  assert.deepEqual(SealedBox.open({ file }).unseal(sealed, 'certificate crt_1'), SECRET);
  assert.deepEqual(box.unseal(box.seal(Buffer.alloc(0), ''), ''), Buffer.alloc(0));
  assert.equal(Buffer.from(sealed).includes('PRIVATE'), false);
  assert.ok(Buffer.from(sealed).toString('base64url').startsWith(SEALED_PREFIX));
  assert.notDeepEqual(box.seal(SECRET, 'certificate crt_1'), sealed, 'each time with a nonce of its own');
});

test('a value that was moved to another context, changed or cut anywhere does not open', (t) => {
  const box = SealedBox.open({ file: fileIn(t) });
  const sealed = box.seal(SECRET, 'one');
  const refused = { code: 'vault.sealed' };
  assert.throws(() => box.unseal(sealed, 'two'), refused);
  for (let i = 0; i < sealed.length; i++) {
    const changed = Uint8Array.from(sealed);
    changed[i] = (changed[i] ?? 0) ^ 0x01;
    assert.throws(() => box.unseal(changed, 'one'), refused, `octet ${i} changed`);
    assert.throws(() => box.unseal(sealed.slice(0, i), 'one'), refused, `cut after ${i} octets`);
  }
  // The context in the clear is authenticated: changed together with what is asked for, it does not open either.
  const moved = Buffer.from(sealed);
  moved.write('two', moved.indexOf('one'));
  assert.throws(() => box.unseal(moved, 'two'), { code: 'vault.sealed', message: /has been changed/ });
});

test('the key file is made once, for its owner alone, as text that can be copied', (t) => {
  const file = fileIn(t);
  SealedBox.open({ file });
  const text = readFileSync(file, 'utf8');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(text, /^# [^\n]+\n[A-Za-z0-9+/]{43}=\n$/);
  const box = SealedBox.open({ file });
  assert.equal(readFileSync(file, 'utf8'), text);
  assert.deepEqual(readdirSync(join(file, '..')), ['encryption.key'], 'nothing is left beside it');
  const copy = fileIn(t);
  writeFileSync(copy, text.split('\n')[1] ?? '');
  assert.deepEqual(SealedBox.open({ file: 'unused', given: copy }).unseal(box.seal(SECRET, 'a'), 'a'), SECRET);
});

test('a given key file is never made, and what is wrong with it is told without its content', (t) => {
  const given = fileIn(t);
  const open = (): SealedBox => SealedBox.open({ file: fileIn(t), given });
  assert.throws(open, { code: 'vault.key_file', message: /cannot be read/ });
  for (const text of ['', '# nothing\n', 'c2hvcnQ=\n', `${randomBytes(32).toString('base64')}\nsecret-words`]) {
    writeFileSync(given, text);
    assert.throws(open, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'vault.key_file');
      const words = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return words.every((word) => !error.message.includes(word));
    });
  }
  writeFileSync(given, `${randomBytes(32).toString('hex')}\r\n`);
  assert.deepEqual(open().unseal(open().seal(SECRET, 'a'), 'a'), SECRET);
});

test('while a key is changed both open, also for a box that was opened before; then the old one is gone', (t) => {
  const file = fileIn(t);
  const box = SealedBox.open({ file });
  const early = SealedBox.open({ file });
  const old = box.seal(SECRET, 'a');
  assert.ok(!box.hasOldKeys && box.isCurrent(old));
  box.adopt(randomBytes(32));
  assert.ok(box.hasOldKeys && !box.isCurrent(old));
  const resealed = box.reseal(old);
  assert.ok(box.isCurrent(resealed));
  for (const one of [box, early, SealedBox.open({ file })]) {
    assert.deepEqual(one.unseal(old, 'a'), SECRET);
    assert.deepEqual(one.unseal(resealed, 'a'), SECRET);
  }
  box.dropOldKeys();
  const late = SealedBox.open({ file });
  assert.deepEqual(late.unseal(resealed, 'a'), SECRET);
  assert.throws(() => late.unseal(old, 'a'), { code: 'vault.sealed', message: /is not in the key file/ });
  assert.equal(statSync(file).mode & 0o777, 0o600);
});
