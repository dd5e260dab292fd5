/** What is being removed answers changes with a conflict that says what to wait for. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Platform } from '#test/apps/support/platform';
import { withTenancy } from './tenancy-ground.ts';

const HEADERS = { 'tidegate-tenant': 'acme', prefer: 'wait=30' };
const specOf = (image: string) => ({ containers: [{ image }], port: 8080, resources: { cpu: 1, memory: '64m' } });
const SPEC = specOf('shop:1');

test('a set and then its app are removed: changes meanwhile are conflicts, and reading and removing again are not', async (t) => {
  const platform = new Platform();
  const { tidegate, tenants } = await withTenancy(t, platform);
  await tidegate.ask('/v1/plans/small', { method: 'PUT', body: { limits: {} } });
  await tenants.add('acme', { plan: 'small', state: 'active' }, 0);
  const ask = (method: string, path: string, body?: object) =>
    tidegate.json(`/v1/apps/shop${path}`, {
      method,
      headers: path === '' || method === 'DELETE' ? { 'tidegate-tenant': 'acme' } : HEADERS,
      ...(body === undefined ? {} : { body }),
    });
  for (const set of ['web', 'api']) {
    const made = await ask('PUT', `/sets/${set}`, SPEC);
    assert.equal(made.status, 200, JSON.stringify(made.json.value));
  }
  platform.sticking.add('r1');
  const ofSet = await ask('DELETE', '/sets/web');
  assert.equal(ofSet.status, 202);
  const refused = await ask('PUT', '/sets/web', specOf('shop:2'));
  assert.deepEqual([refused.status, refused.json.at('code')], [409, 'conflict']);
  assert.match(String(refused.json.at('fix.0')), new RegExp(`Wait .*${String(ofSet.json.at('id'))}`));
  const changes = [
    ['PATCH', '/sets/web', { port: 9090 }],
    ['PATCH', '/sets/web/resources', { cpu: 2 }],
    ['PUT', '/sets/web/traffic', { targets: [{ revision: 'r1', weight: 1 }] }],
    ['POST', '/sets/web/revisions/r1/activate', undefined],
    // About all sets of the app.
    ['POST', '/deployments', { image: 'shop:3' }],
    ['POST', '/restart', undefined],
  ] as const;
  for (const [method, path, body] of changes) {
    assert.equal((await ask(method, path, body)).status, 409, `${method} ${path}`);
  }
  assert.equal((await ask('PUT', '/sets/api', SPEC)).status, 200);
  assert.equal((await ask('GET', '/sets/web/spec')).status, 200);
  assert.equal((await ask('DELETE', '/sets/web')).json.at('id'), ofSet.json.at('id'));
  const ofApp = await ask('DELETE', '');
  assert.equal(ofApp.status, 202);
  const ofAll = [
    ['PUT', '/sets/api', SPEC],
    ['PUT', '', { description: 'another' }],
    ['PUT', '/env', { A: 'b' }],
    ['PUT', '/secrets/KEY', { value: 'x' }],
    ['DELETE', '/secrets/KEY', undefined],
    ['POST', '/stop', undefined],
    ['POST', '/start', undefined],
    ['POST', '/rollback', {}],
  ] as const;
  for (const [method, path, body] of ofAll) {
    assert.equal((await ask(method, path, body)).status, 409, `${method} ${path}`);
  }
  platform.sticking.clear();
  platform.replicas.clear();
  for (const { json } of [ofSet, ofApp]) {
    const end = await tidegate.json(`/v1/operations/${String(json.at('id'))}`, { headers: HEADERS });
    assert.equal(end.json.at('state'), 'succeeded');
  }
  assert.equal((await ask('PUT', '/sets/web', SPEC)).status, 200);
});
