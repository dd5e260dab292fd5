/** Tenancy in a whole Tidegate, as a process: tokens, plans and audit log are there again after a kill -9, and no secret is said. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import test from 'node:test';
import { type AskOptions, ask, startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

/** Nobody answers there: the API does so all the same. */
const DOCKER = 'unix:///nonexistent/docker.sock';

interface Made {
  readonly id: string;
  readonly token: string;
}

async function start(t: { after: (end: () => Promise<void>) => void }): Promise<TidegateProcess> {
  const settings = { TIDEGATE_WORKERS: '0', TIDEGATE_HTTP: 'off', TIDEGATE_TRUSTED_PROXIES: '127.0.0.2/32' };
  const tidegate = await startTidegate({ docker: DOCKER, settings, awaitReady: false });
  t.after(() => tidegate.close());
  return tidegate;
}

function as(tidegate: TidegateProcess, token: string, path: string, options: AskOptions = {}) {
  const headers = { authorization: `Bearer ${token}`, ...options.headers };
  return ask(tidegate.adminPort, { ...options, path, headers });
}

async function make(tidegate: TidegateProcess, wish: object, tenant = 'default'): Promise<Made> {
  const headers = { authorization: `Bearer ${tidegate.operatorToken}`, 'tidegate-tenant': tenant };
  const options = { path: '/v1/tokens', method: 'POST', headers, body: JSON.stringify(wish) };
  const { status, body } = await ask(tidegate.adminPort, options);
  assert.equal(status, 201, body);
  return JSON.parse(body) as Made;
}

test('tokens, tenants, plans and audit records are in force after a kill -9', async (t) => {
  const tidegate = await start(t);
  const plan = { path: '/v1/plans', method: 'POST', body: JSON.stringify({ name: 'small', limits: { tokens: 1 } }) };
  assert.equal((await tidegate.admin('/v1/plans', plan)).status, 201);
  const tenant = { method: 'POST', body: JSON.stringify({ name: 'acme', plan: 'small' }) };
  assert.equal((await tidegate.admin('/v1/tenants', tenant)).status, 201);
  const kept = await make(tidegate, { name: 'owner', role: 'owner' }, 'acme');
  const gone = await make(tidegate, { name: 'gone', role: 'owner' });
  assert.equal((await tidegate.admin('/v1/tokens/gone', { method: 'DELETE' })).status, 204);
  await tidegate.kill9();
  await tidegate.start();
  const me = await as(tidegate, kept.token, '/v1/me');
  assert.deepEqual([me.status, JSON.parse(me.body).tenant], [200, 'acme']);
  assert.equal((await as(tidegate, gone.token, '/v1/me')).status, 401);
  const body = JSON.stringify({ name: 'second', role: 'viewer' });
  const over = await as(tidegate, kept.token, '/v1/tokens', { method: 'POST', body });
  assert.deepEqual([over.status, JSON.parse(over.body).code], [403, 'quota_exceeded']);
  const { items } = await tidegate.adminJson<{ items: { path: string; client: string }[] }>('/v1/audit');
  const paths = items.map(({ path }) => path);
  assert.deepEqual(paths, ['/v1/tokens/{token}', '/v1/tokens', '/v1/tenants', '/v1/plans']);
  assert.equal(items[0]?.client, '127.0.0.1');
  assert.match(String(over.headers['x-request-id']), /^req_/);
});

test('a token that is revoked loses its stream over the network, at once', async (t) => {
  const tidegate = await start(t);
  const { token } = await make(tidegate, { name: 'ci', role: 'viewer' });
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  let isOpen = false;
  let isEnded = false;
  const stream = request({ host: '127.0.0.1', port: tidegate.adminPort, path: '/v1/events', headers, agent: false });
  stream.on('response', (response) => {
    response.on('data', () => {
      isOpen = true;
    });
    response.on('end', () => {
      isEnded = true;
    });
  });
  t.after(() => stream.destroy());
  stream.end();
  await until(() => isOpen, { what: 'the stream begins' });
  assert.equal(isEnded, false);
  await tidegate.admin('/v1/tokens/ci', { method: 'DELETE' });
  await until(() => isEnded, { what: 'the stream ends' });
});

test('a body is not read of who has no token, however large, and the connection goes on', async (t) => {
  const tidegate = await start(t);
  const body = 'x'.repeat(3 * 1024 * 1024);
  const { status } = await ask(tidegate.adminPort, { path: '/v1/tokens', method: 'POST', body });
  assert.equal(status, 401);
  const large = await tidegate.admin('/v1/tokens', { method: 'POST', body });
  assert.equal(large.status, 413);
  assert.equal((await tidegate.admin('/v1/me')).status, 200);
});
