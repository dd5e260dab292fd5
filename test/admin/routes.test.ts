/** The table of routes, and why a URL goes where it goes. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ClientAuthority } from '#certs/client-authority';
import type { SetPolicy } from '#core/set';
import { Upstream } from '#router/upstream';
import { policy, replica, route, snapshot } from '#test/router/sample';
import { type Json, live, Tidegate } from './tidegate.ts';

async function withRoutes(): Promise<Tidegate> {
  const tidegate = await Tidegate.start();
  const a = replica('a');
  tidegate.discover(snapshot('default/shop/web', [route('shop.example')], { replicas: [a] }), live());
  const pool = tidegate.table.pool('default/shop/web');
  const upstream = new Upstream(a);
  pool?.add(upstream);
  pool?.signal(upstream, 'pass');
  tidegate.discover(
    snapshot('default/api/web', [route('shop.example', '/api', { strip: true, port: 9000 })], {
      replicas: [replica('b', { status: 'exited', pid: 0 })],
    }),
    live({ state: 'zero', ready: 0, replicas: [{ id: 'local/b', phase: 'stopped', inFlight: 0 }] }),
  );
  tidegate.discover(snapshot('default/wild/web', [route('*.example')]));
  tidegate.discover(snapshot('default/late/web', [route('shop.example'), route('only.example', '/deep')]));
  return tidegate;
}

async function resolve(tidegate: Tidegate, url: string): Promise<Json> {
  const { status, json } = await tidegate.json(`/v1/routes/resolve?url=${encodeURIComponent(url)}`);
  assert.equal(status, 200, url);
  return json;
}

test('routes are listed in the order of hostname and path, with conflicts', async () => {
  const tidegate = await withRoutes();
  const { json } = await tidegate.json('/v1/routes');
  assert.deepEqual(
    json.each('items', 'hostname').map((hostname, i) => `${String(hostname)}${String(json.each('items', 'path')[i])}`),
    ['*.example/', 'only.example/deep', 'shop.example/', 'shop.example/api'],
  );
  assert.deepEqual(json.at('items.3'), {
    hostname: 'shop.example',
    path: '/api',
    match: 'exact',
    strip: true,
    port: 9000,
    app: 'api',
    set: 'web',
    origin: 'labels',
  });
  assert.deepEqual(json.at('conflicts'), [
    { hostname: 'shop.example', path: '/', holder: 'default/shop/web', claimant: 'default/late/web' },
  ]);
});

test('routes come in pages', async () => {
  const tidegate = await withRoutes();
  const first = await tidegate.json('/v1/routes?limit=3');
  const next = await tidegate.json(`/v1/routes?limit=3&cursor=${String(first.json.at('next_cursor'))}`);
  assert.deepEqual(next.json.each('items', 'app'), ['api']);
  assert.equal(next.json.at('next_cursor'), null);
});

test('a URL of a ready set is served, and the answer says why', async () => {
  const json = await resolve(await withRoutes(), 'https://Shop.Example:8443/cart?x=1#y');
  assert.deepEqual(
    [
      json.at('hostname'),
      json.at('path'),
      json.at('outcome'),
      json.at('answer'),
      json.at('route.app'),
      json.at('ready'),
    ],
    ['shop.example', '/cart', 'routed', 'serve', 'shop', 1],
  );
  assert.equal(json.at('upstream_path'), '/cart');
  assert.deepEqual(json.at('conflicts'), [
    { hostname: 'shop.example', path: '/', holder: 'default/shop/web', claimant: 'default/late/web' },
  ]);
  assert.match(String(json.at('why.0')), /claimed as it is/);
  assert.match(String(json.at('why.3')), /1 of its 1 replicas take requests/);
});

test('a URL of a sleeping set wakes it, under the path that is left', async () => {
  const json = await resolve(await withRoutes(), 'http://shop.example/api/items');
  assert.deepEqual(
    [json.at('answer'), json.at('state'), json.at('route.path'), json.at('upstream_path')],
    ['wake', 'zero', '/api', '/items'],
  );
  assert.deepEqual(json.at('replicas'), [{ id: 'local/b', name: 'b', phase: 'stopped' }]);
  assert.equal((await resolve(await withRoutes(), 'http://shop.example/api')).at('upstream_path'), '/');
});

test('a path that could mean two routes is refused, as the gateway does', async () => {
  for (const url of ['http://shop.example/%61pi/items', 'http://shop.example//api', 'http://shop.example/api;x/y']) {
    const json = await resolve(await withRoutes(), url);
    assert.deepEqual([json.at('answer'), json.at('route')], ['refuse', null], url);
    assert.match(String(json.at('why.1')), /400 bad_request/);
  }
  assert.equal((await resolve(await withRoutes(), 'http://shop.example/c%61rt')).at('outcome'), 'routed');
});

test('a set without replicas, or stopped by a person, refuses', async () => {
  const tidegate = await withRoutes();
  assert.equal((await resolve(tidegate, 'any.example')).at('answer'), 'refuse');
  tidegate.live.set('default/api/web', live({ state: 'stopped', ready: 0 }));
  assert.equal((await resolve(tidegate, 'shop.example/api')).at('answer'), 'refuse');
});

test('a wildcard that covers the hostname is named', async () => {
  const json = await resolve(await withRoutes(), 'any.example/x');
  assert.deepEqual([json.at('route.hostname'), json.at('route.match')], ['*.example', 'wildcard']);
  assert.match(String(json.at('why.0')), /the wildcard \*\.example covers it/);
});

test('an unknown hostname names the nearest known one', async () => {
  const tidegate = await withRoutes();
  tidegate.table.remove('default/wild/web');
  const json = await resolve(tidegate, 'http://shpo.example/');
  assert.deepEqual(
    [json.at('outcome'), json.at('answer'), json.at('nearest'), json.at('route')],
    ['no_hostname', 'none', 'shop.example', null],
  );
  assert.equal((await resolve(tidegate, 'http://elsewhere.invalid/')).at('nearest'), null);
});

test('a known hostname without a fitting path names its paths', async () => {
  const tidegate = await withRoutes();
  tidegate.table.remove('default/wild/web');
  const json = await resolve(tidegate, 'http://only.example/deeep');
  assert.deepEqual([json.at('outcome'), json.at('nearest')], ['no_path', '/deep']);
  assert.match(String(json.at('why.1')), /\(\/deep\)/);
});

test('what is no URL of a web server is refused', async () => {
  const tidegate = await withRoutes();
  for (const url of [
    '',
    'http://',
    'ftp://shop.example/',
    'http://127.0.0.1/',
    'http://[::1]/',
    'a b',
    'http://a..b/',
  ]) {
    const { status, json } = await tidegate.json(`/v1/routes/resolve?url=${encodeURIComponent(url)}`);
    assert.deepEqual([status, json.at('errors.0.pointer')], [422, '/url'], url);
  }
  assert.equal((await tidegate.ask('/v1/routes/resolve')).status, 422);
});

test('an international hostname is found under its A-label', async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(snapshot('default/books/web', [route('xn--bcher-kva.example')]));
  assert.equal((await resolve(tidegate, 'http://bücher.example/')).at('route.app'), 'books');
});

test('a route that asks for client certificates says whose, and that nobody can be let in where those are not there', async () => {
  const held = new Set(['partners', 'staff']);
  const find = (name: string): ClientAuthority | null =>
    held.has(name) ? { name, certificates: [], digest: name } : null;
  const tidegate = await Tidegate.start(100, { clientAuthorities: { find } });
  const asks = (authority: string, optional = false): { policy: SetPolicy } => ({
    policy: policy({ clientCertificates: { authority, optional } }),
  });
  tidegate.discover(snapshot('default/shop/web', [route('shop.example')], asks('partners')));
  tidegate.discover(snapshot('default/api/web', [route('shop.example', '/api')], asks('staff')));
  tidegate.discover(snapshot('default/open/web', [route('open.example')], asks('staff', true)));
  for (const host of ['shop.example', 'open.example']) {
    const { pool } = tidegate.table.lookup(host, '/') ?? {};
    const upstream = new Upstream(replica(host));
    pool?.add(upstream);
    pool?.signal(upstream, 'pass');
  }
  const told = async (url: string): Promise<string> => {
    const json = await resolve(tidegate, url);
    return `${String(json.at('answer'))}: ${(json.at('why') as string[]).slice(4).join(' ')}`;
  };
  assert.match(await told('https://shop.example/'), /^serve: .*of the authority "partners"; others are answered 403/);
  assert.match(await told('https://open.example/'), /^serve: .*"staff"; those without one are served as well/);
  assert.match(
    await told('https://shop.example/api'),
    /^refuse: .*"staff".*ask for one of "partners".*client_ca_missing/,
  );
  held.delete('partners');
  assert.match(await told('https://shop.example/'), /^refuse: .*put partners\.pem into TIDEGATE_CLIENT_CAS/);
});
