/** Compose files through the API: a whole app in its order, and what is refused with the line that says it. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Platform } from '#test/apps/support/platform';
import { until } from '#test/support/until';
import { type TenancyGround, withTenancy } from './tenancy-ground.ts';
import type { Asked, Json } from './tidegate.ts';

const FILE = `services:
  web: { image: "shop:\${TAG:-1}", ports: ["8080:3000"], depends_on: [api], mem_limit: 64m }
  api: { image: api:1, expose: [9000], depends_on: { db: { condition: service_healthy } }, mem_limit: 64m }
  worker: { image: worker:1, depends_on: [db], restart: always, mem_limit: 64m }
  db: { image: postgres:16, volumes: ["data:/data"], expose: [5432], mem_limit: 64m }
volumes: { data: }
`;
const OF_ACME = { 'tidegate-tenant': 'acme' };

interface World extends TenancyGround {
  readonly platform: Platform;
  readonly compose: (body: object, query?: string) => Promise<{ status: number; json: Json }>;
}

async function world(t: TestContext, limits: object = {}): Promise<World> {
  const platform = new Platform();
  const ground = await withTenancy(t, platform);
  await ground.tidegate.ask('/v1/plans/small', { method: 'PUT', body: { limits } });
  await ground.tenants.add('acme', { plan: 'small', state: 'active' }, 0);
  const compose: World['compose'] = (body, query = '') => {
    const asked: Asked = { method: 'POST', body, headers: { ...OF_ACME, prefer: 'wait=30' } };
    return ground.tidegate.json(`/v1/apps/shop/compose${query}`, asked);
  };
  return { ...ground, platform, compose };
}

test('an app of four sets comes up in its order, and again with what has changed alone', async (t) => {
  const { compose, platform, tidegate } = await world(t);
  const first = await compose({ text: FILE });
  assert.deepEqual([first.status, first.json.at('state')], [200, 'succeeded'], JSON.stringify(first.json.value));
  const made = [...new Set([...platform.replicas.values()].map((one) => one.key.split('/')[2]))];
  assert.deepEqual(made, ['db', 'api', 'web', 'worker']);
  assert.match(first.json.each('notes', 'detail').join('\n'), /worker.restart is left out/);
  const again = await compose({ text: FILE });
  assert.deepEqual(
    [again.status, again.json.at('state'), again.json.at('result.deployment')],
    [200, 'succeeded', undefined],
  );
  const next = await compose({ text: FILE, variables: { TAG: '2' }, strategy: 'bluegreen' });
  assert.equal(next.json.at('state'), 'succeeded');
  assert.deepEqual(next.json.at('result.revisions'), { web: 'r2' });
  await until(() => [...platform.replicas.values()].some((one) => one.members.main === 'sha256:shop:2'));
  const web = await tidegate.json('/v1/apps/shop/sets/web/spec', { headers: OF_ACME });
  assert.deepEqual(web.json.at('spec.depends'), 'api');
  assert.equal(web.json.at('spec.port'), 3000);
});

test('a canary of a file without steps of its own is watched as every other', async (t) => {
  const { compose, platform, tidegate } = await world(t);
  await compose({ text: FILE });
  const asked = { method: 'POST', body: { text: FILE, variables: { TAG: '2' }, strategy: 'canary' }, headers: OF_ACME };
  const begun = await tidegate.json('/v1/apps/shop/compose', asked);
  assert.equal(begun.status, 202);
  await until(() => platform.inForce('acme/shop/web')?.shares.some((one) => one.weight === 10), {
    what: 'a tenth of the traffic meets the new revision',
  });
  const { json } = await tidegate.json('/v1/apps/shop/deployments', { headers: OF_ACME });
  assert.deepEqual(json.each('items.0.steps', 'hold'), ['1m', '1m']);
});

test('a set that does not come up keeps those after it from coming up, and the operation says so', async (t) => {
  const { compose, platform } = await world(t);
  platform.crashing.add('api:1');
  const { json } = await compose({ text: FILE });
  assert.deepEqual([json.at('state'), json.at('error.code')], ['failed', 'replica.crashed']);
  const keys = new Set([...platform.replicas.values()].map((one) => one.key));
  assert.deepEqual([keys.has('acme/shop/web'), keys.has('acme/shop/db')], [false, true]);
});

test('a dry run says what it comes to, and nothing comes of it', async (t) => {
  const { compose, platform, tidegate } = await world(t);
  const { status, json } = await compose({ text: FILE }, '?dry_run=true');
  assert.equal(status, 200);
  assert.deepEqual(json.each('sets', 'name'), ['db', 'api', 'web', 'worker']);
  assert.equal(json.at('sets.0.spec.class'), 'data');
  assert.equal(json.at('sets.2.spec.containers.0.image'), 'shop:1');
  assert.equal(platform.replicas.size, 0);
  assert.equal((await tidegate.ask('/v1/apps/shop/env', { headers: OF_ACME })).status, 404);
  // What comes out of it can go in.
  const spec = json.at('sets.2.spec');
  const put = { method: 'PUT', body: spec, headers: OF_ACME };
  assert.equal((await tidegate.ask('/v1/apps/shop/sets/web', put)).status, 200);
});

test('what is wrong with a file, not allowed, or no good label is said with its line', async (t) => {
  const { compose, platform } = await world(t);
  const text = 'services:\n  web:\n    image: a\n    build: .\n    enviroment: {}\n    ports: [x]\n';
  const wrong = await compose({ text });
  assert.equal(wrong.status, 422);
  assert.deepEqual(wrong.json.each('errors', 'pointer'), ['/text', '/text']);
  assert.deepEqual(wrong.json.each('errors', 'code'), ['unknown', 'bad_value']);
  assert.match(String(wrong.json.at('errors.0.detail')), /^Line 5, column 5: web has no "enviroment"\. Did you mean/);
  const lines = [
    'services:',
    '  web:',
    '    image: A B',
    '    privileged: true',
    '    labels:',
    '      tidegate.scale.mx: 3',
  ];
  const refused = await compose({ text: [...lines, '    volumes: ["//var/run/docker.sock:/s"]'].join('\n') });
  assert.equal(refused.status, 422);
  const details = refused.json.each('errors', 'detail').join('\n');
  for (const line of [
    /Line 3, .*"A B"/,
    /Line 4, .*privileged/,
    /Line 7, .*paths of the host/,
    /Line 6, .*scale\.mx/,
  ]) {
    assert.match(details, line);
  }
  assert.equal(platform.replicas.size, 0);
});

test('all sets together take of the plan, or none does', async (t) => {
  const ground = await world(t, { memory: '255Mi', sets: 4 });
  const used = async (): Promise<unknown[]> => {
    const { json } = await ground.tidegate.json('/v1/usage', { headers: OF_ACME });
    return ['apps', 'sets', 'memory'].map((name) => json.at(`used.${name}`));
  };
  const over = await ground.compose({ text: FILE });
  assert.deepEqual([over.status, over.json.at('code')], [403, 'quota_exceeded']);
  assert.deepEqual(await used(), [0, 0, 0]);
  const smaller = FILE.replaceAll('64m', '32m');
  assert.equal((await ground.compose({ text: smaller })).json.at('state'), 'succeeded');
  assert.deepEqual(await used(), [1, 4, 128 * 1024 ** 2]);
  // Limits alone change: nothing is deployed, and the plan counts it all the same.
  assert.equal((await ground.compose({ text: FILE.replaceAll('64m', '48m') })).json.at('state'), 'succeeded');
  assert.deepEqual(await used(), [1, 4, 192 * 1024 ** 2]);
  assert.equal((await ground.compose({ text: FILE })).status, 403);
});
