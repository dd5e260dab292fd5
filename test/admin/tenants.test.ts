/** Tenants and plans through the API: for operators, and what they mean for tokens of a tenant. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { snapshot } from '#test/router/sample';
import { jsonOf, withTenancy } from './tenancy-ground.ts';
import { live } from './tidegate.ts';

const POST = 'POST';
const PATCH = 'PATCH';
const PUT = 'PUT';
const DELETE = 'DELETE';

test('there is always a tenant "default" on the plan "unlimited", which gives nobody the host', async (t) => {
  const { tidegate } = await withTenancy(t);
  const { json } = await tidegate.json('/v1/tenants');
  assert.deepEqual(json.at('items'), [{ name: 'default', plan: 'unlimited', state: 'active', created_at: null }]);
  const plan = await tidegate.json('/v1/plans/unlimited');
  assert.deepEqual(Object.values(plan.json.at('limits') as object), Array(8).fill(null));
  assert.deepEqual(plan.json.at('allowances'), {
    ...{ privileged: false, host_namespaces: false, binds: false, capabilities: false, devices: false },
    ...{ publish_ports: true, sysctls: true },
  });
  assert.equal((await tidegate.ask('/v1/tenants/default', { method: DELETE })).status, 409);
  assert.equal((await tidegate.ask('/v1/plans/unlimited', { method: PUT, body: {} })).status, 409);
  assert.equal((await tidegate.ask('/v1/plans/trusted', { method: DELETE })).status, 409);
});

test('a tenant is made, put on another plan and removed, and is there after a restart in between', async (t) => {
  const { tidegate, store, token, tenants } = await withTenancy(t);
  const wish = { name: 'acme', plan: 'small' };
  const early = await tidegate.json('/v1/tenants', { method: POST, body: wish });
  assert.deepEqual([early.status, early.json.at('errors.0.pointer')], [422, '/plan']);
  const limits = { apps: 2, memory: '1Gi', cpu: 0.5 };
  const plan = await tidegate.json('/v1/plans', {
    method: POST,
    body: { name: 'small', limits, allowances: { binds: true }, wakes: { per_minute: 30 } },
  });
  assert.deepEqual(
    [plan.status, plan.json.at('limits.memory'), plan.json.at('limits.sets'), plan.json.at('allowances.binds')],
    [201, 1024 ** 3, null, true],
  );
  assert.deepEqual(plan.json.at('wakes'), { per_minute: 30, at_once: null });
  const made = await tidegate.ask('/v1/tenants', { method: POST, body: wish });
  assert.deepEqual(tenants.wakesOf('acme'), { perMinute: 30, atOnce: null });
  assert.deepEqual([made.status, made.headers.get('location')], [201, '/v1/tenants/acme']);
  assert.equal((await tidegate.ask('/v1/tenants', { method: POST, body: wish })).status, 409);
  assert.equal((await tidegate.ask('/v1/plans/small', { method: DELETE })).status, 409, 'a tenant has it');
  const kept = await store.document('tenant', 'acme');
  assert.equal(Object(kept?.body).plan, 'small');
  const stale = { method: PATCH, body: { plan: 'unlimited' }, headers: { 'if-match': '"old"' } };
  assert.equal((await tidegate.ask('/v1/tenants/acme', stale)).status, 412);
  const headers = { 'if-match': made.headers.get('etag') ?? '' };
  assert.equal((await tidegate.ask('/v1/tenants/acme', { ...stale, headers })).status, 200);
  assert.equal((await tidegate.ask('/v1/plans/small', { method: DELETE })).status, 204);
  const { id } = await token({ name: 'ci', role: 'owner' }, 'acme');
  assert.equal((await tidegate.ask('/v1/tenants/acme', { method: DELETE })).status, 204);
  assert.equal(await store.document('token', id), null, 'its tokens go with it');
  assert.equal((await tidegate.ask('/v1/tenants/acme')).status, 404);
});

test('a tenant that has apps is not removed', async (t) => {
  const { tidegate, quotas, store, tenants } = await withTenancy(t);
  await tenants.add('acme', { plan: 'unlimited', state: 'active' }, 0);
  await quotas.commit('acme', { apps: 1 }, (usage) => usage);
  const refused = await tidegate.json('/v1/tenants/acme', { method: DELETE });
  assert.deepEqual([refused.status, refused.json.at('code')], [409, 'conflict']);
  await quotas.commit('acme', { apps: -1 }, (usage) => usage);
  assert.equal((await tidegate.ask('/v1/tenants/acme', { method: DELETE })).status, 204);
  assert.equal(await store.document('usage', 'acme'), null);
});

test('tokens of a removed tenant are in force no more, and none is made for it', async (t) => {
  const { tidegate, as, token, tenants } = await withTenancy(t);
  await tenants.add('acme', { plan: 'unlimited', state: 'active' }, 0);
  const { text } = await token({ name: 'ci', role: 'owner' }, 'acme');
  await tidegate.ask('/v1/tenants/acme', { method: DELETE });
  assert.equal((await as(text, '/v1/me')).status, 401);
  const body = { name: 'again', role: 'viewer' };
  const late = await tidegate.json('/v1/tokens', { method: POST, body, headers: { 'tidegate-tenant': 'acme' } });
  assert.deepEqual([late.status, late.json.at('code')], [404, 'tenants.unknown']);
});

test('a suspended tenant reads and changes nothing; operators still act for it', async (t) => {
  const { tidegate, as, token, tenants } = await withTenancy(t);
  await tenants.add('acme', { plan: 'unlimited', state: 'active' }, 0);
  tidegate.discover(snapshot('acme/shop/web', []), live());
  const { text } = await token({ name: 'ci', role: 'owner' }, 'acme');
  const scale = '/v1/apps/shop/sets/web/scale';
  const change = { method: PUT, body: { min: 0 } };
  assert.equal((await as(text, scale, change)).status, 200);
  await tidegate.ask('/v1/tenants/acme', { method: PATCH, body: { state: 'suspended' } });
  const refused = await jsonOf(await as(text, scale, change));
  assert.deepEqual([refused.status, refused.json.at('code')], [403, 'forbidden']);
  assert.equal((await as(text, scale)).status, 200);
  assert.equal((await tidegate.ask(scale, { ...change, headers: { 'tidegate-tenant': 'acme' } })).status, 200);
  await tidegate.ask('/v1/tenants/acme', { method: PATCH, body: { state: 'active' } });
  assert.equal((await as(text, scale, change)).status, 200);
});

test('a plan limits tokens and domains, also when they are asked for at the same moment, and usage tells', async (t) => {
  const { tidegate, tenants } = await withTenancy(t);
  await tidegate.ask('/v1/plans/small', { method: PUT, body: { limits: { tokens: 2, domains: 1 } } });
  await tenants.add('acme', { plan: 'small', state: 'active' }, 0);
  const headers = { 'tidegate-tenant': 'acme' };
  const each = async (path: string, bodies: readonly object[]): Promise<number[]> => {
    const answers = await Promise.all(bodies.map((body) => tidegate.ask(path, { method: POST, body, headers })));
    return answers.map(({ status }) => status).sort();
  };
  const tokens = ['a', 'b', 'c', 'd'].map((name) => ({ name, role: 'viewer' }));
  assert.deepEqual(await each('/v1/tokens', tokens), [201, 201, 403, 403]);
  const domains = ['a', 'b', 'c'].map((name) => ({ hostname: `${name}.test`, app: 'shop' }));
  assert.deepEqual(await each('/v1/domains', domains), [201, 403, 403]);
  const over = await tidegate.json('/v1/tokens', { method: POST, body: { name: 'e', role: 'viewer' }, headers });
  assert.deepEqual(
    [over.json.at('code'), over.json.at('errors.0.detail')],
    ['quota_exceeded', 'used 2, limit 2, asked 1'],
  );
  const usage = await tidegate.json('/v1/usage', { headers });
  assert.deepEqual(
    [
      usage.json.at('plan'),
      usage.json.at('used.tokens'),
      usage.json.at('used.domains'),
      usage.json.at('limits.tokens'),
    ],
    ['small', 2, 1, 2],
  );
  await tidegate.ask('/v1/tokens/a', { method: DELETE, headers });
  assert.deepEqual(await each('/v1/tokens', [{ name: 'e', role: 'viewer' }]), [201]);
});

test('what is no plan is refused with its faults', async (t) => {
  const { tidegate } = await withTenancy(t);
  const asked = async (limits: object) =>
    (await tidegate.json('/v1/plans/x', { method: PUT, body: { limits } })).status;
  assert.deepEqual(
    [await asked({ apps: -1 }), await asked({ apps: 1.5 }), await asked({ memory: 'much' }), await asked({ appz: 1 })],
    [422, 422, 422, 422],
  );
  assert.equal((await tidegate.ask('/v1/plans/No', { method: PUT, body: {} })).status, 422);
});
