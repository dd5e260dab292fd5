/** Changes of one set and one app that come at the same time: each goes by what the one before it left. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Platform } from '#test/apps/support/platform';
import { withTenancy } from './tenancy-ground.ts';

const HEADERS = { 'tidegate-tenant': 'acme', prefer: 'wait=30' };
const SPEC = { containers: [{ image: 'shop:1' }], port: 8080, resources: { cpu: 1, memory: '64m' } };

test('of two that change the same version one is refused; patches of different parts are all kept', async (t) => {
  const platform = new Platform();
  const { tidegate, tenants } = await withTenancy(t, platform);
  await tidegate.ask('/v1/plans/small', { method: 'PUT', body: { limits: {} } });
  await tenants.add('acme', { plan: 'small', state: 'active' }, 0);
  const ask = (method: string, path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    tidegate.ask(`/v1/apps/shop${path}`, { method, headers: { ...HEADERS, ...headers }, body });
  assert.equal((await ask('PUT', '/sets/web', SPEC)).status, 200);
  const read = () => tidegate.ask('/v1/apps/shop/sets/web/spec', { headers: { 'tidegate-tenant': 'acme' } });
  const tag = (await read()).headers.get('etag') ?? '';
  assert.notEqual(tag, '');
  const drains = ['7s', '8s'].map((drain) => ask('PATCH', '/sets/web', { drain }, { 'if-match': tag }));
  assert.deepEqual((await Promise.all(drains)).map((one) => one.status).sort(), [200, 412]);
  await Promise.all([
    ask('PATCH', '/sets/web', { scale: { max: 4 } }),
    ask('PATCH', '/sets/web', { drain: '9s' }),
    ask('PATCH', '/env', { A: 'yes' }),
    ask('PATCH', '/env', { B: 'yes' }),
  ]);
  const labels = platform.apps.library.set('acme', 'shop', 'web')?.spec.labels;
  assert.deepEqual([labels?.['tidegate.scale.max'], labels?.['tidegate.drain']], ['4', '9s']);
  assert.deepEqual(platform.apps.library.app('acme', 'shop')?.env, { A: 'yes', B: 'yes' });
});
