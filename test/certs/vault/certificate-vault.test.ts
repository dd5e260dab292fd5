/** The vault and its reader on a real store: what comes in, what is shown, what is told. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import type { CertificateMaterial } from '#certs/material';
import { IMPORTED } from '#certs/vault/kept-certificate';
import { isTidegateError } from '#core/errors';
import type { Lease } from '#store/store';
import { temporaryDirectory } from '#test/store/temporary';
import { testAuthority } from '../certificate-authority.ts';
import { vaultIn } from './vault-ground.ts';

const HOUR_MS = 3_600_000;
const authority = testAuthority();

function imported({ chain, key }: CertificateMaterial): { tenant: string; chain: string; key: string; issuer: string } {
  return { tenant: 'default', chain, key, issuer: IMPORTED };
}

test('a certificate that was put is shown, told, listed, and there again after a restart', async (t) => {
  const directory = temporaryDirectory(t);
  const material = authority.issue(['shop.test', '*.shop.test']);
  let id = '';
  {
    await using ground = await vaultIn(directory);
    const told: (readonly string[])[] = [];
    ground.vault.onChange = (names) => told.push(names);
    assert.equal(ground.reader.find('shop.test'), null);
    const kept = await ground.vault.put({ ...imported(material), names: ['a.shop.test'] });
    id = kept.id;
    assert.match(id, /^crt_[0-9A-Z]{26}$/);
    assert.deepEqual(told, [['shop.test', '*.shop.test']]);
    assert.deepEqual(
      [kept.state, kept.issuer, kept.keyType, kept.tenant],
      ['valid', IMPORTED, 'ecdsa-p256', 'default'],
    );
    ground.reader.forget(kept.names);
    assert.equal(ground.reader.find('shop.test')?.key, material.key);
    assert.deepEqual(await ground.vault.get(id), kept);
    assert.deepEqual(await ground.vault.list({ after: null, limit: 10, tenant: 'default' }), [kept]);
    assert.deepEqual(await ground.vault.list({ after: null, limit: 10, tenant: 'other' }), []);
    assert.equal(JSON.stringify(kept).includes('PRIVATE'), false);
  }
  await using ground = await vaultIn(directory);
  assert.deepEqual((await ground.vault.material(id))?.key, material.key);
  assert.equal(ground.reader.find('a.shop.test')?.notAfterMs, material.notAfterMs);
  assert.equal(ground.reader.find('b.a.shop.test'), null);
  assert.equal((await ground.vault.newestFor('a.shop.test'))?.id, id);
  assert.equal((await ground.vault.newestFor('*.shop.test'))?.id, id);
});

test('no file of the state directory but the key file helps to read a key', async (t) => {
  const directory = temporaryDirectory(t);
  await using ground = await vaultIn(directory);
  const material = authority.issue(['shop.test']);
  await ground.vault.put(imported(material));
  const secret = material.key.split('\n')[1] ?? '';
  for (const name of ['certificates.db', 'certificates.db-wal', 'tidegate.db', 'tidegate.db-wal']) {
    const octets = readFileSync(join(directory, name));
    assert.ok(!octets.includes(secret) && !octets.includes('PRIVATE KEY'), name);
  }
});

test('what clients could not use does not come in, and the error says why but not with what key', async (t) => {
  await using ground = await vaultIn(temporaryDirectory(t));
  const one = authority.issue(['shop.test']);
  const other = authority.issue(['other.test']);
  await assert.rejects(ground.vault.put(imported({ ...one, key: other.key })), (error) => {
    assert.ok(isTidegateError(error, 'certs.unfit'));
    assert.deepEqual(
      (error.detail.faults as { code: string }[]).map(({ code }) => code),
      ['key_mismatch'],
    );
    return !JSON.stringify([error.message, error.detail]).includes(other.key.split('\n')[1] ?? '');
  });
  await assert.rejects(ground.vault.put({ ...imported(one), names: ['other.test'] }), { code: 'certs.unfit' });
  assert.deepEqual(await ground.vault.list({ after: null, limit: 10 }), []);
});

test('the newest in its time is shown: an exact name before a wildcard, an older one when the newer ends or is revoked', async (t) => {
  let now = Date.now();
  await using ground = await vaultIn(temporaryDirectory(t), () => now);
  const { vault, reader } = ground;
  const shown = async (hostname: string): Promise<string | undefined> => {
    reader.forget([hostname]);
    const found = reader.find(hostname)?.chain;
    const kept = await vault.newestFor(hostname);
    const same = kept === null ? undefined : (await vault.material(kept.id))?.chain;
    assert.equal(found, same, 'vault and reader agree');
    return found;
  };
  const wild = authority.issue(['*.shop.test'], now + 9 * HOUR_MS);
  const exact = authority.issue(['a.shop.test'], now + HOUR_MS);
  await vault.put(imported(exact));
  now++;
  await vault.put(imported(wild));
  assert.equal(await shown('a.shop.test'), exact.chain, 'though the wildcard is newer');
  assert.equal(await shown('b.shop.test'), wild.chain);
  now++;
  const newer = authority.issue(['a.shop.test'], now + HOUR_MS / 2);
  const kept = await vault.put(imported(newer));
  assert.equal(await shown('a.shop.test'), newer.chain);
  assert.deepEqual(
    (await vault.list({ after: null, limit: 10 })).map(({ state }) => state),
    ['superseded', 'valid', 'valid'],
  );
  await vault.update(kept.id, { state: 'revoked' });
  assert.equal(await shown('a.shop.test'), exact.chain);
  await vault.update(kept.id, { state: 'valid' });
  now += HOUR_MS / 2;
  assert.equal(await shown('a.shop.test'), exact.chain, 'the newer one has expired');
  assert.equal((await vault.get(kept.id))?.state, 'expired');
  now += HOUR_MS;
  assert.equal(await shown('a.shop.test'), wild.chain, 'no exact one is left');
  now += 9 * HOUR_MS;
  assert.equal(await shown('a.shop.test'), undefined);
});

test('changes of one certificate at once are all kept, and news are told where clients see another one', async (t) => {
  await using ground = await vaultIn(temporaryDirectory(t));
  const { vault } = ground;
  const { id } = await vault.put(imported(authority.issue(['shop.test'])));
  let told = 0;
  vault.onChange = () => told++;
  const renewal = { windowStart: 1, windowEnd: 2, ariId: 'x', checkedAt: 3 };
  await Promise.all([vault.update(id, { lastShown: 5 }), vault.update(id, { renewal })]);
  assert.equal(told, 0);
  const kept = await vault.get(id);
  assert.deepEqual([kept?.lastShown, kept?.renewal], [5, renewal]);
  assert.equal(await vault.update('crt_none', { lastShown: 5 }), null);
  await vault.drop(id);
  await vault.drop(id);
  assert.equal(told, 1);
  assert.equal(await vault.get(id), null);
  assert.equal(await vault.material(id), null);
});

test('a certificate under a lease that another holds does not come in', async (t) => {
  await using ground = await vaultIn(temporaryDirectory(t));
  const lease = (await ground.store.acquireLease('order shop.test', 'one', 1, Date.now() - 1000)) as Lease;
  const order = imported(authority.issue(['shop.test']));
  await assert.rejects(ground.vault.put({ ...order, lease }), { code: 'store.conflict' });
  const held = (await ground.store.acquireLease('order shop.test', 'two', HOUR_MS, Date.now())) as Lease;
  await ground.vault.put({ ...order, lease: held });
  assert.equal((await ground.vault.list({ after: null, limit: 10 })).length, 1);
});

test('a certificate whose key does not open is logged and passed over', async (t) => {
  const directory = temporaryDirectory(t);
  let now = Date.now();
  await using ground = await vaultIn(directory, () => now);
  const older = authority.issue(['shop.test']);
  await ground.vault.put(imported(older));
  now++;
  const { id } = await ground.vault.put(imported(authority.issue(['shop.test'])));
  const file = new DatabaseSync(join(directory, 'certificates.db'));
  file
    .prepare('UPDATE certificate SET sealed_key = (SELECT sealed_key FROM certificate WHERE id != ?) WHERE id = ?')
    .run(id, id);
  file.close();
  assert.equal(ground.reader.find('shop.test')?.chain, older.chain, 'one key in the place of another is noticed');
  assert.match(ground.lines.join(''), new RegExp(`cannot be decrypted.*${id}`));
  await assert.rejects(ground.vault.material(id), { code: 'vault.sealed' });
});

test('a name without a certificate is looked up once a second, and at once when there are news of it', async (t) => {
  let now = Date.now();
  await using ground = await vaultIn(temporaryDirectory(t), () => now);
  const { vault, reader } = ground;
  assert.equal(reader.find('a.shop.test'), null);
  const material = authority.issue(['*.shop.test']);
  const { names } = await vault.put(imported(material));
  assert.equal(reader.find('a.shop.test'), null, 'not yet told');
  reader.forget(names);
  assert.equal(reader.find('a.shop.test')?.chain, material.chain, 'a wildcard is news for every name');
  assert.equal(reader.find('other.test'), null);
  const other = authority.issue(['other.test']);
  await vault.put(imported(other));
  now += 1000;
  assert.equal(reader.find('other.test')?.chain, other.chain, 'also when nobody tells');
});
