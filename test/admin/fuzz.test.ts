/**
 * Every path and method of the OpenAPI document, asked for in thousands of wrong ways: never a 500, never a hang, and never
 * anything without a token. Longer, or from another seed: TIDEGATE_TEST_FUZZ_REQUESTS, TIDEGATE_TEST_SEED.
 */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Platform } from '#test/apps/support/platform';
import { route, seeded, snapshot } from '#test/router/sample';
import { readDocument } from './api-document.ts';
import { type FuzzRequest, FuzzRequests } from './fuzz-requests.ts';
import { type TenancyGround, withTenancy } from './tenancy-ground.ts';
import { live, TENANT_TOKEN, TOKEN } from './tidegate.ts';

const SEED = Number(process.env.TIDEGATE_TEST_SEED ?? 1);
const REQUESTS = Number(process.env.TIDEGATE_TEST_FUZZ_REQUESTS ?? 3000);
const ANSWER_MAX_MS = 5000;
const TENANTS = ['default', 'acme'];

async function world(t: TestContext) {
  const ground = await withTenancy(t, new Platform());
  const { tidegate, tenants, token } = ground;
  await tenants.add('acme', { plan: 'unlimited', state: 'active' }, 0);
  for (const tenant of TENANTS) {
    for (const app of ['shop', 'blog']) {
      tidegate.discover(snapshot(`${tenant}/${app}/web`, [route(`${app}.${tenant}.example`)]), live());
      tidegate.ports.record({ type: 'set.awake', tenant, app, set: 'web', cause: 'x' });
    }
  }
  const set = { containers: [{ index: 1, name: 'main', image: 'app:1' }], port: 80 };
  assert.equal((await tidegate.ask('/v1/apps/own/sets/web', { method: 'PUT', body: set })).status, 200);
  const made = await token({ name: 'ci', role: 'owner' }, 'acme');
  const document = readDocument(await (await tidegate.ask('/openapi.json')).json());
  const names = ['shop', 'blog', 'own', 'web', 'default', 'acme', 'ci', made.id, 'a.test', 'unlimited', 'small', 'r1'];
  const requests = new FuzzRequests({ document, random: seeded(SEED), names });
  return { ...ground, document, requests };
}

async function send({ tidegate }: TenancyGround, request: FuzzRequest, token: string | null) {
  const { operation, path, headers, body } = request;
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const init = {
    method: operation.method,
    headers: { ...headers, ...authorization },
    ...(body === undefined ? {} : { body }),
  };
  const began = performance.now();
  const response = await tidegate.app.request(path, init, { incoming: { socket: { remoteAddress: '127.0.0.1' } } });
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('text/event-stream')) await response.body?.cancel();
  const text = type.startsWith('text/event-stream') ? '' : await response.text();
  return { status: response.status, type, text, ms: performance.now() - began };
}

test('no request of any shape ends in a 500 or hangs, and each refusal is a problem with a code', async (t) => {
  const ground = await world(t);
  const { document, requests } = ground;
  const { operations } = document;
  const tokens = [TOKEN, TOKEN, TENANT_TOKEN];
  const seen = new Map<number, number>();
  for (let n = 0; n < REQUESTS; n++) {
    const operation = operations[n % operations.length];
    if (operation === undefined) break;
    const request = requests.next(operation);
    const { status, type, text, ms } = await send(ground, request, tokens[n % tokens.length] ?? null);
    const what = `seed ${SEED}, request ${n}: ${operation.method} ${request.path.slice(0, 300)} ${request.body?.slice(0, 300)}`;
    seen.set(status, (seen.get(status) ?? 0) + 1);
    assert.ok(ms < ANSWER_MAX_MS, `${what} took ${ms} ms`);
    assert.ok(
      status < 500 || (status === 503 && JSON.parse(text).code === 'unavailable'),
      `${what} → ${status} ${text}`,
    );
    if (status < 400) continue;
    assert.equal(type, 'application/problem+json', what);
    const problem = JSON.parse(text);
    assert.equal(problem.status, status, what);
    assert.match(problem.code, /^[a-z_.]+$/, what);
  }
  assert.deepEqual(ground.tidegate.logged, [], 'nothing failed within');
  for (const status of [200, 201, 204, 400, 403, 404, 413, 422]) assert.ok(seen.has(status), `${status} came about`);
});

test('without a token in force nothing under /v1 is answered but with 401, whatever is sent', async (t) => {
  const ground = await world(t);
  const { document, requests } = ground;
  const guarded = document.operations.filter(({ path }) => path.startsWith('/v1'));
  /** Opened by a ticket in its URL, which browsers need, and by no token. */
  const byTicket = ['/v1/exec'];
  const wrong = [null, 'x', `${TOKEN}x`, 'tide_op_01ARZ3NDEKTSV4RRFFQ69G5FAV_00', '\u00ff', '0'.repeat(5000)];
  assert.ok(guarded.length > 30, 'the document is the whole one');
  for (let n = 0; n < REQUESTS / 4; n++) {
    const operation = guarded[n % guarded.length];
    if (operation === undefined) break;
    const request = requests.next(operation);
    const { status, text } = await send(ground, request, wrong[n % wrong.length] ?? null);
    const isRefused = byTicket.includes(operation.path) ? status >= 400 && status < 500 : status === 401;
    assert.ok(isRefused, `seed ${SEED}, request ${n}: ${operation.method} ${request.path.slice(0, 300)} → ${text}`);
  }
  const { store, tidegate } = ground;
  assert.deepEqual([tidegate.settings.size, tidegate.leases.length, tidegate.domains.calls.length], [0, 0, 0]);
  assert.equal((await store.documents('token')).length, 1, 'nothing was made');
});

test('only the paths that are meant to be open are', async (t) => {
  const { document } = await world(t);
  const open = document.operations.filter(({ needs }) => needs === null).map(({ path }) => path);
  assert.deepEqual(open, ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs', '/v1/exec']);
});
