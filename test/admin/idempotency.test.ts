/** One effect for one Idempotency-Key, over the real store: replays, other bodies, calls in flight, and what ends them. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { snapshot } from '#test/router/sample';
import { temporaryDirectory } from '#test/store/temporary';
import { until } from '#test/support/until';
import { live, TENANT_TOKEN, Tidegate } from './tidegate.ts';

const DAY_MS = 86_400_000;
const SHOP = { hostname: 'shop.acme.com', app: 'shop' };

async function withStore(t: TestContext): Promise<{ tidegate: Tidegate; store: Store }> {
  const store = await openSqliteStore(temporaryDirectory(t));
  t.after(() => store.close());
  return { tidegate: await Tidegate.start(100, { answers: store }), store };
}

function add(tidegate: Tidegate, key: string, body: unknown = SHOP, headers: Record<string, string> = {}) {
  return tidegate.ask('/v1/domains', { method: 'POST', body, headers: { 'idempotency-key': key, ...headers } });
}

test('a POST that is sent again under its key is answered as before and does nothing', async (t) => {
  const { tidegate } = await withStore(t);
  const first = await add(tidegate, 'key-1');
  const again = await add(tidegate, 'key-1');
  assert.deepEqual([first.status, again.status], [201, 201]);
  assert.deepEqual(
    [first.headers.get('idempotency-replayed'), again.headers.get('idempotency-replayed')],
    [null, 'true'],
  );
  for (const name of ['location', 'etag', 'content-type'])
    assert.equal(again.headers.get(name), first.headers.get(name));
  assert.equal(await again.text(), await first.text());
  assert.deepEqual(tidegate.domains.calls, ['add shop.acme.com']);
});

test('another body, query or path under the same key is refused', async (t) => {
  const { tidegate } = await withStore(t);
  await add(tidegate, 'key-1');
  const other = await add(tidegate, 'key-1', { ...SHOP, app: 'blog' });
  assert.equal(other.status, 422);
  assert.match(await other.text(), /"code":"idempotency_mismatch"/);
  const headers = { 'idempotency-key': 'key-1' };
  const path = await tidegate.ask('/v1/domains/shop.acme.com/verify', { method: 'POST', headers });
  assert.equal(path.status, 422);
  assert.deepEqual(tidegate.domains.calls, ['add shop.acme.com']);
});

test('keys of different tenants and tokens have nothing to do with each other', async (t) => {
  const { tidegate } = await withStore(t);
  assert.equal((await add(tidegate, 'key-1')).status, 201);
  assert.equal((await add(tidegate, 'key-1', SHOP, { 'tidegate-tenant': 'acme' })).status, 201);
  const other = await add(tidegate, 'key-1', SHOP, { authorization: `Bearer ${TENANT_TOKEN}` });
  assert.equal(other.status, 409, 'the tenant has it already: the call was served');
});

test('while a call is served, the same key is a conflict; then it is answered as the first was', async (t) => {
  const { tidegate } = await withStore(t);
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { add: real } = tidegate.domains;
  let entered = false;
  tidegate.domains.add = async (wish) => {
    entered = true;
    await gate;
    return real.call(tidegate.domains, wish);
  };
  const first = add(tidegate, 'key-1');
  await until(() => entered, { what: 'the first call to be served' });
  const second = await add(tidegate, 'key-1');
  assert.deepEqual([second.status, second.headers.get('retry-after')], [409, '1']);
  assert.match(await second.text(), /"code":"idempotency_in_flight"/);
  open();
  assert.equal((await first).status, 201);
  assert.equal((await add(tidegate, 'key-1')).headers.get('idempotency-replayed'), 'true');
});

test('an answer that changed nothing is not kept: put right, it may be sent again', async (t) => {
  const { tidegate, store } = await withStore(t);
  assert.equal((await add(tidegate, 'key-1', { hostname: 'a..b', app: 'shop' })).status, 422);
  const { add: real } = tidegate.domains;
  tidegate.domains.add = async () => {
    throw new Error('out of luck');
  };
  assert.equal((await add(tidegate, 'key-1')).status, 500);
  assert.deepEqual(await store.documents('idempotency'), []);
  tidegate.domains.add = real;
  assert.equal((await add(tidegate, 'key-1')).status, 201);
});

test('whoever began a call and ended without an answer keeps its key for two minutes only', async (t) => {
  const { tidegate, store } = await withStore(t);
  const { add: real } = tidegate.domains;
  let calls = 0;
  tidegate.domains.add = async (wish) => {
    calls++;
    return calls === 1 ? new Promise(() => {}) : real.call(tidegate.domains, wish);
  };
  void add(tidegate, 'key-1');
  await until(() => calls === 1, { what: 'the first call to be served' });
  // Another process on the same store, after this one was killed.
  const next = await Tidegate.start(100, { answers: store });
  await next.clock.advance(119_000);
  assert.equal((await add(next, 'key-1')).status, 409);
  await next.clock.advance(1000);
  assert.equal((await add(next, 'key-1')).status, 201);
});

test('after 24 hours a key is free again, and what was kept under it is gone', async (t) => {
  const { tidegate, store } = await withStore(t);
  await add(tidegate, 'key-1');
  await add(tidegate, 'key-2', { ...SHOP, hostname: 'b.acme.com' });
  await tidegate.clock.advance(DAY_MS - 1);
  assert.equal((await add(tidegate, 'key-1')).headers.get('idempotency-replayed'), 'true');
  await tidegate.clock.advance(3_600_000);
  const again = await add(tidegate, 'key-1');
  assert.deepEqual([again.status, again.headers.get('idempotency-replayed')], [409, null]);
  assert.deepEqual(await store.documents('idempotency'), []);
});

test('what is no key is refused before anything is done', async (t) => {
  const { tidegate } = await withStore(t);
  for (const key of ['', 'a b', 'x'.repeat(256)]) {
    const { status, headers } = await add(tidegate, key);
    assert.deepEqual([status, headers.get('content-type')], [400, 'application/problem+json'], key);
  }
  assert.deepEqual(tidegate.domains.calls, []);
});

test('a key means something on POST alone', async (t) => {
  const { tidegate, store } = await withStore(t);
  tidegate.discover(snapshot('default/shop/web', []), live());
  for (const min of [0, 1]) {
    const asked = { method: 'PUT', body: { min }, headers: { 'idempotency-key': 'k' } };
    assert.equal((await tidegate.json('/v1/apps/shop/sets/web/scale', asked)).json.at('override.min'), min);
  }
  assert.deepEqual(await store.documents('idempotency'), []);
});
