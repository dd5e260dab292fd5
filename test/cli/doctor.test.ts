/** `tide doctor`: everything that is wrong has a line and a fix, and what is right is said too. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { testAuthority } from '#test/certs/certificate-authority';
import { TideGround } from './tide-ground.ts';

const DAY_MS = 86_400_000;
const CA = 'https://ca.example.test/directory';

function states(stdout: string): Record<string, string> {
  const { items } = JSON.parse(stdout) as { items: { check: string; state: string }[] };
  return Object.fromEntries(items.map(({ check, state }) => [check, state]));
}

test('all is well', async (t) => {
  const ground = await TideGround.start(t);
  ground.tidegate.hosts = [{ name: 'local', state: 'reachable', cause: null, engine: null }];
  const { code, stdout } = await ground.tide(['doctor']);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /gateway +ok +Tidegate 1\.2\.3 answers at http/);
  const json = await ground.tide(['doctor', '--json']);
  const names = ['gateway', 'ready', 'token', 'hosts', 'domains', 'certificates'];
  assert.deepEqual(states(json.stdout), Object.fromEntries(names.map((name) => [name, 'ok'])));
});

test('what is wrong is found, each with a fix, and ends with 7', async (t) => {
  const ground = await TideGround.start(t);
  const { tidegate, certificates } = ground;
  ground.discover();
  tidegate.missing = ['routes are not loaded'];
  tidegate.hosts = [{ name: 'local', state: 'degraded', cause: 'no answer', engine: null }];
  const fix = 'Change the record.';
  tidegate.domains.diagnosis = [{ code: 'dns.wrong_target', detail: 'It points elsewhere.', fix }];
  await ground.tide(['domains', 'add', 'shop.test']);
  await ground.tide(['domains', 'verify', 'shop.test']);
  const { chain, key } = testAuthority().issue(['old.test']);
  const kept = await certificates.vault.put({ tenant: 'default', chain, key, issuer: CA });
  await tidegate.clock.advance(kept.notAfter - tidegate.clock.wall() - 1000);
  const { code, stdout } = await ground.tide(['doctor']);
  assert.equal(code, 7);
  for (const fact of [
    /ready +fail +routes are not loaded/,
    /hosts +fail +local is degraded: no answer\.\n +fix: Check that dockerd runs on local/,
    /domains +fail +shop\.test is pending_dns: It points elsewhere\.\n +fix: Change the record\./,
    new RegExp(`certificates +fail +old\\.test ends in 1 second\\.\\n +fix: tide certs renew ${kept.id}`),
  ]) {
    assert.match(stdout, fact);
  }
});

test('a certificate that is old but far from its end is well', async (t) => {
  const ground = await TideGround.start(t);
  const { tidegate, certificates } = ground;
  const { chain, key } = testAuthority().issue(['shop.test']);
  const { notBefore, notAfter } = await certificates.vault.put({ tenant: 'default', chain, key, issuer: CA });
  const share = async (part: number): Promise<string | undefined> => {
    await tidegate.clock.advance(notBefore + (notAfter - notBefore) * part - tidegate.clock.wall());
    return states((await ground.tide(['doctor', '--json'])).stdout).certificates;
  };
  assert.ok(notAfter - notBefore < 400 * DAY_MS);
  assert.deepEqual([await share(0.8), await share(0.9)], ['ok', 'fail']);
});

test('without a gateway or a token it says so, and looks no further', async (t) => {
  const ground = await TideGround.start(t);
  const gone = await ground.tide(['doctor', '--json'], {
    fetch: () => Promise.reject(Object.assign(new TypeError('fetch failed'), { cause: new Error('no way') })),
  });
  assert.deepEqual([gone.code, states(gone.stdout)], [7, { gateway: 'fail' }]);
  const bare = await ground.tide(['doctor', '--json'], { env: { TIDEGATE_TOKEN: '' } });
  assert.deepEqual([bare.code, states(bare.stdout)], [7, { gateway: 'ok', ready: 'ok', token: 'fail' }]);
});
