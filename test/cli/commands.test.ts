/** Commands on apps, scale, routes, hosts and the API itself: tables for people, and for programs what the API says. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { linesOf, type RunOptions, TideGround } from './tide-ground.ts';

test('status shows apps with their sets, and with --json what the API says', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover('shop');
  ground.discover('blog');
  const { code, stdout } = await ground.tide(['status']);
  assert.equal(code, 0);
  const [head, blog, shop] = linesOf(stdout).map((line) => line.split(/ {2,}/));
  assert.deepEqual(head, ['APP', 'SET', 'STATE', 'TIER', 'READY', 'HOSTNAMES']);
  assert.deepEqual(blog, ['blog', 'web', 'up', 'running', '1/1', 'blog.localhost']);
  assert.equal(shop?.[0], 'shop');
  const all = await ground.tide(['status', '--json']);
  const { next_cursor: _, ...list } = (await ground.api('/v1/apps')) as { next_cursor: unknown };
  assert.deepEqual(JSON.parse(all.stdout), list);
  const one = await ground.tide(['status', '-a', 'shop', '--json']);
  assert.deepEqual(JSON.parse(one.stdout), await ground.api('/v1/apps/shop'));
});

test('ps shows replicas of all apps, or of one, with ages in words', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover('shop');
  ground.discover('blog');
  const all = linesOf((await ground.tide(['ps'])).stdout);
  assert.equal(all.length, 3);
  const one = linesOf((await ground.tide(['ps', '-a', 'shop'])).stdout);
  const cells = ['shop', 'web', 'shop-web-1', 'ready', 'running', '2', 'local', '5 minutes ago'];
  assert.deepEqual(one[1]?.split(/ {2,}/), cells);
  const json = JSON.parse((await ground.tide(['ps', '-a', 'shop', '--json'])).stdout);
  assert.deepEqual(json, { items: [await ground.api('/v1/apps/shop/sets/web')] });
});

test('colours are for terminals, and for who has not switched them off', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  const isColoured = async (options: RunOptions): Promise<boolean> => {
    return (await ground.tide(['status'], options)).stdout.includes('\u001b');
  };
  assert.equal(await isColoured({ terminal: true }), true);
  assert.equal(await isColoured({ terminal: true, env: { NO_COLOR: '1' } }), false);
  assert.equal(await isColoured({}), false);
});

test('lists are given to their end, however many pages the API makes of them', async (t) => {
  const ground = await TideGround.start(t);
  for (let i = 0; i < 7; i++) ground.discover(`app-${i}`);
  const small: typeof fetch = (input, init) => fetch(String(input).replace('limit=500', 'limit=3'), init);
  const { stdout } = await ground.tide(['status', '--json'], { fetch: small });
  const { items } = JSON.parse(stdout) as { items: { name: string }[] };
  assert.deepEqual(
    items.map(({ name }) => name),
    ['app-0', 'app-1', 'app-2', 'app-3', 'app-4', 'app-5', 'app-6'],
  );
});

test('scale shows, fixes, bounds, tries out and goes back', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  const { settings } = ground.tidegate;
  const key = 'default/shop/web';
  assert.match((await ground.tide(['scale', 'web'])).stdout, /web +1 +1 +1 +1 +labels +1 to 4/);
  const trial = await ground.tide(['scale', 'web=3', '--dry-run', '--json']);
  assert.equal(JSON.parse(trial.stdout).override.replicas, 3);
  assert.equal(settings.size, 0);
  const fixed = await ground.tide(['scale', 'web=3', '--json']);
  assert.deepEqual(JSON.parse(fixed.stdout), await ground.api('/v1/apps/shop/sets/web/scale'));
  assert.equal(settings.get(key)?.replicas, 3);
  await ground.tide(['scale', 'web', '--min', '0', '--max=6']);
  const { min, max, replicas } = settings.get(key) ?? {};
  assert.deepEqual([min, max, replicas], [0, 6, 3]);
  await ground.tide(['scale', 'web', '--reset']);
  assert.equal(settings.size, 0);
  const odd = await ground.tide(['scale', 'web=many']);
  assert.deepEqual([odd.code, odd.stdout], [2, '']);
  assert.match(odd.stderr, /"many" is no whole number/);
});

test('lease keeps the only app awake without being told its name', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  const { code, stdout } = await ground.tide(['lease', '10m']);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /shop stays awake for 10m/);
  assert.deepEqual(ground.tidegate.leases, [{ tenant: 'default', app: 'shop', ttlMs: 600_000 }]);
});

test('several apps, and none, are said when one would have to be named', async (t) => {
  const ground = await TideGround.start(t);
  const none = await ground.tide(['lease', '10m']);
  assert.deepEqual([none.code, none.stdout], [3, '']);
  ground.discover('shop');
  ground.discover('blog');
  const several = await ground.tide(['lease', '10m']);
  assert.equal(several.code, 2);
  assert.match(several.stderr, /fix: Say which one with --app: blog, shop/);
});

test('--tenant is whom it acts for, and must be a name', async (t) => {
  const ground = await TideGround.start(t);
  const { stdout } = await ground.tide(['whoami', '--tenant', 'acme', '--json']);
  const { id, operator, tenant, role } = JSON.parse(stdout);
  assert.deepEqual([id, operator, tenant, role], ['op_01', true, 'acme', 'operator']);
  const words = await ground.tide(['whoami']);
  assert.match(words.stdout, /role: +operator\nscopes: +read, deploy, manage, admin\n/);
  assert.equal((await ground.tide(['whoami', '--tenant', 'A b'])).code, 2);
});

test('routes are listed, and a URL is followed to its set', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover('shop');
  ground.discover('blog');
  const list = linesOf((await ground.tide(['routes', '-a', 'shop'])).stdout);
  assert.deepEqual(list[1]?.split(/ {2,}/), ['shop.localhost', '/', 'shop', 'web', 'main', 'labels']);
  assert.equal(list.length, 2);
  const json = JSON.parse((await ground.tide(['routes', '--json'])).stdout);
  assert.deepEqual([json.items.length, json.conflicts], [2, []]);
  const url = 'http://shop.localhost/a?b=c&d';
  const found = await ground.tide(['routes', 'resolve', url, '--json']);
  assert.deepEqual(JSON.parse(found.stdout), await ground.api(`/v1/routes/resolve?url=${encodeURIComponent(url)}`));
  const lost = await ground.tide(['routes', 'resolve', 'shpo.localhost']);
  assert.equal(lost.code, 0);
  assert.match(lost.stdout, /did you mean: +shop\.localhost/);
});

test('hosts show why one is degraded', async (t) => {
  const ground = await TideGround.start(t);
  ground.tidegate.hosts = [{ name: 'local', state: 'degraded', cause: 'no answer', engine: null }];
  assert.match((await ground.tide(['hosts'])).stdout, /local +degraded +– +0 +no answer/);
  const json = JSON.parse((await ground.tide(['hosts', '--json'])).stdout);
  assert.equal(json.items[0].cause, 'no answer');
});

test('api sends a body from the command line, a file or stdin, and shows the answer as it is', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  const path = '/v1/apps/shop/sets/web/scale';
  writeFileSync(join(ground.home, 'body.json'), '{"replicas":3}');
  const replicas = (): unknown => ground.tidegate.settings.get('default/shop/web')?.replicas;
  assert.equal((await ground.tide(['api', 'put', path, '--data', '{"replicas":2}'])).code, 0);
  assert.equal(replicas(), 2);
  await ground.tide(['api', 'PUT', path, '--data=@body.json']);
  assert.equal(replicas(), 3);
  await ground.tide(['api', 'PUT', path, '--data', '-'], { input: '{"replicas":4}' });
  assert.equal(replicas(), 4);
  const got = await ground.tide(['api', 'GET', `${path}?x=1`]);
  assert.deepEqual(JSON.parse(got.stdout), await ground.api(path));
  const stale = await ground.tide(['api', 'PUT', path, '--data', '{"replicas":1}', '--if-match', '"old"']);
  assert.deepEqual([stale.code, replicas()], [5, 4]);
  assert.equal(JSON.parse(stale.stdout).code, 'precondition_failed');
  assert.match(stale.stderr, /precondition_failed/);
});

test('api keeps to the gateway it was pointed at', async (t) => {
  const ground = await TideGround.start(t);
  const asked: string[] = [];
  const spy: typeof fetch = (input, init) => {
    asked.push(String(input));
    return fetch(input, init);
  };
  assert.equal((await ground.tide(['api', 'GET', 'http://elsewhere.test/'], { fetch: spy })).code, 2);
  assert.equal((await ground.tide(['api', 'GET', '//elsewhere.test/x'], { fetch: spy })).code, 3);
  assert.deepEqual(asked, [`${ground.url}//elsewhere.test/x`]);
});
