/** Where requests are sent instead of to the app. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redirect } from '#gateway/policies/redirect';

function asked(hostname: string, target = '/', port = 0): { hostname: string; target: string; port: number } {
  return { hostname, target, port };
}

test('path and query go along, below the path of the target', () => {
  const redirect = new Redirect({ to: 'https://new.example.com/shop', status: '301', www: 'off' });
  assert.equal(redirect.status, 301);
  assert.equal(redirect.locationFor(asked('old.test', '/a?b=%20'), false), 'https://new.example.com/shop/a?b=%20');
  assert.equal(
    redirect.locationFor(asked('old.test', '//evil.test/'), false),
    'https://new.example.com/shop//evil.test/',
  );
  assert.equal(redirect.locationFor(asked('old.test', '*'), true), 'https://new.example.com/shop/');
});

test('a request for the hostname of the target stays', () => {
  const redirect = new Redirect({ to: 'https://new.example.com:8443', status: '308', www: 'off' });
  assert.equal(redirect.locationFor(asked('new.example.com', '/a'), false), null);
  assert.equal(redirect.locationFor(asked('www.new.example.com', '/a'), false), 'https://new.example.com:8443/a');
});

test('www is added or taken away, with scheme and port as they were', () => {
  const add = new Redirect({ to: null, status: '308', www: 'add' });
  assert.equal(add.locationFor(asked('example.com', '/a'), true), 'https://www.example.com/a');
  assert.equal(add.locationFor(asked('example.com', '/a', 8080), false), 'http://www.example.com:8080/a');
  assert.equal(add.locationFor(asked('www.example.com', '/a'), true), null);
  const remove = new Redirect({ to: null, status: '308', www: 'remove' });
  assert.equal(remove.locationFor(asked('www.example.com', '/?q'), false), 'http://example.com/?q');
  assert.equal(remove.locationFor(asked('example.com'), false), null);
  // `www.com` is a name of its own.
  assert.equal(remove.locationFor(asked('www.com'), false), null);
});
