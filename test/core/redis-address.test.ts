/** Addresses of Redis stores: what they mean, and what is said of those that mean nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRedisAddress } from '#core/redis-address';

test('sentinels, name of the master, database and passwords are read out of one address', () => {
  assert.deepEqual(parseRedisAddress('redis+sentinel://a.test:26380,10.0.0.2,[::1]:7/shop'), {
    value: {
      kind: 'sentinel',
      sentinels: [
        { host: 'a.test', port: 26_380 },
        { host: '10.0.0.2', port: 26_379 },
        { host: '::1', port: 7 },
      ],
      ...{ master: 'shop', database: 0, username: null, password: null, sentinelPassword: null, isTls: false },
      where: 'redis master shop of the sentinels a.test:26380,10.0.0.2,[::1]:7',
    },
  });
  const parsed = parseRedisAddress('rediss+sentinel://me:o%40pen%2F:x@a:1/shop/3?sentinel-password=guard');
  assert.ok('value' in parsed && parsed.value.kind === 'sentinel');
  const { username, password, sentinelPassword, isTls, database, where } = parsed.value;
  assert.deepEqual([username, password, sentinelPassword], ['me', 'o@pen/:x', 'guard']);
  assert.deepEqual([isTls, database, where], [true, 3, 'redis master shop/3 of the sentinels a:1']);
});

test('a password without a user is one', () => {
  const parsed = parseRedisAddress('redis+sentinel://:word@a/shop');
  assert.ok('value' in parsed && parsed.value.kind === 'sentinel');
  assert.deepEqual([parsed.value.username, parsed.value.password], [null, 'word']);
});

test('the password of the sentinels is taken to its end, as it stands', () => {
  const parsed = parseRedisAddress('redis+sentinel://a/shop?sentinel-password=o?pen+@%26');
  assert.ok('value' in parsed && parsed.value.kind === 'sentinel');
  assert.equal(parsed.value.sentinelPassword, 'o?pen+@&');
});

test('one server is one server, and no password of it is in a message', () => {
  const url = 'redis://me:word@host:6380/2';
  assert.deepEqual(parseRedisAddress(url), { value: { kind: 'server', url, where: 'redis at host:6380/2' } });
});

test('what is wrong is named, and never the password', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['redis+sentinel:///shop', /name the sentinels/],
    ['redis+sentinel://a,,b/shop', /"" is not the host:port/],
    ['redis+sentinel://a:0/shop', /"a:0" is not the host:port/],
    ['redis+sentinel://a:99999/shop', /"a:99999"/],
    ['redis+sentinel://a:1:2/shop', /"a:1:2"/],
    ['redis+sentinel://a', /name of the master/],
    ['redis+sentinel://a/', /name of the master/],
    ['redis+sentinel://a/shop/one', /number of the database/],
    ['redis+sentinel://a/shop/1/2', /number of the database/],
    ['redis+sentinel://a/shop?db=1', /"db" is no parameter; there is one: sentinel-password/],
    ['redis+sentinel://:open@sesame@a/shop', /%40 stands for @/],
    ['redis+sentinel://:sesame?x@a/shop', /%3F for \?/],
    ['redis+sentinel://me:sesame?x=1@a/shop', /%3F for \?/],
    ['redis+sentinel://:sesame%zz@a/shop', /% in user or password is written %25/],
    ['redis+cluster://a', /write sqlite, or redis:.*or redis\+sentinel:/],
    ['redis://host:port', /write redis:\/\//],
  ];
  for (const [text, words] of table) {
    const parsed = parseRedisAddress(text);
    assert.ok('problem' in parsed, text);
    assert.match(parsed.problem, words, text);
    assert.doesNotMatch(parsed.problem, /sesame/);
  }
});
