/** Who may ask for what: tokens, tenants, operators, browsers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { route, snapshot } from '#test/router/sample';
import { live, TENANT_TOKEN, Tidegate, TOKEN } from './tidegate.ts';

const PATHS = [
  '/v1/apps',
  '/v1/apps/shop',
  '/v1/apps/shop/sets',
  '/v1/apps/shop/sets/web',
  '/v1/apps/shop/sets/web/scale',
  '/v1/routes',
  '/v1/routes/resolve?url=a.example',
  '/v1/hosts',
  '/v1/me',
  '/v1/domains',
  '/v1/domains/shop.example/diagnose',
  '/v1/certificates',
  '/v1/certificates/authority',
  '/v1/events',
  '/v1/nothing',
  '/v1',
];

test('nothing under /v1 answers without a valid token, whatever it is', async () => {
  const tidegate = await Tidegate.start();
  const bad = [{}, { authorization: '' }, { authorization: TOKEN }, { authorization: `Basic ${TOKEN}` }];
  const wrong = [
    { authorization: 'Bearer' },
    { authorization: 'Bearer nobody' },
    { authorization: `Bearer ${TOKEN} x` },
  ];
  const elsewhere = [{ cookie: `token=${TOKEN}` }];
  for (const path of PATHS) {
    for (const headers of [...bad, ...wrong, ...elsewhere]) {
      const response = await tidegate.app.request(path, { headers });
      assert.equal(response.status, 401, path);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer realm="tidegate"/);
      assert.equal(response.headers.get('content-type'), 'application/problem+json');
    }
    const inUrl = await tidegate.app.request(`${path}${path.includes('?') ? '&' : '?'}access_token=${TOKEN}`);
    assert.equal(inUrl.status, 401, `${path} with the token in the URL`);
  }
});

test('a token that is not in force is told from none', async () => {
  const tidegate = await Tidegate.start();
  const challenge = async (headers: Record<string, string>): Promise<string | null> =>
    (await tidegate.app.request('/v1/apps', { headers })).headers.get('www-authenticate');
  assert.equal(await challenge({}), 'Bearer realm="tidegate"');
  assert.equal(await challenge({ authorization: 'Bearer x' }), 'Bearer realm="tidegate", error="invalid_token"');
});

test('the scheme may be written in any case', async () => {
  const tidegate = await Tidegate.start();
  const response = await tidegate.app.request('/v1/apps', { headers: { authorization: `bearer ${TOKEN}` } });
  assert.equal(response.status, 200);
});

test('operators act for the tenant they name, and for "default" when they name none', async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(snapshot('default/shop/web', [route('shop.example')]));
  tidegate.discover(snapshot('acme/blog/web', [route('blog.example')]));
  const apps = async (headers: Record<string, string>): Promise<unknown[]> =>
    (await tidegate.json('/v1/apps', { headers })).json.each('items', 'name');
  assert.deepEqual(await apps({}), ['shop']);
  assert.deepEqual(await apps({ 'tidegate-tenant': 'acme' }), ['blog']);
  assert.deepEqual(await apps({ 'tidegate-tenant': 'nobody' }), []);
  const bad = await tidegate.json('/v1/apps', { headers: { 'tidegate-tenant': 'No/Body' } });
  assert.deepEqual([bad.status, bad.json.at('code')], [400, 'bad_request']);
});

test("another tenant's objects are 404, read or written, and no list or answer names them", async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(snapshot('secret/vault/db', [route('vault.example'), route('shared.example')]), live());
  tidegate.discover(snapshot('default/shop/web', [route('shop.example'), route('shared.example')]), live());
  tidegate.ports.record({ type: 'set.awake', tenant: 'secret', app: 'vault', set: 'db', cause: 'x' });
  const reads = [
    '/v1/apps',
    '/v1/apps/vault',
    '/v1/apps/vault/sets',
    '/v1/apps/vault/sets/db',
    '/v1/apps/vault/sets/db/scale',
    '/v1/routes',
    '/v1/routes/resolve?url=vault.example',
    '/v1/routes/resolve?url=vault.exampel',
    '/v1/routes/resolve?url=shared.example',
    '/v1/events',
  ];
  for (const path of reads) {
    const response = await tidegate.ask(path);
    const text = await response.text();
    assert.doesNotMatch(text, /secret/, path);
    if (path.startsWith('/v1/apps/vault')) assert.equal(response.status, 404, path);
  }
  const scale = await tidegate.ask('/v1/apps/vault/sets/db/scale', { method: 'PUT', body: { min: 0 } });
  const lease = await tidegate.ask('/v1/apps/vault/lease', { method: 'POST', body: { ttl: '1m' } });
  assert.deepEqual([scale.status, lease.status, tidegate.settings.size, tidegate.leases.length], [404, 404, 0, 0]);
});

test('a name with a slash in it reaches no other tenant', async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(snapshot('default/shop/web', []), live());
  for (const path of ['/v1/apps/shop%2Fweb', '/v1/apps/..%2Fdefault%2Fshop/sets/web', '/v1/apps/shop/sets/%2Fweb']) {
    assert.equal((await tidegate.ask(path)).status, 404, path);
  }
});

test('hosts, and events of hosts, are shown to operators alone', async () => {
  const tidegate = await Tidegate.start();
  tidegate.ports.record({ type: 'host.degraded', host: 'local', cause: 'timed out' });
  const asTenant = { headers: { authorization: `Bearer ${TENANT_TOKEN}` } };
  const hosts = await tidegate.json('/v1/hosts', asTenant);
  assert.deepEqual([hosts.status, hosts.json.at('code')], [403, 'forbidden']);
  assert.deepEqual((await tidegate.json('/v1/events', asTenant)).json.at('items'), []);
  assert.deepEqual((await tidegate.json('/v1/events')).json.each('items', 'host'), ['local']);
});

test('no answer invites a browser page of another origin in', async () => {
  const tidegate = await Tidegate.start();
  for (const path of ['/v1/apps', '/metrics', '/openapi.json']) {
    const response = await tidegate.ask(path, { headers: { origin: 'https://evil.example' } });
    assert.equal(response.headers.get('access-control-allow-origin'), null);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('set-cookie'), null);
  }
});

test('a token is told what it stands for, and for whom it acts', async () => {
  const tidegate = await Tidegate.start();
  const operator = await tidegate.json('/v1/me', { headers: { 'tidegate-tenant': 'acme' } });
  const limits = { resources: [], cidrs: [], expires_at: null };
  const scopes = ['read', 'deploy', 'manage', 'admin'];
  const name = 'operator';
  assert.deepEqual(operator.json.value, {
    ...{ id: 'op_01', name, kind: 'op', operator: true, tenant: 'acme', scopes, role: name },
    ...limits,
  });
  const tenant = await tidegate.json('/v1/me', { headers: { authorization: `Bearer ${TENANT_TOKEN}` } });
  assert.deepEqual(tenant.json.value, {
    ...{ id: 'pat_01', name: 'owner', kind: 'pat', operator: false, tenant: 'default', scopes, role: 'owner' },
    ...limits,
  });
});
