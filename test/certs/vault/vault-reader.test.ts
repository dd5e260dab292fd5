/** The reader in a process of its own: before there is anything to read, beside the one that writes, and after its death. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { IMPORTED } from '#certs/vault/kept-certificate';
import { SealedBox } from '#certs/vault/sealed-box';
import { VaultReader } from '#certs/vault/vault-reader';
import { silentLog } from '#core/log';
import { CertificateReader } from '#store/certificate-reader';
import { temporaryDirectory } from '#test/store/temporary';
import { testAuthority } from '../certificate-authority.ts';
import { keyFileIn, vaultIn } from './vault-ground.ts';

const READER = fileURLToPath(new URL('./reader-process.ts', import.meta.url));
const ROTATOR = fileURLToPath(new URL('./rotator.ts', import.meta.url));
const authority = testAuthority();

test('a reader that was there first sees each certificate as soon as it is told, whatever becomes of the key', async (t) => {
  const directory = temporaryDirectory(t);
  const ask = await startReader(t, directory);
  assert.equal(await ask('shop.test'), 'none', 'there is no file yet');
  await using ground = await vaultIn(directory);
  const put = async (...names: string[]): Promise<void> => {
    const { chain, key } = authority.issue(names);
    await ground.vault.put({ tenant: null, chain, key, issuer: IMPORTED });
  };
  await ask('forget all');
  assert.equal(await ask('shop.test'), 'none', 'the file is empty');
  await put('shop.test');
  await ask('forget shop.test');
  assert.equal(await ask('shop.test'), 'shop.test');
  await put('shop.test', 'www.shop.test');
  assert.equal(await ask('shop.test'), 'shop.test,www.shop.test');
  await ground.vault.rotateKey(randomBytes(32));
  assert.equal(await ask('shop.test'), 'shop.test,www.shop.test', 'it reads the new key by itself');
  await ground.vault.drop((await ground.vault.newestFor('www.shop.test'))?.id ?? '');
  assert.equal(await ask('shop.test'), 'shop.test');
});

test('what was written by a process that was killed is there for readers, though nobody has the store open', async (t) => {
  const directory = temporaryDirectory(t);
  const material = authority.issue(['shop.test']);
  {
    await using ground = await vaultIn(directory);
    await ground.vault.put({ tenant: null, chain: material.chain, key: material.key, issuer: IMPORTED });
    const { chain, key } = authority.issue(['other.test']);
    await ground.vault.put({ tenant: null, chain, key, issuer: IMPORTED });
  }
  const writer = spawn(process.execPath, [ROTATOR, directory, randomBytes(32).toString('hex'), '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => writer.kill('SIGKILL'));
  const early = await startReader(t, directory);
  assert.equal(await early('shop.test'), 'shop.test');
  await once(writer.stdout, 'data');
  assert.equal(await early('shop.test'), 'shop.test');
  const ended = once(writer, 'exit');
  writer.kill('SIGKILL');
  await ended;
  assert.equal(await early('shop.test'), 'shop.test');
  await early('forget all');
  assert.equal(await early('other.test'), 'other.test');
  const box = SealedBox.open({ file: keyFileIn(directory) });
  const late = new VaultReader({ rows: new CertificateReader(directory), box, wall: Date.now, log: silentLog });
  assert.equal(late.find('shop.test')?.key, material.key);
  late.close();
  assert.equal(late.find('shop.test')?.key, material.key, 'it opens the file again when it is needed');
  late.close();
});

/** Sends a line, and waits for the line that answers it. */
async function startReader(t: TestContext, directory: string): Promise<(line: string) => Promise<string>> {
  const child: ChildProcess = spawn(process.execPath, [READER, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  assert.ok(child.stdout !== null && child.stdin !== null);
  const { stdin } = child;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  assert.equal(await next(), 'ready');
  return (line) => {
    stdin.write(`${line}\n`);
    return next();
  };
}
