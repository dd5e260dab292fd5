/** Certificates on the command line, over the real vault: found by hostname, brought along, and never with their key. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { testAuthority } from '#test/certs/certificate-authority';
import { linesOf, TideGround } from './tide-ground.ts';

const CA = 'https://ca.example.test/directory';
const authority = testAuthority();

async function ordered({ certificates }: TideGround, name: string): Promise<string> {
  const { chain, key } = authority.issue([name]);
  return (await certificates.vault.put({ tenant: 'default', chain, key, issuer: CA })).id;
}

test('certs import brings certificate and key, tries them out first when asked, and shows no key', async (t) => {
  const ground = await TideGround.start(t);
  const { chain, key } = authority.issue(['shop.test']);
  writeFileSync(join(ground.home, 'chain.pem'), chain);
  writeFileSync(join(ground.home, 'key.pem'), key);
  const args = ['certs', 'import', '--cert', 'chain.pem', '--key', 'key.pem'];
  const trial = await ground.tide([...args, '--dry-run']);
  assert.deepEqual([trial.code, trial.stdout], [0, 'It would serve shop.test.\n']);
  assert.equal((await ground.tide(['certs', 'ls', '--json'])).stdout.includes('shop.test'), false);
  const made = await ground.tide([...args, '--json']);
  const { id } = JSON.parse(made.stdout);
  assert.deepEqual(JSON.parse(made.stdout), await ground.api(`/v1/certificates/${id}`));
  const swapped = await ground.tide(['certs', 'import', '--cert', 'key.pem', '--key', 'chain.pem']);
  assert.equal(swapped.code, 1);
  const said = [trial, made, swapped].map(({ stdout, stderr }) => stdout + stderr).join('');
  assert.ok(!said.includes('PRIVATE') && !said.includes(key.split('\n')[1] ?? ''));
  assert.equal((await ground.tide(['certs', 'import', '--cert', 'chain.pem'])).code, 2);
  assert.equal((await ground.tide(['certs', 'import', '--cert', 'none.pem', '--key', 'key.pem'])).code, 1);
});

test('certs ls and show say until when, by id or by the hostname it is for', async (t) => {
  const ground = await TideGround.start(t);
  const id = await ordered(ground, 'shop.test');
  ground.certificates.issuance = {
    ...ground.certificates.issuance,
    state: 'failed',
    lastError: { type: 'urn:ietf:params:acme:error:caa', detail: 'CAA forbids it', at: ground.tidegate.clock.wall() },
  };
  const [, row = ''] = linesOf((await ground.tide(['certs', 'ls'])).stdout);
  assert.match(row, new RegExp(`^shop\\.test {2,}valid {2,}in \\d+ \\w+ {2,}${CA} {2,}\\S+ {2,}${id}$`));
  for (const which of [id, 'Shop.Test']) {
    const { stdout } = await ground.tide(['certs', 'show', which]);
    assert.match(stdout, new RegExp(`certificate: +${id}`));
    assert.match(stdout, /last error: +CAA forbids it \(urn:ietf/);
  }
  const json = await ground.tide(['certs', 'show', 'shop.test', '--json']);
  assert.deepEqual(JSON.parse(json.stdout), await ground.api(`/v1/certificates/${id}`));
});

test('of several for one hostname the newest valid one is meant', async (t) => {
  const ground = await TideGround.start(t);
  await ordered(ground, 'shop.test');
  const id = await ordered(ground, 'shop.test');
  const last = await ordered(ground, 'shop.test');
  await ground.certificates.vault.update(last, { state: 'revoked' });
  await ground.certificates.vault.update(id, { state: 'valid' });
  await ground.tide(['certs', 'renew', 'shop.test']);
  assert.deepEqual(ground.certificates.calls, [`renew ${id}`]);
});

test('renew, revoke and rm reach the gateway, the last two only after a yes', async (t) => {
  const ground = await TideGround.start(t);
  const id = await ordered(ground, 'shop.test');
  const { calls } = ground.certificates;
  assert.equal((await ground.tide(['certs', 'renew', id])).code, 0);
  assert.equal((await ground.tide(['certs', 'revoke', id])).code, 2);
  const odd = await ground.tide(['certs', 'revoke', id, '--yes', '--reason', 'boredom']);
  assert.deepEqual([odd.code, calls.length], [1, 1]);
  assert.match(odd.stderr, /\/reason/);
  const revoked = await ground.tide(['certs', 'revoke', id, '--yes', '--reason', 'key_compromise']);
  assert.match(revoked.stdout, /state: +revoked/);
  assert.deepEqual(calls, [`renew ${id}`, `revoke ${id} key_compromise`]);
  assert.equal((await ground.tide(['certs', 'rm', 'shop.test'], { terminal: true, input: 'no\n' })).code, 1);
  assert.equal((await ground.tide(['certs', 'rm', 'shop.test'], { terminal: true, input: 'yes\n' })).code, 0);
  assert.equal((await ground.tide(['certs', 'show', id])).code, 3);
});

test('certs trust names the file of this machine only when it holds that authority', async (t) => {
  const ground = await TideGround.start(t);
  const far = await ground.tide(['certs', 'trust']);
  assert.equal(far.code, 0);
  assert.match(
    far.stdout,
    /authority: +Local CA[\s\S]*tide certs trust --pem > tidegate-ca\.pem[\s\S]*update-ca-certificates/,
  );
  assert.equal((await ground.tide(['certs', 'trust', '--pem'])).stdout, 'PEM\n');
  const directory = join(ground.home, 'data', 'ca');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'ca.pem');
  const env = { TIDEGATE_DATA: join(ground.home, 'data') };
  writeFileSync(file, 'another');
  assert.ok(!(await ground.tide(['certs', 'trust'], { env })).stdout.includes(file));
  writeFileSync(file, 'PEM\n');
  const near = await ground.tide(['certs', 'trust'], { env });
  assert.ok(near.stdout.includes(`curl --cacert ${file}`));
  assert.doesNotMatch(near.stdout, /--pem/);
  const json = await ground.tide(['certs', 'trust', '--json']);
  assert.deepEqual(JSON.parse(json.stdout), await ground.api('/v1/certificates/authority'));
});
