/** The folder of client authorities: what is read, what is refused and said, and that bad files let nobody in. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ClientAuthorities } from '#certs/client-authorities';
import { silentLog } from '#core/log';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { testAuthority } from './certificate-authority.ts';

const REREAD_MS = 10_000;
const one = testAuthority('One');
const two = testAuthority('Two');

let directory = '';
let clock: FakeClock;
let opened: ClientAuthorities | null = null;
let said: string[] = [];
let logged: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'client-cas-'));
  clock = new FakeClock();
  said = [];
  logged = [];
});

afterEach(() => {
  opened?.close();
  opened = null;
  rmSync(directory, { recursive: true, force: true });
});

async function open(at = directory): Promise<ClientAuthorities> {
  opened = await ClientAuthorities.open({
    directory: at,
    clock,
    log: { ...silentLog, error: (message, facts) => void logged.push(`${message} ${JSON.stringify(facts)}`) },
    onRejected: (file, fault) => void said.push(`${file.slice(directory.length + 1)}: ${fault}`),
  });
  return opened;
}

function put(file: string, ...parts: readonly string[]): void {
  writeFileSync(join(directory, file), parts.join('\n'));
}

test('each file is an authority by its name, of one certificate or several', async () => {
  put('partners.pem', one.certificate);
  put('all.pem', 'words between certificates are passed over', one.certificate, two.certificate);
  put('Not A Name.pem', one.certificate);
  put('notes.txt', 'nothing of ours');
  const authorities = await open();
  assert.deepEqual(authorities.find('partners')?.certificates.length, 1);
  assert.deepEqual(authorities.find('all')?.certificates.length, 2);
  for (const name of ['Not A Name', 'notes', '', 'other', '../partners', '__proto__']) {
    assert.equal(authorities.find(name), null, name);
  }
  assert.deepEqual(said, []);
});

test('a digest is that of the certificates, however they are written', async () => {
  put('a.pem', one.certificate, two.certificate);
  put('b.pem', '# comment', two.certificate, one.certificate, one.certificate);
  put('c.pem', one.certificate);
  const authorities = await open();
  assert.equal(authorities.find('a')?.digest, authorities.find('b')?.digest);
  assert.equal(authorities.find('b')?.certificates.length, 2);
  assert.notEqual(authorities.find('a')?.digest, authorities.find('c')?.digest);
});

test('a file that cannot be used is no authority, and is told once by its name and fault', async () => {
  put('empty.pem', '');
  put('broken.pem', one.certificate.replace(/\n[\w+/]/, '\n!'));
  put('leaf.pem', one.certificate, one.issueClient().cert);
  put('key.pem', one.certificate, one.own.key);
  const authorities = await open();
  for (const name of ['empty', 'broken', 'leaf', 'key']) assert.equal(authorities.find(name), null, name);
  const told = said.toSorted();
  assert.match(told[0] ?? '', /^broken\.pem: certificate 1 cannot be read: /);
  assert.equal(told[1], 'empty.pem: it holds no certificate (PEM)');
  assert.equal(told[2], 'key.pem: it holds a private key, which has no place here');
  assert.equal(told[3], 'leaf.pem: certificate 2 is not that of an authority (basicConstraints CA)');
  assert.equal(logged.length, 4);
  assert.ok(!logged.join().includes(one.own.key.slice(40, 80)), 'nothing of a key is repeated');
  await authorities.read();
  assert.equal(said.length, 4);
});

test('a change is read within seconds, and a bad one leaves the last good form in force', async () => {
  put('partners.pem', one.certificate);
  const authorities = await open();
  const first = authorities.find('partners');
  await authorities.read();
  assert.equal(authorities.find('partners'), first, 'nothing has changed');
  put('partners.pem', 'half a fi');
  await clock.advance(REREAD_MS);
  await until(() => said.length === 1);
  assert.equal(authorities.find('partners'), first);
  put('partners.pem', two.certificate);
  await authorities.read();
  assert.deepEqual(authorities.find('partners')?.certificates, [two.certificate.trimEnd()]);
  put('partners.pem', 'half a fi');
  await authorities.read();
  assert.equal(said.length, 2, 'a fault that comes back is told again');
  rmSync(join(directory, 'partners.pem'));
  await authorities.read();
  assert.equal(authorities.find('partners'), null, 'what was taken away is gone');
});

test('without the folder there are no authorities; one that comes later is read', async () => {
  rmSync(directory, { recursive: true });
  const authorities = await open();
  assert.equal(authorities.find('partners'), null);
  assert.deepEqual(logged, []);
  writeFileSync(directory, 'a file');
  await authorities.read();
  await authorities.read();
  assert.equal(logged.length, 1);
});
