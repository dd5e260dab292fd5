/** A change of the key at rest: everything opens before, during and after, also when its process is killed in between. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CertificateMaterial } from '#certs/material';
import { IMPORTED } from '#certs/vault/kept-certificate';
import { SealedBox } from '#certs/vault/sealed-box';
import { temporaryDirectory } from '#test/store/temporary';
import { testAuthority } from '../certificate-authority.ts';
import { keyFileIn, type VaultGround, vaultIn } from './vault-ground.ts';

const ROTATOR = fileURLToPath(new URL('./rotator.ts', import.meta.url));
const DEADLINE_MS = 120_000;
const SECRET = Buffer.from('account key');
const authority = testAuthority();
const materials = Array.from({ length: 8 }, (_, i) => authority.issue([`name${i}.test`]));

async function fill({ vault, store, box }: VaultGround): Promise<void> {
  for (const { chain, key } of materials) await vault.put({ tenant: null, chain, key, issuer: IMPORTED });
  const [padded, url] = [box.seal(SECRET, 'account'), box.seal(SECRET, 'order')].map((one) => Buffer.from(one));
  await store.putDocument('acme-account', 'ca', { key: padded?.toString('base64'), url: 'https://ca.test' });
  await store.putDocument('issuance', 'shop.test', { steps: [{ sealedKey: url?.toString('base64url') }], n: 1 });
  await store.putDocument('domain', 'dom_1', { hostname: 'shop.test' });
}

/** That all that was sealed opens, for the vault and for a reader that has been there before or not. */
async function assertAllOpens(ground: VaultGround): Promise<void> {
  for (const { names, key } of materials) {
    assert.equal(ground.reader.find(names[0] ?? '')?.key, key);
    const kept = await ground.vault.newestFor(names[0] ?? '');
    assert.equal((await ground.vault.material(kept?.id ?? ''))?.key, key);
  }
  const account = (await ground.store.document('acme-account', 'ca'))?.body as { key: string; url: string };
  assert.deepEqual(ground.box.unseal(Buffer.from(account.key, 'base64'), 'account'), SECRET);
  assert.equal(account.url, 'https://ca.test');
  const order = (await ground.store.document('issuance', 'shop.test'))?.body as { steps: { sealedKey: string }[] };
  assert.deepEqual(ground.box.unseal(Buffer.from(order.steps[0]?.sealedKey ?? '', 'base64url'), 'order'), SECRET);
}

async function currentCount({ store, box }: VaultGround): Promise<number> {
  const rows = await store.certificates({ after: null, limit: 100 });
  return rows.filter(({ sealedKey }) => box.isCurrent(sealedKey)).length;
}

test('after a change of keys everything opens with the new key alone', async (t) => {
  const directory = temporaryDirectory(t);
  await using ground = await vaultIn(directory);
  await fill(ground);
  const untouched = await ground.store.document('domain', 'dom_1');
  const key = randomBytes(32);
  await ground.vault.rotateKey(key);
  assert.equal(await currentCount(ground), materials.length);
  await assertAllOpens(ground);
  assert.deepEqual(await ground.store.document('domain', 'dom_1'), untouched);
  await ground[Symbol.asyncDispose]();
  writeFileSync(keyFileIn(directory), key.toString('hex'));
  await using later = await vaultIn(directory);
  await later.vault.start();
  await assertAllOpens(later);
});

test('a key that an operator has put first in the file is changed to at the next start', async (t) => {
  const directory = temporaryDirectory(t);
  {
    await using ground = await vaultIn(directory);
    await fill(ground);
  }
  const file = keyFileIn(directory);
  writeFileSync(file, `${randomBytes(32).toString('base64')}\n${readFileSync(file, 'utf8')}`);
  await using ground = await vaultIn(directory);
  assert.equal(await currentCount(ground), 0);
  await ground.vault.start();
  assert.equal(await currentCount(ground), materials.length);
  assert.equal(SealedBox.open({ file }).hasOldKeys, false);
  await assertAllOpens(ground);
});

