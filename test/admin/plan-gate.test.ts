/** Plans and apps: what is made through the API is counted as it is, and nothing passes beside the count. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Platform } from '#test/apps/support/platform';
import { policy, snapshot } from '#test/router/sample';
import { until } from '#test/support/until';
import { type TenancyGround, withTenancy } from './tenancy-ground.ts';
import { live } from './tidegate.ts';

const GIB = 1024 ** 3;
const PUT = 'PUT';
const HEADERS = { 'tidegate-tenant': 'acme' };

async function world(t: TestContext, limits: object): Promise<TenancyGround & { platform: Platform }> {
  const platform = new Platform();
  const ground = await withTenancy(t, platform);
  await ground.tidegate.ask('/v1/plans/small', { method: PUT, body: { limits } });
  await ground.tenants.add('acme', { plan: 'small', state: 'active' }, 0);
  return { ...ground, platform };
}

/** Status and code of a set that is asked for. */
async function put({ tidegate }: TenancyGround, path: string, changes: object = {}): Promise<[number, unknown]> {
  const body = { containers: [{ index: 1, name: 'main', image: 'app:1' }], port: 80, ...changes };
  const { status, json } = await tidegate.json(`/v1/apps/${path}`, { method: PUT, body, headers: HEADERS });
  return [status, json.at('code')];
}

async function used({ tidegate }: TenancyGround): Promise<unknown[]> {
  const { json } = await tidegate.json('/v1/usage', { headers: HEADERS });
  return ['apps', 'sets', 'replicas', 'cpu', 'memory', 'secrets'].map((name) => json.at(`used.${name}`));
}

test('a set takes of the plan all that its replicas may come to, and no more passes than there is', async (t) => {
  const ground = await world(t, { replicas: 4, cpu: 2, memory: '1Gi' });
  const of = (max: number, cpu = 0.5, memory = '256Mi') => ({ scale: { min: 0, max }, resources: { cpu, memory } });
  assert.deepEqual(await put(ground, 'shop/sets/web', of(3)), [200, undefined]);
  assert.deepEqual(await used(ground), [1, 1, 3, 1.5, 0.75 * GIB, 0]);
  assert.deepEqual(await put(ground, 'shop/sets/db', of(2)), [403, 'quota_exceeded']);
  assert.deepEqual(await put(ground, 'shop/sets/db', of(1, 0.6)), [403, 'quota_exceeded']);
  assert.deepEqual(await put(ground, 'shop/sets/db', of(1, 0.5, '257Mi')), [403, 'quota_exceeded']);
  assert.deepEqual(await put(ground, 'shop/sets/db', of(1)), [200, undefined]);
  assert.deepEqual(await put(ground, 'shop/sets/web', of(2)), [200, undefined], 'it gives one back');
  assert.deepEqual(await used(ground), [1, 2, 3, 1.5, 0.75 * GIB, 0]);
});

test('where a plan limits a resource a set has to say how much of it', async (t) => {
  const ground = await world(t, { memory: '1Gi' });
  assert.deepEqual(await put(ground, 'shop/sets/web'), [422, 'invalid']);
  assert.deepEqual(await put(ground, 'shop/sets/web', { resources: { memory: '128Mi' } }), [200, undefined]);
  assert.deepEqual(await used(ground), [1, 1, 1, 0, GIB / 8, 0]);
});

test('who scales a set takes of the same plan; what a spec says after that gives back what it does not ask for', async (t) => {
  const ground = await world(t, { replicas: 3 });
  const { tidegate } = ground;
  assert.deepEqual(await put(ground, 'shop/sets/web', { scale: { min: 0, max: 1 } }), [200, undefined]);
  const scale = { ...policy().scale, min: 0, max: 1 };
  tidegate.discover(snapshot('acme/shop/web', [], { policy: policy({ scale }) }), live());
  const wish = async (body: object): Promise<number> =>
    (await tidegate.ask('/v1/apps/shop/sets/web/scale', { method: PUT, body, headers: HEADERS })).status;
  assert.deepEqual([await wish({ max: 4 }), await wish({ max: 3 })], [403, 200]);
  assert.deepEqual((await used(ground))[2], 3);
  assert.deepEqual(await put(ground, 'shop/sets/db'), [403, 'quota_exceeded']);
  assert.deepEqual(await put(ground, 'shop/sets/web', { scale: { min: 0, max: 2 } }), [200, undefined]);
  assert.deepEqual((await used(ground))[2], 2, 'who wrote last is followed');
  assert.equal(await wish({ max: 3 }), 200);
  assert.deepEqual(await put(ground, 'shop/sets/db'), [403, 'quota_exceeded']);
  assert.equal(await wish({ max: null }), 200);
  assert.deepEqual((await used(ground))[2], 2, 'as the spec said');
  assert.deepEqual(await put(ground, 'shop/sets/db'), [200, undefined]);
});

test('of many at the same moment as many are made as the plan allows, and no one is told of a conflict', async (t) => {
  const ground = await world(t, { apps: 3, sets: 4 });
  const apps = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((app) => put(ground, app, { containers: undefined })));
  assert.deepEqual(new Set(apps.map(([status]) => status)), new Set([422]), 'an app has no containers');
  const statuses = await Promise.all(
    ['a', 'b', 'c', 'd', 'e'].map(async (app) => {
      return (await ground.tidegate.ask(`/v1/apps/${app}`, { method: PUT, body: {}, headers: HEADERS })).status;
    }),
  );
  assert.deepEqual(statuses, [200, 200, 200, 403, 403]);
  const sets = await Promise.all(['w', 'x', 'y', 'z', 'q', 'r'].map((set) => put(ground, `a/sets/${set}`)));
  assert.deepEqual(
    sets.map(([status]) => status),
    [200, 200, 200, 200, 403, 403],
  );
});

