/** Tokens through the API: shown once, never able to do more than who made them, and ended at once with what they hold open. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { TrustedProxies } from '#core/trusted-proxies';
import { live } from '#test/admin/tidegate';
import { route, snapshot } from '#test/router/sample';
import { StreamReader } from './stream-reader.ts';
import { jsonOf, withTenancy } from './tenancy-ground.ts';

const POST = 'POST';

test('a token is shown once, works, and is nowhere to be read again', async (t) => {
  const { tidegate, store, as } = await withTenancy(t);
  const wish = { name: 'ci', kind: 'dep', scopes: ['deploy'], resources: ['app:shop'] };
  const made = await tidegate.json('/v1/tokens', { method: POST, body: wish });
  const text = String(made.json.at('token'));
  assert.equal(made.status, 201);
  assert.match(text, /^tide_dep_[0-9A-HJKMNP-TV-Z]{26}_[0-9a-f]{64}$/);
  assert.deepEqual(
    [made.json.at('name'), made.json.at('role'), made.json.at('tenant'), made.json.at('created_by')],
    ['ci', 'developer', 'default', 'op_01'],
  );
  const me = await jsonOf(await as(text, '/v1/me'));
  assert.deepEqual([me.json.at('id'), me.json.at('resources')], [made.json.at('id'), ['app:shop']]);
  const secret = text.slice(-64);
  const kept = JSON.stringify([await store.documents('token'), await store.documents('idempotency')]);
  const shown = JSON.stringify([
    (await tidegate.json('/v1/tokens')).json.value,
    (await tidegate.json('/v1/tokens/ci')).json.value,
  ]);
  assert.equal(kept.includes(secret), false, 'at rest');
  assert.equal(shown.includes(secret), false, 'in answers');
});

test('with an Idempotency-Key the answer is kept without the token', async (t) => {
  const { tidegate, store } = await withTenancy(t);
  const asked = { method: POST, body: { name: 'ci', role: 'viewer' }, headers: { 'idempotency-key': 'k' } };
  const first = await tidegate.json('/v1/tokens', asked);
  const again = await tidegate.json('/v1/tokens', asked);
  assert.deepEqual([again.status, again.json.at('id'), again.json.at('token')], [201, first.json.at('id'), null]);
  const secret = String(first.json.at('token')).slice(-64);
  assert.equal(JSON.stringify(await store.documents('idempotency')).includes(secret), false);
});

test('what a token cannot be is refused with all its faults', async (t) => {
  const { tidegate } = await withTenancy(t);
  const body = {
    ...{ name: 'No', resources: ['shop', 'app:a*b'], cidrs: ['10.0.0.0/40', 'x'] },
    expires_at: '2020-01-01T00:00:00Z',
  };
  const { status, json } = await tidegate.json('/v1/tokens', { method: POST, body });
  assert.equal(status, 422);
  assert.deepEqual(json.each('errors', 'pointer'), [
    ...['/name', '/scopes', '/resources/0', '/resources/1', '/cidrs/0', '/cidrs/1', '/expires_at'],
  ]);
  const both = await tidegate.json('/v1/tokens', {
    method: POST,
    body: { name: 'a', role: 'owner', scopes: ['read'] },
  });
  assert.equal(both.status, 422);
});

test('two tokens of a tenant do not share a name, also when they are made at the same moment', async (t) => {
  const { tidegate } = await withTenancy(t);
  const make = () => tidegate.ask('/v1/tokens', { method: POST, body: { name: 'ci', role: 'viewer' } });
  const statuses = (await Promise.all([make(), make(), make()])).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [201, 409, 409]);
});

test('a token makes none that can do more than itself', async (t) => {
  const { as, token, tenants } = await withTenancy(t);
  await tenants.add('acme', { plan: 'unlimited', state: 'active' }, 0);
  const expires_at = '2026-06-01T00:00:00Z';
  const limited = { name: 'limited', scopes: ['admin'], resources: ['app:shop*'], cidrs: ['10.0.0.0/8'], expires_at };
  const { text } = await token(limited, 'acme');
  const make = (changes: object) => {
    const body = { ...limited, name: 'child', ...changes };
    return as(text, '/v1/tokens', { method: POST, body }, '10.0.0.1');
  };
  const refused: [object, string][] = [
    [{ kind: 'op', resources: [] }, '/tenant'],
    [{ resources: [] }, '/resources'],
    [{ resources: ['app:blog'] }, '/resources'],
    [{ cidrs: [] }, '/cidrs'],
    [{ cidrs: ['0.0.0.0/0'] }, '/cidrs'],
    [{ expires_at: null }, '/expires_at'],
    [{ expires_at: '2026-06-01T00:00:01Z' }, '/expires_at'],
  ];
  for (const [changes, pointer] of refused) {
    const { status, json } = await jsonOf(await make(changes));
    assert.equal(status, 403, pointer);
    assert.ok(json.each('errors', 'pointer').includes(pointer), JSON.stringify(json.value));
  }
  const narrower = { scopes: ['deploy'], resources: ['app:shop-2'], cidrs: ['10.1.0.0/16'] };
  assert.equal((await make({ ...narrower, expires_at: '2026-05-01T00:00:00+02:00' })).status, 201);
  const developer = await token({ name: 'dev', role: 'developer' }, 'acme');
  assert.equal(
    (await as(developer.text, '/v1/tokens', { method: POST, body: { name: 'x', role: 'viewer' } })).status,
    403,
  );
});

test('a token sees and changes only tokens that can do no more than itself, and itself', async (t) => {
  const { as, token } = await withTenancy(t);
  const owner = await token({ name: 'owner', role: 'owner' });
  const shop = await token({ name: 'shop', role: 'owner', resources: ['app:shop'] });
  const viewer = await token({ name: 'viewer', role: 'viewer' });
  const names = async (text: string) => (await jsonOf(await as(text, '/v1/tokens'))).json.each('items', 'name');
  assert.deepEqual((await names(owner.text)).sort(), ['owner', 'shop', 'viewer']);
  assert.deepEqual(await names(shop.text), ['shop']);
  assert.equal((await as(viewer.text, '/v1/tokens')).status, 403);
  assert.equal((await as(shop.text, `/v1/tokens/${owner.id}/rotate`, { method: POST })).status, 404);
  assert.equal((await as(shop.text, '/v1/tokens/viewer', { method: 'DELETE' })).status, 404);
  assert.equal((await as(viewer.text, '/v1/tokens/shop', { method: 'DELETE' })).status, 403);
  assert.equal((await as(viewer.text, `/v1/tokens/${viewer.id}`)).status, 200);
  assert.equal((await as(viewer.text, '/v1/tokens/viewer', { method: 'DELETE' })).status, 204);
  assert.equal((await as(viewer.text, '/v1/me')).status, 401);
});

test('a rotated token works with its new secret alone', async (t) => {
  const { as, token } = await withTenancy(t);
  const before = await token({ name: 'ci', role: 'viewer' });
  const { status, json } = await jsonOf(await as(before.text, '/v1/tokens/ci/rotate', { method: POST }));
  assert.deepEqual([status, json.at('id')], [200, before.id]);
  assert.equal((await as(before.text, '/v1/me')).status, 401);
  assert.equal((await as(String(json.at('token')), '/v1/me')).status, 200);
});

test('whatever is nearly a token is none', async (t) => {
  const { as, token } = await withTenancy(t);
  const { text } = await token({ name: 'ci', role: 'owner' });
  const last = text.endsWith('0') ? '1' : '0';
  const [, , ulid, secret] = text.split('_');
  const wrong = [
    text.slice(0, -1) + last,
    text.slice(0, -1),
    `${text}0`,
    text.toUpperCase(),
    text.replace('_pat_', '_op_'),
    text.replace('_pat_', '_svc_'),
    `tide_pat_${'0'.repeat(26)}_${secret}`,
    `tide_pat_${ulid}_${'0'.repeat(64)}`,
    `tide_pat_${ulid}_`,
  ];
  for (const one of wrong) assert.equal((await as(one, '/v1/me')).status, 401, one);
  assert.equal((await as(text, '/v1/me')).status, 200);
});

test('a token has its time, and ends what it holds open when that is over', async (t) => {
  const { as, token, tidegate } = await withTenancy(t);
  const { clock } = tidegate;
  const expires_at = new Date(clock.wall() + 3_600_000).toISOString();
  const { text } = await token({ name: 'ci', role: 'viewer', expires_at });
  const stream = new StreamReader(await as(text, '/v1/events', { headers: { accept: 'text/event-stream' } }));
  await stream.next();
  const ended = stream.ended();
  await clock.advance(3_599_999);
  assert.equal((await as(text, '/v1/me')).status, 200);
  await clock.advance(1);
  assert.equal(await ended, true);
  assert.equal((await as(text, '/v1/me')).status, 401);
});

test('a token that is revoked or rotated ends the streams it holds open, and no others', async (t) => {
  const { as, token, tidegate } = await withTenancy(t);
  const open = async (text: string): Promise<StreamReader> => {
    const stream = new StreamReader(await as(text, '/v1/events', { headers: { accept: 'text/event-stream' } }));
    await stream.next();
    return stream;
  };
  const [first, second, third] = [
    await token({ name: 'a', role: 'viewer' }),
    await token({ name: 'b', role: 'viewer' }),
    await token({ name: 'c', role: 'viewer' }),
  ];
  const streams = [await open(first.text), await open(second.text), await open(third.text)] as const;
  const ended = [streams[0].ended(), streams[1].ended()];
  await tidegate.ask('/v1/tokens/a', { method: 'DELETE' });
  await tidegate.ask('/v1/tokens/b/rotate', { method: POST });
  assert.deepEqual(await Promise.all(ended), [true, true]);
  tidegate.ports.record({ type: 'set.awake', tenant: 'default', cause: 'still heard' });
  assert.deepEqual(await streams[2].causes(1), ['still heard']);
  await streams[2].cancel();
});

test('a token works from its networks alone; behind a trusted proxy the client counts', async (t) => {
  const { as, token, tidegate } = await withTenancy(t);
  const { text } = await token({ name: 'ci', role: 'viewer', cidrs: ['10.1.0.0/16', '192.0.2.7'] });
  const status = async (from?: string, headers = {}) => (await as(text, '/v1/me', { headers }, from)).status;
  assert.deepEqual(
    [await status('10.1.2.3'), await status('::ffff:10.1.2.3'), await status('192.0.2.7')],
    [200, 200, 200],
  );
  assert.deepEqual([await status('10.2.0.1'), await status('::1'), await status()], [401, 401, 401]);
  const forwarded = { 'x-forwarded-for': '10.1.2.3' };
  assert.equal(await status('127.0.0.1', forwarded), 401, 'nobody is trusted');
  Object.assign(tidegate.ports, { proxies: new TrustedProxies(['127.0.0.0/8']) });
  assert.equal(await status('127.0.0.1', forwarded), 200);
  assert.equal(
    await status('10.1.9.9', { 'x-forwarded-for': '10.2.0.1' }),
    200,
    'whoever is no proxy speaks for itself',
  );
});

test('when it was used last is known to a minute, and written no more often', async (t) => {
  const { as, token, tidegate, store } = await withTenancy(t);
  const { clock } = tidegate;
  const { id, text } = await token({ name: 'ci', role: 'viewer' });
  const shown = async () => (await tidegate.json('/v1/tokens/ci')).json.at('last_used_at');
  assert.equal(await shown(), null);
  await as(text, '/v1/me');
  const first = (await store.document('token-use', id))?.version;
  await clock.advance(59_999);
  await as(text, '/v1/me');
  assert.equal((await store.document('token-use', id))?.version, first);
  assert.equal(await shown(), new Date(clock.wall()).toISOString());
  await clock.advance(1);
  await as(text, '/v1/me');
  assert.notEqual((await store.document('token-use', id))?.version, first);
});

test('a tenant token acts for its own tenant, and is told the same of every other name', async (t) => {
  const { as, token, tenants, tidegate } = await withTenancy(t);
  await tenants.add('acme', { plan: 'unlimited', state: 'active' }, 0);
  tidegate.discover(snapshot('acme/blog/web', [route('blog.example')]), live());
  tidegate.discover(snapshot('default/shop/web', [route('shop.example')]), live());
  const { text } = await token({ name: 'a', role: 'owner' }, 'acme');
  const apps = async (headers = {}) => jsonOf(await as(text, '/v1/apps', { headers }));
  assert.deepEqual((await apps()).json.each('items', 'name'), ['blog']);
  assert.deepEqual((await apps({ 'tidegate-tenant': 'acme' })).json.each('items', 'name'), ['blog']);
  const known = await apps({ 'tidegate-tenant': 'default' });
  const unknown = await apps({ 'tidegate-tenant': 'nobody' });
  assert.equal(known.status, 403);
  assert.deepEqual(known.json.value, unknown.json.value);
});

test('a token that is limited to apps sees them alone, wherever there is a list', async (t) => {
  const { as, token, tidegate } = await withTenancy(t);
  for (const app of ['shop', 'shop-2', 'blog']) {
    tidegate.discover(snapshot(`default/${app}/web`, [route(`${app}.example`)]), live());
    tidegate.ports.record({ type: 'set.awake', tenant: 'default', app, set: 'web', cause: app });
    await tidegate.ask('/v1/domains', { method: POST, body: { hostname: `${app}.test`, app } });
  }
  tidegate.ports.record({ type: 'domain.added', tenant: 'default', cause: 'of no app' });
  const { text } = await token({ name: 'ci', role: 'manager', resources: ['app:shop*'] });
  const each = async (path: string, field: string) => (await jsonOf(await as(text, path))).json.each('items', field);
  assert.deepEqual(await each('/v1/apps', 'name'), ['shop', 'shop-2']);
  assert.deepEqual(await each('/v1/routes', 'app'), ['shop-2', 'shop']);
  assert.deepEqual(await each('/v1/domains', 'app'), ['shop-2', 'shop']);
  assert.deepEqual(await each('/v1/events', 'cause'), ['shop-2', 'shop']);
  const status = async (path: string, method = 'GET', body?: unknown) =>
    (await as(text, path, { method, body })).status;
  assert.deepEqual(
    [await status('/v1/apps/blog'), await status('/v1/apps/nothing'), await status('/v1/apps/shop')],
    [403, 403, 200],
  );
  assert.deepEqual([await status('/v1/domains/blog.test'), await status('/v1/domains/shop.test')], [404, 200]);
  assert.equal(await status('/v1/domains/blog.test', 'DELETE'), 404);
  assert.equal(await status('/v1/domains', POST, { hostname: 'x.test', app: 'blog' }), 403);
  assert.equal(await status('/v1/domains', POST, { hostname: 'x.test', app: 'shop' }), 201);
  assert.deepEqual([await status('/v1/certificates'), await status('/v1/usage')], [403, 403]);
});
