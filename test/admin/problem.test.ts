/** What the API answers when it does not do what was asked. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { TidegateError } from '#core/errors';
import { snapshot } from '#test/router/sample';
import { live, Tidegate } from './tidegate.ts';

const SCALE = '/v1/apps/shop/sets/web/scale';

async function withShop(): Promise<Tidegate> {
  const tidegate = await Tidegate.start();
  tidegate.discover(snapshot('default/shop/web', []), live());
  return tidegate;
}

test('a path that does not exist is a problem document', async () => {
  const tidegate = await withShop();
  for (const path of ['/', '/v1', '/v1/nothing', '/v2/apps', '/v1/apps/shop/sets/web/scale/more', '/metrics/x']) {
    const { status, json } = await tidegate.json(path);
    assert.equal(status, 404, path);
    assert.deepEqual(json.value, {
      type: 'urn:tidegate:problem:not_found',
      title: 'There is no such thing',
      status: 404,
      detail: `There is nothing at ${path}.`,
      instance: path,
      code: 'not_found',
      errors: [],
      fix: ['GET /docs lists all paths.'],
    });
  }
});

test('an object that does not exist is 404, with the one that was perhaps meant', async () => {
  const tidegate = await withShop();
  const table: readonly [path: string, detail: string, fix: readonly string[]][] = [
    ['/v1/apps/shpo', 'This tenant has no app "shpo".', ['Did you mean "shop"?']],
    ['/v1/apps/shop/sets/wep', 'This tenant has no set "wep" in the app "shop".', ['Did you mean "web"?']],
    ['/v1/apps/elsewhere/sets/web', 'This tenant has no app "elsewhere".', []],
  ];
  for (const [path, detail, fix] of table) {
    const { status, json } = await tidegate.json(path);
    assert.deepEqual([status, json.at('detail'), json.at('fix')], [404, detail, fix]);
  }
});

test('a wrong method is 405 and names the right ones', async () => {
  const tidegate = await withShop();
  const table: readonly [method: string, path: string, allow: string][] = [
    ['POST', '/v1/apps', 'GET, HEAD'],
    ['DELETE', SCALE, 'GET, HEAD, PUT'],
    ['GET', '/v1/apps/shop/lease', 'POST'],
    ['PUT', '/healthz', 'GET, HEAD'],
  ];
  for (const [method, path, allow] of table) {
    const response = await tidegate.ask(path, { method });
    assert.equal(response.status, 405, `${method} ${path}`);
    assert.equal(response.headers.get('allow'), allow);
    assert.match(await response.text(), /method_not_allowed/);
  }
});

test('OPTIONS names the methods and grants no other origin anything', async () => {
  const tidegate = await withShop();
  const response = await tidegate.ask(SCALE, { method: 'OPTIONS' });
  assert.deepEqual([response.status, response.headers.get('allow')], [204, 'GET, HEAD, PUT']);
  assert.equal(response.headers.get('access-control-allow-methods'), null);
});

test('HEAD answers as GET does, without a body', async () => {
  const tidegate = await withShop();
  const response = await tidegate.ask('/v1/apps', { method: 'HEAD' });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '');
});

test('a body that is not JSON is 400', async () => {
  const tidegate = await withShop();
  for (const body of ['', '{', '{"min":0', 'min=0', '\u0000']) {
    const { status, json } = await tidegate.json(SCALE, { method: 'PUT', body });
    assert.deepEqual([status, json.at('code')], [400, 'bad_json'], body);
  }
});

test('JSON that is no object is 422', async () => {
  const tidegate = await withShop();
  for (const body of ['null', '[]', '1', '"text"']) {
    const { status, json } = await tidegate.json(SCALE, { method: 'PUT', body });
    assert.deepEqual([status, json.at('errors.0.pointer')], [422, ''], body);
  }
});

test('a body over 1 MiB is 413, one of exactly that size is read', async () => {
  const tidegate = await withShop();
  const padded = (bytes: number): string => `{"min":0}${' '.repeat(bytes - 9)}`;
  const over = await tidegate.json(SCALE, { method: 'PUT', body: padded(1024 * 1024 + 1) });
  assert.deepEqual([over.status, over.json.at('code')], [413, 'body_too_large']);
  assert.equal((await tidegate.ask(SCALE, { method: 'PUT', body: padded(1024 * 1024) })).status, 200);
});

test('a body is read as JSON whatever its content type says', async () => {
  const tidegate = await withShop();
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
    const response = await tidegate.ask(SCALE, { method: 'PUT', body: { min: 0 }, headers: { 'content-type': type } });
    assert.equal(response.status, 200, type);
  }
});

test('a failure below answers with its registered code and what to do, and is logged', async () => {
  const tidegate = await withShop();
  tidegate.fault = new TidegateError('store.failed', 'disk full');
  const { status, json } = await tidegate.json(SCALE, { method: 'PUT', body: { min: 0 } });
  assert.deepEqual([status, json.at('code'), json.at('detail')], [503, 'store.failed', 'disk full']);
  assert.match(String(json.at('fix.0')), /free space/);
  assert.deepEqual(tidegate.logged, ['an API request failed']);
});

test('a fault of the program gives nothing away', async () => {
  const tidegate = await withShop();
  tidegate.fault = new Error('password=hunter2');
  const response = await tidegate.ask(SCALE, { method: 'PUT', body: { min: 0 } });
  const text = await response.text();
  assert.equal(response.status, 500);
  assert.match(text, /"code":"internal"/);
  assert.doesNotMatch(text, /hunter2/);
});
