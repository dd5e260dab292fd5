/** The audit log through the API: nothing changes without a record, and a record tells names, never values. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { TidegateError } from '#core/errors';
import { live, Tidegate } from '#test/admin/tidegate';
import { route, snapshot } from '#test/router/sample';
import { StreamReader } from './stream-reader.ts';
import { jsonOf, type TenancyGround, withTenancy } from './tenancy-ground.ts';

const PUT = 'PUT';
const SCALE = '/v1/apps/shop/sets/web/scale';

/** Newest first. */
async function records({ tidegate }: TenancyGround, query = '', headers = {}): Promise<Record<string, unknown>[]> {
  const { json } = await tidegate.json(`/v1/audit${query}`, { headers });
  return json.at('items') as Record<string, unknown>[];
}

test('a change is kept with who, what, for whom, from where, and what came of it', async (t) => {
  const ground = await withTenancy(t);
  const { tidegate, as, token } = ground;
  tidegate.discover(snapshot('default/shop/web', [route('shop.example')]), live());
  const { id, text } = await token({ name: 'ci', role: 'developer' });
  const answer = await as(text, SCALE, { method: PUT, body: { min: 0, max: 3 } }, '::ffff:10.1.2.3');
  assert.equal(answer.status, 200);
  const [last] = await records(ground);
  const { id: audit, at, request_id, ...rest } = last ?? {};
  assert.match(String(audit), /^aud_[0-9A-Z]{26}$/);
  assert.equal(at, new Date(tidegate.clock.wall()).toISOString());
  assert.equal(request_id, answer.headers.get('x-request-id'));
  assert.deepEqual(rest, {
    ...{ actor: { id, name: 'ci', operator: false }, tenant: 'default', method: PUT },
    ...{ path: '/v1/apps/{app}/sets/{set}/scale', params: { app: 'shop', set: 'web' }, status: 200, code: null },
    ...{ client: '10.1.2.3', fields: ['min', 'max'], pending: false, dry_run: false, omitted: 0 },
  });
});

test('what is refused is kept as well, and what only reads is not', async (t) => {
  const ground = await withTenancy(t);
  const { tidegate, as, token } = ground;
  tidegate.discover(snapshot('default/shop/web', []), live());
  const { text } = await token({ name: 'ci', role: 'viewer' });
  const body = { min: 0 };
  await as('nobody', SCALE, { method: PUT, body });
  await as(text, SCALE, { method: PUT, body });
  await tidegate.ask('/v1/apps/none/sets/web/scale', { method: PUT, body });
  await tidegate.ask(SCALE, { method: PUT, body: { mni: 0 } });
  await tidegate.ask(SCALE, { method: PUT, body: 'no json' });
  await tidegate.ask(SCALE, { method: PUT, body, headers: { 'if-match': '"other"' } });
  await tidegate.ask(`${SCALE}?dry_run=true`, { method: PUT, body });
  await tidegate.ask(SCALE);
  await tidegate.ask('/v1/apps');
  const told = (await records(ground)).map(({ status, code, dry_run, fields }) => [status, code, dry_run, fields]);
  assert.deepEqual(told.slice(0, -1), [
    [200, null, true, ['min']],
    [412, 'precondition_failed', false, ['min']],
    [400, 'bad_json', false, []],
    [422, 'invalid', false, ['mni']],
    [404, 'not_found', false, ['min']],
    [403, 'forbidden', false, []],
    [401, 'unauthorized', false, []],
  ]);
});

test('what fails is kept with how', async (t) => {
  const ground = await withTenancy(t);
  const { tidegate } = ground;
  tidegate.discover(snapshot('default/shop/web', []), live());
  tidegate.fault = new TidegateError('store.conflict', 'somebody was quicker');
  await tidegate.ask(SCALE, { method: PUT, body: { min: 0 } });
  tidegate.fault = new Error('broken');
  await tidegate.ask(SCALE, { method: PUT, body: { min: 0 } });
  const told = (await records(ground)).map(({ status, code }) => [status, code]);
  assert.deepEqual(told, [
    [500, 'internal'],
    [409, 'store.conflict'],
  ]);
});

test('nothing is changed when it cannot be kept', async (t) => {
  const ground = await withTenancy(t);
  const { tidegate, store } = ground;
  tidegate.discover(snapshot('default/shop/web', []), live());
  const put = store.putDocument.bind(store);
  store.putDocument = async () => {
    throw new TidegateError('store.failed', 'the disk is full');
  };
  const answer = await jsonOf(await tidegate.ask(SCALE, { method: PUT, body: { min: 0 } }));
  assert.deepEqual([answer.status, answer.json.at('code'), tidegate.settings.size], [503, 'store.failed', 0]);
  store.putDocument = put;
  assert.equal((await tidegate.ask(SCALE, { method: PUT, body: { min: 0 } })).status, 200);
});

test('a change whose outcome nobody could keep is in the log without one, and is answered', async (t) => {
  const ground = await withTenancy(t);
  const { tidegate, store } = ground;
  tidegate.discover(snapshot('default/shop/web', []), live());
  const put = store.putDocument.bind(store);
  let written = 0;
  store.putDocument = async (...given) => {
    if (given[0].startsWith('audit') && ++written === 2) throw new TidegateError('store.failed', 'gone');
    return put(...given);
  };
  assert.equal((await tidegate.ask(SCALE, { method: PUT, body: { min: 0 } })).status, 200);
  const [last] = await records(ground);
  assert.deepEqual([last?.status, last?.code], [null, null]);
});