test('a start with the wrong key file says so, and goes on', async (t) => {
  const directory = temporaryDirectory(t);
  {
    await using ground = await vaultIn(directory);
    await fill(ground);
    await ground.vault.start();
    assert.deepEqual(ground.lines, []);
  }
  rmSync(keyFileIn(directory));
  await using ground = await vaultIn(directory);
  await ground.vault.start();
  assert.equal(ground.lines.length, 1);
  assert.match(ground.lines.join(''), /"level":"error".*the key file may not be the one/);
});

test('a document that is changed during a change of keys keeps the change, and is sealed anew', async (t) => {
  await using ground = await vaultIn(temporaryDirectory(t));
  await fill(ground);
  const { store, box } = ground;
  const read = store.documents.bind(store);
  const account = {
    key: Buffer.from(box.seal(SECRET, 'account')).toString('base64'),
    url: 'https://ca.test',
    changed: true,
  };
  let changed = false;
  store.documents = async (kind) => {
    const found = await read(kind);
    if (kind === 'acme-account' && !changed) {
      changed = true;
      await store.putDocument(kind, 'ca', account);
    }
    return found;
  };
  await ground.vault.rotateKey(randomBytes(32));
  await assertAllOpens(ground);
  const body = (await store.document('acme-account', 'ca'))?.body as { key: string; changed: boolean };
  assert.equal(body.changed, true);
  assert.ok(box.isCurrent(Buffer.from(body.key, 'base64')));
});

test('a change of keys that is killed at any point goes on at the next start', async (t) => {
  const directory = temporaryDirectory(t);
  {
    await using ground = await vaultIn(directory);
    await fill(ground);
  }
  let opened: CertificateMaterial | null = null;
  for (const [round, done] of [0, 3, 7].entries()) {
    const key = randomBytes(32);
    await rotateUntilKilled(directory, key, done);
    await using ground = await vaultIn(directory);
    assert.equal(await currentCount(ground), done, 'it was killed in the middle');
    assert.ok(ground.box.hasOldKeys);
    await assertAllOpens(ground);
    opened = ground.reader.find('name0.test');
    // The last round is followed by another change instead of by a start: three keys are about.
    if (round === 1) continue;
    await ground.vault.start();
    assert.equal(await currentCount(ground), materials.length);
    assert.equal(SealedBox.open({ file: keyFileIn(directory) }).hasOldKeys, false);
    await assertAllOpens(ground);
  }
  assert.equal(opened?.key, materials[0]?.key);
});

test('what does not open is logged without its content, and the rest is sealed anew', async (t) => {
  await using ground = await vaultIn(temporaryDirectory(t));
  await fill(ground);
  const { store, box } = ground;
  const broken = Buffer.from(box.seal(SECRET, 'broken'));
  broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
  await store.putDocument('issuance', 'broken.test', { key: broken.toString('base64') });
  const [row] = await store.certificates({ after: null, limit: 1 });
  assert.ok(row);
  await store.putCertificate({ ...row, id: 'crt_0', names: ['broken.test'], sealedKey: Uint8Array.from([1, 2, 3]) });
  await ground.vault.rotateKey(randomBytes(32));
  await assertAllOpens(ground);
  const said = ground.lines.join('');
  assert.match(said, /cannot be sealed anew.*crt_0/);
  assert.match(said, /cannot be sealed anew.*issuance broken\.test/);
  assert.ok(!said.includes(broken.toString('base64')));
});

async function rotateUntilKilled(directory: string, key: Buffer, count: number): Promise<void> {
  const child = spawn(process.execPath, [ROTATOR, directory, key.toString('hex'), String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let said = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    said += text;
    if (said === 'here\n') child.kill('SIGKILL');
  }
  clearTimeout(deadline);
  assert.equal(said, 'here\n');
}
