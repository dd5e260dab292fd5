/** Images, before an Engine that says in its own words why it has none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#core/clock';
import { type ErrorCode, isTidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import { openEngine } from '#docker/docker-engine';
import { keptTag } from '#docker/images';
import { type Answer, FakeEngine } from './fake-engine.ts';

async function setUp(pull: () => Answer) {
  const fake = await FakeEngine.start();
  fake.script.set('GET /images/shop:1/json', () => ({ status: 404, body: { message: 'No such image: shop:1' } }));
  fake.script.set('POST /images/create', pull);
  const engine = openEngine({ endpoint: fake.endpoint, host: 'h1', clock: systemClock, log: silentLog });
  return {
    ...{ fake, engine },
    async [Symbol.asyncDispose]() {
      engine.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** Messages of Engine 20.10 to 28, some before the stream of progress begins, some in it. */
const SAID: readonly (readonly [said: string, code: ErrorCode])[] = [
  ["pull access denied for shop, repository does not exist or may require 'docker login': denied", 'image.auth'],
  ['unauthorized: authentication required', 'image.auth'],
  ['Get "https://r.example/v2/": no basic auth credentials', 'image.auth'],
  ['denied: requested access to the resource is denied', 'image.auth'],
  ['manifest for shop:1 not found: manifest unknown: manifest unknown', 'image.not_found'],
  ['Get "https://r.example/v2/": dial tcp 10.0.0.1:443: connect: connection refused', 'image.unreachable'],
  ['Get "https://r.example/v2/": dial tcp: connect: permission denied', 'image.unreachable'],
  ['Get "https://r.example/v2/": dial tcp: lookup r.example: no such host', 'image.unreachable'],
  ['Get "https://r.example/v2/": net/http: TLS handshake timeout', 'image.unreachable'],
  ['Get "https://r.example/v2/": x509: certificate signed by unknown authority', 'image.tls'],
  ['Get "https://r.example/v2/": http: server gave HTTP response to HTTPS client', 'image.tls'],
  ['error parsing HTTP 403 response body: denied: Forbidden', 'image.auth'],
  ['no matching manifest for linux/arm64/v8 in the manifest list entries', 'image.pull_failed'],
  ['toomanyrequests: You have reached your pull rate limit', 'image.pull_failed'],
  ['write /var/lib/docker/tmp/GetImageBlob1: no space left on device', 'image.pull_failed'],
];

for (const [said, code] of SAID) {
  test(`"${said}" is ${code}`, async () => {
    for (const answer of [
      { status: 500, body: { message: said } },
      {
        body: `{"status":"Pulling from shop","id":"1"}\r\n{"errorDetail":{"message":"x"},"error":${JSON.stringify(said)}}\r\n`,
      },
    ]) {
      await using rig = await setUp(() => answer);
      const failure = await rig.engine.ensureImage('shop:1', { pull: 'missing' }).catch((error: unknown) => error);
      assert.ok(isTidegateError(failure, code), String(failure));
      assert.equal(failure.detail.said, said);
    }
  });
}

test('after a pull that failed the next one who asks tries anew', async () => {
  let pulls = 0;
  await using rig = await setUp(() => {
    pulls++;
    return { status: 500, body: { message: 'no space left on device' } };
  });
  for (let n = 1; n <= 2; n++) {
    await assert.rejects(rig.engine.ensureImage('shop:1', { pull: 'missing' }));
    assert.equal(pulls, n);
  }
});

test('a name alone is asked for with a tag: the Engine would pull all there are', async () => {
  await using rig = await setUp(() => ({ status: 500, body: { message: 'x' } }));
  await assert.rejects(rig.engine.ensureImage('r.example:5000/shop', { pull: 'always' }));
  const asked = rig.fake.asked.find(({ path }) => path.endsWith('/images/create'));
  assert.equal(String(asked?.query), 'fromImage=r.example%3A5000%2Fshop&tag=latest');
});

test('the tag that keeps an image is one that the Engine takes, and another for every reason', () => {
  const long = (end: string) => `ins_1/${'t'.repeat(40)}/${'a'.repeat(40)}/${'s'.repeat(40)}/${end}`;
  const reasons = ['a/b-c', 'a-b/c', '…', '', '-x', long('r1'), long('r2')];
  const tags = reasons.map(keptTag);
  for (const tag of tags) assert.match(tag, /^\w[\w.-]{0,127}$/);
  assert.equal(new Set(tags).size, reasons.length);
  assert.equal(keptTag('a/b-c'), tags[0]);
});
