/** Credentials for registries through the API: a tenant's own, never shown, and tried before they are kept. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Platform } from '#test/apps/support/platform';
import { jsonOf, withTenancy } from './tenancy-ground.ts';

const PASSWORD = 'correct-horse-battery';
const BODY = { username: 'robot', password: PASSWORD };
const PUT = 'PUT';
const DELETE = 'DELETE';

test('credentials are kept for one tenant, in one spelling, and the password is shown to nobody', async (t) => {
  const platform = new Platform();
  const { tidegate, as, token } = await withTenancy(t, platform);
  await tidegate.ask('/v1/tenants', { method: 'POST', body: { name: 'acme' } });
  const { text } = await token({ name: 'dev', role: 'developer' }, 'acme');
  const kept = await jsonOf(await as(text, '/v1/registries/Registry.Example:5000', { method: PUT, body: BODY }));
  assert.equal(kept.status, 200);
  const { updated_at, ...shown } = kept.json.value as Record<string, unknown>;
  assert.match(String(updated_at), /^\d{4}-/);
  assert.deepEqual(shown, { host: 'registry.example:5000', username: 'robot', login: 'accepted' });
  await as(text, '/v1/registries/index.docker.io', { method: PUT, body: BODY });
  const listed = await jsonOf(await as(text, '/v1/registries'));
  const hosts = (listed.json.at('items') as { host: string }[]).map(({ host }) => host);
  assert.deepEqual(hosts, ['docker.io', 'registry.example:5000']);
  assert.deepEqual((await tidegate.json('/v1/registries')).json.at('items'), [], 'another tenant has none');
  const audit = await as((await token({ name: 'own', role: 'owner' }, 'acme')).text, '/v1/audit');
  const records = await audit.text();
  assert.match(records, /\/v1\/registries\/\{host\}/);
  for (const said of [records, JSON.stringify(listed), JSON.stringify(kept)]) assert.ok(!said.includes(PASSWORD));

  assert.equal((await as(text, '/v1/registries/docker.io', { method: DELETE })).status, 204);
  assert.equal((await as(text, '/v1/registries/docker.io', { method: DELETE })).status, 404);
  assert.deepEqual(await platform.apps.registries.credentials('acme', 'registry.example:5000'), BODY);
  assert.equal((await tidegate.ask('/v1/tenants/acme', { method: DELETE })).status, 204);
  assert.equal(await platform.apps.registries.credentials('acme', 'registry.example:5000'), null, 'they go with it');
});

test('what is no registry, or what it refuses, is not kept, and the answer says what to do', async (t) => {
  const platform = new Platform();
  const { tidegate, as, token } = await withTenancy(t, platform);
  const put = async (host: string, body: unknown) => {
    const { status, json } = await tidegate.json(`/v1/registries/${host}`, { method: PUT, body });
    return [status, json.at('errors.0.pointer'), json.at('errors.0.detail')];
  };
  assert.deepEqual((await put('registry', BODY)).slice(0, 2), [422, '/host']);
  const [status, pointer, detail] = await put('r.example', { ...BODY, password: 'wrong' });
  assert.deepEqual([status, pointer], [422, '/password']);
  assert.match(String(detail), /r\.example refuses these credentials/);
  assert.deepEqual((await put('r.example', { username: 'robot' })).slice(0, 2), [422, '/password']);
  assert.deepEqual((await put('r.example', { ...BODY, username: 'a\nb' })).slice(0, 2), [422, '/username']);
  assert.deepEqual(platform.apps.registries.list('default'), []);
  // Credentials are for all apps of the tenant: not for who is limited to some.
  const limited = await token({ name: 'ci', role: 'manager', resources: ['app:shop'] });
  assert.equal((await as(limited.text, '/v1/registries/r.example', { method: PUT, body: BODY })).status, 403);
  const viewer = await token({ name: 'eye', role: 'viewer' });
  assert.equal((await as(viewer.text, '/v1/registries/r.example', { method: PUT, body: BODY })).status, 403);
  for (let n = 0; n < 100; n++) {
    await platform.apps.registries.put({ tenant: 'default', host: `r${n}.example`, ...BODY });
  }
  assert.equal((await tidegate.ask('/v1/registries/r.example', { method: PUT, body: BODY })).status, 403);
  assert.equal((await tidegate.ask('/v1/registries/r7.example', { method: PUT, body: BODY })).status, 200);
});

test('credentials go in the same step as their tenant: none are left for the next of that name', async (t) => {
  const platform = new Platform();
  const { tidegate } = await withTenancy(t, platform);
  await tidegate.ask('/v1/tenants', { method: 'POST', body: { name: 'acme' } });
  await platform.apps.registries.put({ tenant: 'acme', host: 'r.example', ...BODY });
  // Whatever would be written after the tenant is gone.
  platform.refusesWrites = true;
  assert.equal((await tidegate.ask('/v1/tenants/acme', { method: DELETE })).status, 204);
  assert.equal(platform.refused, 0);
  assert.equal(await platform.apps.registries.credentials('acme', 'r.example'), null);
  assert.deepEqual(platform.apps.registries.list('acme'), []);
});

test('credentials that are tried while their tenant goes are not kept for the next of that name', async (t) => {
  const platform = new Platform();
  const { tidegate, as, token } = await withTenancy(t, platform);
  await tidegate.ask('/v1/tenants', { method: 'POST', body: { name: 'acme' } });
  const { text } = await token({ name: 'dev', role: 'developer' }, 'acme');
  platform.images.asked = async () => {
    assert.equal((await tidegate.ask('/v1/tenants/acme', { method: DELETE })).status, 204);
  };
  const answer = await as(text, '/v1/registries/r.example', { method: PUT, body: BODY });
  assert.equal(answer.status, 404);
  assert.deepEqual(platform.apps.registries.list('acme'), []);
  assert.equal(await platform.apps.registries.credentials('acme', 'r.example'), null);
});
