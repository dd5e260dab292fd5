/** The policy of a set through the API: all of what is followed at the edge, and no secret. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { policy, snapshot } from '#test/router/sample';
import { Tidegate } from './tidegate.ts';

test('what is off is null, and what is on is shown without hashes and secret headers', async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(snapshot('default/plain/web', []));
  const edge = [
    'headers',
    'cors',
    'auth',
    'clients',
    'client_certificates',
    'redirect',
    'compress',
    'hsts',
    'slow_start',
    'outlier',
  ];
  const plain = await tidegate.json('/v1/apps/plain/sets/web');
  for (const name of edge) assert.equal(plain.json.at(`policy.${name}`), null, name);
  const none = { set: [], remove: ['server'] };
  const request = { set: [['x-api-key', 'hunter2'] as const, ['x-a', 'b'] as const], remove: [] };
  const full = policy({
    slowStartMs: 30_000,
    outlier: { errors: 5, timeMs: 10_000 },
    headers: { request, response: none },
    auth: { users: [{ name: 'ann', hash: '$2b$hunter2' }], realm: 'Shop', forward: false },
    clients: { allow: ['192.0.2.0/24'], deny: [] },
    clientCertificates: { authority: 'partners', optional: true },
    redirect: { to: 'https://new.test', status: '308', www: 'off' },
    compress: ['br', 'gzip'],
    hsts: { maxAgeS: 600, subdomains: true, preload: false },
  });
  tidegate.discover(snapshot('default/shop/web', [], { policy: full }));
  const { json } = await tidegate.json('/v1/apps/shop/sets/web');
  assert.doesNotMatch(JSON.stringify(json.value), /hunter2/);
  assert.deepEqual(
    edge.map((name) => json.at(`policy.${name}`)),
    [
      {
        request: {
          set: [
            { name: 'x-api-key', value: null },
            { name: 'x-a', value: 'b' },
          ],
          remove: [],
        },
        response: none,
      },
      null,
      { users: ['ann'], realm: 'Shop', forward: false },
      { allow: ['192.0.2.0/24'], deny: [] },
      { authority: 'partners', optional: true },
      { to: 'https://new.test', status: '308', www: 'off' },
      ['br', 'gzip'],
      { max_age: 600, subdomains: true, preload: false },
      '30s',
      { errors: 5, time: '10s' },
    ],
  );
});
