/** What tokens reach: scopes that hold one another, and apps by name or by how their names begin. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { holdsResources, holdsScope, isAppResource, reachesApp, roleOf } from '#core/access-scope';

test('a scope holds those before it and none after it', () => {
  assert.equal(holdsScope(['manage'], 'read'), true);
  assert.equal(holdsScope(['manage'], 'manage'), true);
  assert.equal(holdsScope(['manage'], 'admin'), false);
  assert.equal(holdsScope(['read', 'admin'], 'manage'), true);
  assert.equal(holdsScope([], 'read'), false);
});

test('the highest scope names the role', () => {
  assert.deepEqual(
    [roleOf(['read']), roleOf(['deploy', 'read']), roleOf(['manage']), roleOf(['admin']), roleOf([])],
    ['viewer', 'developer', 'manager', 'owner', null],
  );
});

test('a resource is an app, or the beginning of names', () => {
  for (const text of ['app:shop', 'app:shop-*', 'app:*', 'app:a']) assert.equal(isAppResource(text), true, text);
  for (const text of ['shop', 'app:', 'app:Shop', 'app:shop-', 'app:s*p', 'set:shop', 'app:shop/web', 'app:**']) {
    assert.equal(isAppResource(text), false, text);
  }
});

test('a token reaches the apps it names, or all when it names none', () => {
  assert.equal(reachesApp([], 'shop'), true);
  assert.equal(reachesApp(['app:shop'], 'shop'), true);
  assert.equal(reachesApp(['app:shop'], 'shop-2'), false);
  assert.equal(reachesApp(['app:blog', 'app:shop-*'], 'shop-2'), true);
  assert.equal(reachesApp(['app:shop-*'], 'shop'), false);
});

test('what is limited holds nothing that is limited less', () => {
  assert.equal(holdsResources([], []), true);
  assert.equal(holdsResources(['app:shop'], []), false);
  assert.equal(holdsResources(['app:shop'], ['app:shop']), true);
  assert.equal(holdsResources(['app:shop'], ['app:shop*']), false);
  assert.equal(holdsResources(['app:shop*'], ['app:shop-*', 'app:shop']), true);
  assert.equal(holdsResources(['app:shop-*'], ['app:shop*']), false);
  assert.equal(holdsResources(['app:a', 'app:b'], ['app:b']), true);
});
