/** The local authority: what it signs, for whom, and what stays on disk. */
import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { LocalCa, type LocalCaOptions } from '#certs/local-ca';
import { isTidegateError } from '#core/errors';

const DAY_MS = 86_400_000;
const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-ca-'));
after(() => rmSync(folder, { recursive: true }));

function options(name: string, more: Partial<LocalCaOptions> = {}): LocalCaOptions {
  return {
    directory: path.join(folder, name),
    baseDomain: 'apps.test',
    knows: (hostname) => !hostname.startsWith('unknown'),
    wall: Date.now,
    random: randomBytes,
    ...more,
  };
}

test('it signs for known names under the base domain and localhost, and for no others', () => {
  const ca = LocalCa.open(options('names'));
  for (const hostname of ['hello.localhost', 'hello.apps.test', 'a--b.apps.test']) {
    const made = ca.find(hostname);
    assert.deepEqual(made?.names, [hostname]);
    const leaf = new X509Certificate(made?.chain ?? '');
    const authority = new X509Certificate(ca.certificate);
    assert.ok(leaf.verify(authority.publicKey));
    assert.ok(leaf.checkIssued(authority));
    assert.equal(leaf.ca, false);
    assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.equal(ca.find(hostname), made, 'it is made once');
  }
  for (const hostname of ['unknown.localhost', 'shop.example.com', 'evilapps.test', 'localhost.example']) {
    assert.equal(ca.find(hostname), null, hostname);
  }
});

test('a name of more than 64 characters gets its certificate too', () => {
  const hostname = `${'a'.repeat(60)}.${'b'.repeat(60)}.apps.test`;
  assert.deepEqual(LocalCa.open(options('long')).find(hostname)?.names, [hostname]);
});

test('it stays the same over starts, readable by its owner alone', () => {
  const first = LocalCa.open(options('kept'));
  assert.equal(LocalCa.open(options('kept')).certificate, first.certificate);
  assert.equal(statSync(path.join(folder, 'kept')).mode & 0o777, 0o700);
  assert.equal(statSync(path.join(folder, 'kept/ca-key.pem')).mode & 0o777, 0o600);
  assert.equal(readFileSync(path.join(folder, 'kept/ca.pem'), 'utf8'), first.certificate);
});

test('leaves are made anew before they end, and so is the authority', () => {
  let now = Date.now();
  const aging = options('aging', { wall: () => now });
  const ca = LocalCa.open(aging);
  const first = ca.find('hello.localhost');
  now += 19 * DAY_MS;
  assert.equal(ca.find('hello.localhost'), first);
  now += 2 * DAY_MS;
  const second = ca.find('hello.localhost');
  assert.notEqual(second, first);
  assert.ok((second?.notAfterMs ?? 0) > now + 29 * DAY_MS);
  now += 3640 * DAY_MS;
  assert.notEqual(LocalCa.open(aging).certificate, ca.certificate);
});

test('a key that does not fit is an error, not a new authority', () => {
  LocalCa.open(options('broken'));
  LocalCa.open(options('other'));
  writeFileSync(path.join(folder, 'broken/ca-key.pem'), readFileSync(path.join(folder, 'other/ca-key.pem')));
  assert.throws(
    () => LocalCa.open(options('broken')),
    (error) => isTidegateError(error, 'certs.failed'),
  );
});

test('of several that are made at once one is kept, by all', () => {
  const first = LocalCa.open(options('race'));
  const kept = path.join(folder, 'race');
  renameSync(kept, `${kept}-away`);
  // Another process comes first, just when this one has made its own.
  const random = (bytes: number): Buffer => {
    if (bytes === 8) renameSync(`${kept}-away`, kept);
    return randomBytes(bytes);
  };
  assert.equal(LocalCa.open(options('race', { random })).certificate, first.certificate);
  assert.ok(readdirSync(folder).filter((name) => name.startsWith('race')).length === 1);
});
