/** The store on Redis: the contract of the port, and what is its own (a server that is away, killed, or newer). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { jsonLog, silentLog } from '#core/log';
import { RedisCertificateReader } from '#store/redis-certificate-reader';
import { openRedisStore } from '#store/redis-store';
import { FakeClock } from '#test/support/fake-clock';
import { RedisServer } from '#test/support/redis';
import { until } from '#test/support/until';
import { certificate, event, storeContract } from './store-contract.ts';

let server: RedisServer;
let databases = 0;

before(async () => {
  server = await RedisServer.start('--databases', '100');
});
after(() => server[Symbol.asyncDispose]());

storeContract('redis', async () => {
  const url = server.url(databases++);
  return { open: () => openRedisStore(url, silentLog), dispose: async () => {} };
});

const SCALE = { min: 0, max: 2, replicas: null, by: 'op_a', at: 1 };

test('what was acknowledged outlives a kill of the server, and the connection comes back by itself', async () => {
  await using own = await RedisServer.start();
  const store = await openRedisStore(own.url(), silentLog);
  for (let i = 0; i < 200; i++) await store.putDocument('domain', `d${i}`, { i });
  await own.kill9();
  const waiting = store.putDocument('domain', 'meanwhile', true);
  await own.run();
  await waiting;
  assert.equal((await store.documents('domain')).length, 201);
  await store.appendEvents([event(1)]);
  assert.equal((await store.lastEvents(5)).length, 1);
  await store.close();
});

test('a server that is away or hangs fails every call in time, and says which one it is, without its password', async () => {
  await using own = await RedisServer.start('--requirepass', 'open-sesame');
  const url = `redis://:open-sesame@127.0.0.1:${own.port}`;
  const store = await openRedisStore(url, silentLog);
  own.signal('SIGSTOP');
  const startedAt = performance.now();
  await assert.rejects(store.putScale('default/shop/web', SCALE), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'store.failed');
    assert.match(error.message, new RegExp(`^redis at 127\\.0\\.0\\.1:${own.port}: `));
    assert.doesNotMatch(error.message, /sesame/);
    return true;
  });
  assert.ok(performance.now() - startedAt < 20_000);
  // Nobody waits in a row behind one that has run out of time.
  const nextAt = performance.now();
  await assert.rejects(store.putScale('default/shop/web', SCALE), /does not answer/);
  assert.ok(performance.now() - nextAt < 500);
  own.signal('SIGCONT');
  await until(() => store.putScale('default/shop/web', SCALE).then(() => true), { what: 'it works again' });
  await store.close();
  await assert.rejects(openRedisStore(`redis://:wrong@127.0.0.1:${own.port}`, silentLog), {
    code: 'store.failed',
    message: /WRONGPASS/,
  });
  await own.kill9();
  await assert.rejects(openRedisStore(url, silentLog), { code: 'store.failed' });
});

test('state of a newer version is left alone, and a server that forgets is told of', async () => {
  await using own = await RedisServer.start('--appendonly', 'no');
  const lines: string[] = [];
  const log = jsonLog({ level: 'info', write: (line) => void lines.push(line), wall: Date.now });
  await (await openRedisStore(own.url(), log)).close();
  assert.match(lines.join(''), /set appendonly to yes and appendfsync to always/);
  lines.length = 0;
  await using hasty = await RedisServer.start('--appendfsync', 'everysec');
  await (await openRedisStore(hasty.url(), log)).close();
  assert.equal(lines.length, 1);
  await using careful = await RedisServer.start();
  await (await openRedisStore(careful.url(), log)).close();
  assert.equal(lines.length, 1);
  const redis = new Redis(own.url());
  await redis.set('{tidegate}:shape', '99');
  await assert.rejects(openRedisStore(own.url(), log), { code: 'store.newer' });
  await redis.quit();
});

test('events that were added already, by a call whose answer was lost, are not added again', async () => {
  const store = await openRedisStore(server.url(databases++), silentLog);
  await store.appendEvents([event(1), event(2)]);
  await store.appendEvents([event(1), event(2), event(3)]);
  assert.deepEqual(
    (await store.lastEvents(10)).map(({ id }) => id),
    [event(1).id, event(2).id, event(3).id],
  );
  await store.close();
});

test('one instance at a time holds a store, goes on at once after a kill, and writes nothing once it has lost it', async () => {
  const url = server.url(databases++);
  const clock = new FakeClock();
  const one = await openRedisStore(url, silentLog, { instance: 'one', clock });
  await assert.rejects(openRedisStore(url, silentLog, { instance: 'two', clock }), { code: 'store.locked' });
  const again = await openRedisStore(url, silentLog, { instance: 'one', clock });
  // As if it had been away for too long, and another one had come.
  const redis = new Redis(url);
  await redis.set('{tidegate}:hold', 'two');
  await clock.advance(5000);
  await until(
    () =>
      one.putScale('default/shop/web', SCALE).then(
        () => false,
        (error: { code?: string }) => error.code === 'store.locked',
      ),
    {
      what: 'it writes nothing any more',
    },
  );
  await one.close();
  await again.close();
  assert.equal(await redis.get('{tidegate}:hold'), 'two');
  await redis.del('{tidegate}:hold');
  const two = await openRedisStore(url, silentLog, { instance: 'two', clock });
  await two.close();
  assert.equal(await redis.exists('{tidegate}:hold'), 0);
  await redis.quit();
});

test('keys and values of others in the same database are not touched', async () => {
  const url = server.url(databases++);
  const redis = new Redis(url);
  await redis.set('of-others', 'kept');
  const store = await openRedisStore(url, silentLog);
  await store.putDocument('domain', 'a', 1);
  await store.putCertificate(certificate('crt_a', ['a.test']));
  const keys = await redis.keys('*');
  assert.deepEqual(
    keys.filter((key) => !key.startsWith('{tidegate}:')),
    ['of-others'],
  );
  await store.close();
  await redis.quit();
});

test('a reader sees what another process has written, the newest that is accepted', async () => {
  const url = server.url(databases++);
  const store = await openRedisStore(url, silentLog);
  const reader = new RedisCertificateReader(url);
  assert.equal(await reader.newest('a.test', () => true), null);
  await store.putCertificate(certificate('crt_a', ['a.test'], { createdAt: 1 }));
  await store.putCertificate(certificate('crt_b', ['a.test'], { createdAt: 2 }));
  assert.equal((await reader.newest('a.test', () => true))?.id, 'crt_b');
  assert.equal((await reader.newest('a.test', ({ id }) => id === 'crt_a'))?.id, 'crt_a');
  reader.close();
  await store.close();
});
