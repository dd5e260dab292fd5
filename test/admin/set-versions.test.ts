/** Entity tags of a set and of its traffic: nobody overwrites what he has not seen. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Platform } from '#test/apps/support/platform';
import { snapshot } from '#test/router/sample';
import { withTenancy } from './tenancy-ground.ts';

const ACME = { 'tidegate-tenant': 'acme', prefer: 'wait=30' };
const SPEC = { containers: [{ image: 'shop:1' }], port: 8080, resources: { cpu: 1, memory: '64m' } };
const WEB = '/v1/apps/shop/sets/web';

async function deployed(t: TestContext) {
  const platform = new Platform();
  const { tidegate, tenants } = await withTenancy(t, platform);
  await tidegate.ask('/v1/plans/small', { method: 'PUT', body: { limits: {} } });
  await tenants.add('acme', { plan: 'small', state: 'active' }, 0);
  const ask = (method: string, path: string, body?: object, tag?: string): Promise<Response> =>
    tidegate.ask(path, { method, body, headers: { ...ACME, ...(tag === undefined ? {} : { 'if-match': tag }) } });
  const tagOf = async (path: string): Promise<string> => (await ask('GET', path)).headers.get('etag') ?? '';
  assert.equal((await ask('PUT', WEB, SPEC)).status, 200);
  tidegate.discover(snapshot('acme/shop/web', [], { replicas: [] }));
  return { platform, tidegate, ask, tagOf };
}

test('a set and its spec have the same tag, and what was read as one is changed by it', async (t) => {
  const { ask, tagOf } = await deployed(t);
  const tag = await tagOf(WEB);
  assert.match(tag, /^"[\w-]{16}"$/);
  assert.equal(await tagOf(`${WEB}/spec`), tag);
  const changed = await ask('PATCH', WEB, { drain: '7s' }, tag);
  assert.equal(changed.status, 200);
  assert.equal(changed.headers.get('etag'), await tagOf(WEB));
  assert.equal((await ask('PATCH', WEB, { drain: '8s' }, tag)).status, 412);
  assert.equal((await ask('PUT', WEB, SPEC, await tagOf(WEB))).status, 200);
});

test('of a set that is not there nobody has a version', async (t) => {
  const { platform, ask } = await deployed(t);
  for (const tag of ['"some"', '*']) {
    const refused = await ask('PUT', '/v1/apps/shop/sets/other', SPEC, tag);
    assert.equal(refused.status, 412);
  }
  assert.equal((await ask('PATCH', '/v1/apps/shop/sets/other', { drain: '1s' }, '"some"')).status, 404);
  assert.equal(platform.apps.library.set('acme', 'shop', 'other'), null);
});

test('a split of traffic is changed by its own tag: another one, and one of the set, are refused', async (t) => {
  const { ask, tagOf } = await deployed(t);
  assert.equal((await ask('PUT', WEB, { ...SPEC, containers: [{ image: 'shop:2' }] })).status, 200);
  const path = `${WEB}/traffic`;
  const split = (weight: number) => ({
    targets: [
      { revision: 'r1', weight },
      { revision: 'r2', weight: 100 - weight },
    ],
  });
  const tag = await tagOf(path);
  for (const other of ['"other"', await tagOf(WEB), `W/${tag}`]) {
    const refused = await ask('PUT', path, split(10), other);
    assert.deepEqual([refused.status, refused.headers.get('etag')], [412, tag]);
  }
  const kept = await ask('PUT', path, split(10), tag);
  assert.equal(kept.status, 200);
  assert.equal(kept.headers.get('etag'), await tagOf(path));
  assert.notEqual(await tagOf(path), tag);
  const both = await Promise.all([20, 30].map(async (weight) => ask('PUT', path, split(weight), await tagOf(path))));
  assert.deepEqual(both.map((one) => one.status).sort(), [200, 412]);
});

test('the traffic of a set that goes while it is being split is not split: 404, and nothing is told', async (t) => {
  const { platform, ask } = await deployed(t);
  const { library } = platform.apps;
  const put = library.putInForce.bind(library);
  t.mock.method(library, 'putInForce', async (...given: Parameters<typeof put>) => {
    await library.dropSet('acme', 'shop', 'web');
    return await put(...given);
  });
  const gone = await ask('PUT', `${WEB}/traffic`, { targets: [{ revision: 'r1', weight: 100 }] });
  assert.equal(gone.status, 404);
  assert.deepEqual(
    platform.events.filter((one) => one.type === 'set.traffic'),
    [],
  );
});