test('no value is in the log: neither of a body, nor of a token put where a name belongs', async (t) => {
  const { tidegate, store, token } = await withTenancy(t);
  const { text } = await token({ name: 'ci', role: 'viewer' });
  await tidegate.ask(`/v1/tokens/${text}/rotate`, { method: 'POST' });
  await tidegate.ask('/v1/tokens', { method: 'POST', body: { name: 'Hidden Value', [text]: 1 } });
  const kinds = await store.documentKinds();
  const kept = JSON.stringify(
    await Promise.all(kinds.filter((one) => one.startsWith('audit')).map((one) => store.documents(one))),
  );
  assert.equal(kept.includes(text.slice(-64)), false);
  assert.equal(kept.includes('Hidden Value'), false);
});

test('a principal who is refused all the time fills no log; how often is told', async (t) => {
  const ground = await withTenancy(t);
  const { tidegate, as } = ground;
  for (let i = 0; i < 75; i++) await as('nobody', SCALE, { method: PUT });
  assert.equal((await records(ground)).length, 60);
  await tidegate.clock.advance(60_000);
  await as('nobody', SCALE, { method: PUT });
  assert.equal((await records(ground))[0]?.omitted, 15);
});

test('owners see what was asked of their tenant; operators also what was asked of none', async (t) => {
  const ground = await withTenancy(t);
  const { tidegate, as, token, tenants } = ground;
  await tenants.add('acme', { plan: 'unlimited', state: 'active' }, 0);
  const { text } = await token({ name: 'owner', role: 'owner' }, 'acme');
  await tidegate.ask('/v1/tenants', { method: 'POST', body: { name: 'other' } });
  await as(text, '/v1/apps/shop/lease', { method: 'POST', body: { ttl: '1m' } }, '10.0.0.1');
  await tidegate.ask('/v1/apps/shop/lease', { method: 'POST', body: { ttl: '1m' } });
  const seen = (await jsonOf(await as(text, '/v1/audit'))).json;
  assert.deepEqual(seen.each('items', 'path'), ['/v1/apps/{app}/lease', '/v1/tokens']);
  assert.deepEqual(seen.each('items', 'client'), ['10.0.0.1', null]);
  assert.doesNotMatch(JSON.stringify(seen.value), /other/);
  assert.deepEqual(
    (await records(ground)).map(({ path }) => path),
    ['/v1/apps/{app}/lease', '/v1/tenants'],
  );
  const viewer = await token({ name: 'viewer', role: 'manager' }, 'acme');
  assert.equal((await as(viewer.text, '/v1/audit')).status, 403);
});

test('records are found by who, which app and since when, page by page', async (t) => {
  const ground = await withTenancy(t);
  const { tidegate, as, token } = ground;
  const { text } = await token({ name: 'ci', role: 'developer' });
  for (const app of ['a', 'b', 'c']) {
    await as(text, `/v1/apps/${app}/lease`, { method: 'POST', body: { ttl: '1m' } });
    await tidegate.clock.advance(60_000);
  }
  const apps = async (query: string) => (await records(ground, query)).map(({ params }) => Object(params).app);
  assert.deepEqual(await apps('?actor=ci'), ['c', 'b', 'a']);
  assert.deepEqual(await apps('?app=b'), ['b']);
  assert.deepEqual(await apps('?actor=ci&since=2m'), ['c', 'b']);
  assert.deepEqual(await apps(`?since=${new Date(tidegate.clock.wall() - 60_000).toISOString()}`), ['c']);
  assert.deepEqual(await apps('?actor=ci&since=60d'), ['c', 'b', 'a']);
  assert.equal((await tidegate.ask('/v1/audit?since=lately')).status, 422);
  const first = await tidegate.json('/v1/audit?limit=2&actor=ci');
  assert.deepEqual(first.json.each('items', 'params'), [{ app: 'c' }, { app: 'b' }]);
  const rest = await apps(`?actor=ci&cursor=${String(first.json.at('next_cursor'))}`);
  assert.deepEqual(rest, ['a']);
});

test('who follows the log hears of each change once it is known what came of it', async (t) => {
  const { tidegate } = await withTenancy(t);
  const stream = new StreamReader(await tidegate.ask('/v1/audit', { headers: { accept: 'text/event-stream' } }));
  await stream.next();
  await tidegate.ask('/v1/apps/shop/lease', { method: 'POST', body: { ttl: '1m' } });
  const { id, data = '' } = await stream.next();
  const { status, path } = JSON.parse(data);
  assert.deepEqual([status, path], [404, '/v1/apps/{app}/lease']);
  await stream.cancel();
  await tidegate.ask('/v1/apps/blog/lease', { method: 'POST', body: { ttl: '1m' } });
  const headers = { accept: 'text/event-stream', 'last-event-id': String(id) };
  const again = new StreamReader(await tidegate.ask('/v1/audit', { headers }));
  await again.next();
  assert.equal(JSON.parse((await again.next()).data ?? '').params.app, 'blog');
  await again.cancel();
});

test('where nobody keeps tenants the endpoints say so', async () => {
  const tidegate = await Tidegate.start();
  for (const path of ['/v1/audit', '/v1/tokens', '/v1/tenants', '/v1/plans', '/v1/usage']) {
    assert.equal((await tidegate.ask(path)).status, 503, path);
  }
});
