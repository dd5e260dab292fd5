/** A Tidegate whose state is in Redis: it serves what it had, also while Redis is away, and takes up its state again. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testAuthority } from '../certs/certificate-authority.ts';
import { overTls } from '../support/claims.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { runHello } from '../support/hello.ts';
import { freePorts } from '../support/pebble.ts';
import { RedisServer } from '../support/redis.ts';
import { SteadyLoad } from '../support/steady-load.ts';
import { startTidegate, type TidegateProcess } from '../support/tidegate.ts';
import { until } from '../support/until.ts';

let engine: TestEngine;
let redis: RedisServer;
let tidegate: TidegateProcess;
let httpsPort = 0;
const authority = testAuthority();

interface Scale {
  readonly min: number;
  readonly override: { readonly min: number | null } | null;
}

before(async () => {
  engine = await startTestEngine();
  await engine.images.hello();
  redis = await RedisServer.start();
  await runHello(engine, { name: 'shop' });
  const labels = { 'tidegate.app': 'own', 'tidegate.host': 'own.example.test' };
  await runHello(engine, { name: 'own', labels });
  [httpsPort = 0] = await freePorts(1);
  tidegate = await startTidegate({
    docker: engine.socket,
    settings: { TIDEGATE_STORE: redis.url(), TIDEGATE_HTTPS: `127.0.0.1:${httpsPort}`, TIDEGATE_WORKERS: '1' },
  });
});
after(async () => {
  await tidegate?.close();
  await redis?.[Symbol.asyncDispose]();
  await engine?.close();
});

const SCALE = '/v1/apps/shop/sets/web/scale';

function setMin(min: number) {
  return tidegate.admin(SCALE, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ min }),
  });
}

test('what was changed is there after a kill, and the database file is not made', async () => {
  await until(async () => (await tidegate.ask('shop.localhost')).status === 200, { what: 'it is served' });
  assert.equal((await setMin(0)).status, 200);
  await tidegate.kill9();
  await tidegate.start();
  const scale = await tidegate.adminJson<Scale>(SCALE);
  assert.deepEqual([scale.min, scale.override?.min], [0, 0]);
});

test('a second Tidegate on the same store is turned away, with what to do', async () => {
  await assert.rejects(
    startTidegate({ docker: engine.socket, settings: { TIDEGATE_STORE: redis.url() } }),
    /another Tidegate works on the store that TIDEGATE_STORE names/,
  );
});

test('a certificate is served out of Redis by a worker, and goes on being served while Redis is away', async () => {
  const { chain, key } = authority.issue(['own.example.test']);
  const brought = await tidegate.admin('/v1/certificates', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ certificate: chain + authority.certificate, private_key: key }),
  });
  assert.equal(brought.status, 201, brought.body);
  const get = () => overTls({ port: httpsPort, hostname: 'own.example.test', ca: authority.certificate });
  for (let i = 0; i < 4; i++) assert.match(await get(), /^HTTP\/1\.1 200/);
  await redis.kill9();
  for (let i = 0; i < 4; i++) assert.match(await get(), /^HTTP\/1\.1 200/);
  await redis.run();
});

test('while Redis is away requests go on, changes are refused with a reason, and afterwards all is well', async () => {
  const load = new SteadyLoad({ port: tidegate.port, hostname: 'shop.localhost', perSecond: 100 });
  await until(() => load.sent >= 50, { what: 'load' });
  await redis.kill9();
  const refused = await setMin(1);
  assert.ok(refused.status >= 500, String(refused.status));
  assert.match(refused.body, /store\.failed/);
  await redis.run();
  await until(async () => (await setMin(1)).status === 200, { what: 'changes are taken again' });
  const soFar = load.sent;
  await until(() => load.sent >= soFar + 50, { what: 'load after' });
  const { outcomes, sent } = await load.stop();
  assert.deepEqual(outcomes, { '200': sent });
});