test('apps that go, all at the same moment, give back what they had', async (t) => {
  const ground = await world(t, { apps: 3, secrets: 1 });
  const { tidegate } = ground;
  for (const app of ['a', 'b', 'c']) assert.deepEqual(await put(ground, `${app}/sets/web`), [200, undefined]);
  const secret = async (app: string, name: string): Promise<number> => {
    const asked = { method: PUT, body: { value: 'x' }, headers: HEADERS };
    return (await tidegate.ask(`/v1/apps/${app}/secrets/${name}`, asked)).status;
  };
  assert.deepEqual([await secret('a', 'KEY'), await secret('a', 'KEY'), await secret('b', 'KEY')], [200, 200, 403]);
  assert.deepEqual(await put(ground, 'd/sets/web'), [403, 'quota_exceeded']);
  assert.equal((await tidegate.ask('/v1/tenants/acme', { method: 'DELETE' })).status, 409);
  for (const app of ['a', 'b', 'c']) {
    assert.equal((await tidegate.ask(`/v1/apps/${app}`, { method: 'DELETE', headers: HEADERS })).status, 202);
  }
  await until(async () => (await used(ground)).every((one) => one === 0), { what: 'all is given back' });
  assert.equal((await tidegate.ask('/v1/tenants/acme', { method: 'DELETE' })).status, 204);
  const late = await tidegate.json('/v1/apps/late', { method: PUT, body: {}, headers: HEADERS });
  assert.deepEqual([late.status, late.json.at('code')], [404, 'tenants.unknown']);
});

test('what a plan does not allow is refused, and allowed once it does', async (t) => {
  const ground = await world(t, {});
  const options = { privileged: true };
  const containers = [{ index: 1, name: 'main', image: 'app:1', options }];
  assert.deepEqual(await put(ground, 'shop/sets/web', { containers }), [422, 'invalid']);
  await ground.tenants.change('acme', { plan: 'trusted' });
  assert.deepEqual(await put(ground, 'shop/sets/web', { containers }), [200, undefined]);
});

test('a revision is taken up again only as far as the plan allows it now', async (t) => {
  const ground = await world(t, { memory: '1Gi' });
  const { tidegate, platform } = ground;
  const activate = async (revision: string): Promise<number> => {
    const path = `/v1/apps/shop/sets/web/revisions/${revision}/activate`;
    return (await tidegate.ask(path, { method: 'POST', headers: HEADERS })).status;
  };
  const isInForce = (number: number) => () => platform.apps.library.set('acme', 'shop', 'web')?.current === number;
  assert.deepEqual(await put(ground, 'shop/sets/web', { resources: { memory: '512Mi' } }), [200, undefined]);
  await until(isInForce(1), { what: 'the first revision is in force' });
  const containers = [{ index: 1, name: 'main', image: 'app:2' }];
  assert.deepEqual(await put(ground, 'shop/sets/web', { containers, resources: { memory: '128Mi' } }), [
    200,
    undefined,
  ]);
  await until(isInForce(2), { what: 'the second revision is in force' });
  assert.deepEqual(await put(ground, 'shop/sets/db', { resources: { memory: '640Mi' } }), [200, undefined]);
  assert.equal(await activate('r1'), 403);
  await tidegate.ask('/v1/plans/small', { method: PUT, body: { limits: { memory: '2Gi' } } });
  assert.equal(await activate('r1'), 202);
});

test('a revision that is taken up again is counted with the scale of now, not with that of then', async (t) => {
  const ground = await world(t, { memory: '1Gi', replicas: 4 });
  const { tidegate, platform } = ground;
  const web = (image: string, memory: string, max: number) => {
    return { containers: [{ index: 1, name: 'main', image }], resources: { memory }, scale: { min: 0, max } };
  };
  const isInForce = (number: number) => () => platform.apps.library.set('acme', 'shop', 'web')?.current === number;
  const activate = async (revision: string): Promise<number> => {
    const path = `/v1/apps/shop/sets/web/revisions/${revision}/activate`;
    return (await tidegate.ask(path, { method: 'POST', headers: HEADERS })).status;
  };
  assert.deepEqual(await put(ground, 'shop/sets/web', web('app:1', '512Mi', 1)), [200, undefined]);
  await until(isInForce(1), { what: 'the first revision is in force' });
  assert.deepEqual(await put(ground, 'shop/sets/web', web('app:2', '128Mi', 4)), [200, undefined]);
  await until(isInForce(2), { what: 'the second revision is in force' });
  assert.equal(await activate('r1'), 403, 'four times 512 MiB');
  assert.deepEqual(await put(ground, 'shop/sets/web', web('app:3', '128Mi', 1)), [200, undefined]);
  await until(isInForce(3), { what: 'the third revision is in force' });
  assert.deepEqual(await put(ground, 'shop/sets/db', web('db:1', '64Mi', 3)), [200, undefined]);
  assert.equal(await activate('r2'), 202, 'one replica, and not four');
});
