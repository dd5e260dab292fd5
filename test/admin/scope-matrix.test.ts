/** Scope by endpoint: every operation of the document is open to who holds what it declares, and to nobody else. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { ACCESS_SCOPES, type AccessScope, holdsScope } from '#core/access-scope';
import { Platform } from '#test/apps/support/platform';
import { route, snapshot } from '#test/router/sample';
import { type ApiDocument, type Operation, pathOf, readDocument } from './api-document.ts';
import { type TenancyGround, withTenancy } from './tenancy-ground.ts';
import { live } from './tidegate.ts';

async function world(t: TestContext): Promise<TenancyGround & { document: ApiDocument }> {
  const ground = await withTenancy(t, new Platform());
  ground.tidegate.discover(snapshot('default/shop/web', [route('shop.example')]), live());
  const document = readDocument(await (await ground.tidegate.ask('/openapi.json')).json());
  return { ...ground, document };
}

let made = 0;

/** Whether an operation is refused to a fresh token, before anything else is looked at. */
async function isRefused(
  ground: TenancyGround,
  operation: Operation,
  wish: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { id, text } = await ground.token({ name: `t-${made++}`, ...wish });
  // Its own id where a token is meant: that needs no more than what is declared.
  const path = pathOf(operation, (name) => (name === 'app' ? 'shop' : name === 'token' ? id : 'web'));
  const body = operation.body === null ? {} : { body: {} };
  const response = await ground.as(text, path, { method: operation.method, ...body });
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) await response.body?.cancel();
  assert.notEqual(response.status, 401, `${operation.method} ${path}`);
  return response.status === 403 && ((await response.json()) as { code: string }).code === 'forbidden';
}

test('every operation under /v1 declares what it needs', async (t) => {
  const { document } = await world(t);
  const known = [...ACCESS_SCOPES, 'operator'];
  // A ticket in the URL opens it, which only who may run commands gets.
  const isTicketed = ({ id }: Operation): boolean => id === 'openExec';
  const guarded = document.operations.filter((one) => one.path.startsWith('/v1') && !isTicketed(one));
  const wrong = guarded.filter(({ needs }) => !known.includes(needs ?? ''));
  assert.deepEqual(wrong, []);
  const changing = document.operations.filter(({ method, needs }) => method !== 'GET' && needs === 'read');
  // What a token may do with itself, and a look that is a POST.
  assert.deepEqual(changing.map(({ id }) => id).sort(), ['revokeToken', 'rotateToken', 'runDomainDiagnosis']);
});

test('a tenant token is refused exactly where its scope does not reach', async (t) => {
  const ground = await world(t);
  for (const operation of ground.document.operations) {
    const { needs } = operation;
    if (needs === null) continue;
    for (const scope of ACCESS_SCOPES) {
      const expected: boolean = needs === 'operator' || !holdsScope([scope], needs as AccessScope);
      const what = `${operation.method} ${operation.path} with ${scope}`;
      assert.equal(await isRefused(ground, operation, { scopes: [scope] }), expected, what);
    }
  }
});

test('what is for operators takes one with "admin" to change, and one that reads to read', async (t) => {
  const ground = await world(t);
  for (const operation of ground.document.operations) {
    if (operation.needs !== 'operator') continue;
    const reader = await isRefused(ground, operation, { kind: 'op', scopes: ['read'] });
    assert.equal(reader, operation.method !== 'GET', `${operation.method} ${operation.path}`);
    assert.equal(await isRefused(ground, operation, { kind: 'op', scopes: ['admin'] }), false, operation.path);
  }
});

test('a token that is limited to apps reaches paths of them, and of no others', async (t) => {
  const ground = await world(t);
  let checked = 0;
  for (const operation of ground.document.operations) {
    if (operation.needs === null || operation.needs === 'operator' || !operation.path.includes('{app}')) continue;
    checked++;
    const limited = (resource: string) => isRefused(ground, operation, { scopes: ['admin'], resources: [resource] });
    assert.equal(await limited('app:shop'), false, operation.path);
    assert.equal(await limited('app:sho'), true, operation.path);
  }
  assert.ok(checked > 5, 'there are paths of apps');
});
