/** What a request has to pass before an upstream is looked for. */
import assert from 'node:assert/strict';
import { until } from '#test/support/until';
import { onEveryLane } from './support/rig.ts';
import { echo } from './support/upstreams.ts';

onEveryLane('a hostname or a path that nobody claims is 404 no_route', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port], route: { path: '/only' } });
  for (const sent of [{ host: 'nobody.test' }, { path: '/other' }, { host: '[::1]' }]) {
    const answer = await rig.send(sent);
    assert.equal(answer.status, 404);
    assert.equal(answer.headers['x-tidegate-error'], 'no_route');
  }
  assert.equal((await rig.send({ path: '/only/this' })).status, 200);
  assert.equal((await rig.send({ path: '/only', host: 'APP.test:8080' })).status, 200);
});

onEveryLane('a path that could mean two different apps is refused', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  rig.addSet({ set: 'admin', ports: [(await rig.app(echo)).port], route: { path: '/admin' } });
  for (const path of ['/x/../admin', '/%61dmin', '//admin', '/admin;x']) {
    const answer = await rig.send({ path });
    assert.equal(answer.status, 400, path);
    assert.equal(answer.headers['x-tidegate-error'], 'bad_request');
  }
  for (const path of ['/x/../y', '/a%20b', '/admin/../admin/x', '//x']) {
    assert.equal((await rig.send({ path })).status, 200, path);
  }
});

onEveryLane('tls=only sends plain requests to https, target and all', { httpsPort: 8443 }, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port], policy: { tls: 'only' } });
  const answer = await rig.send({ path: '/a?b=%20c', method: 'POST', body: 'x' });
  assert.equal(answer.status, 308);
  assert.equal(answer.headers.location, 'https://app.test:8443/a?b=%20c');
});

onEveryLane(
  'tls=only is content behind a trusted proxy that speaks https',
  { trusted: ['127.0.0.1/32'] },
  async (rig) => {
    rig.addSet({ ports: [(await rig.app(echo)).port], policy: { tls: 'only' } });
    assert.equal((await rig.send({ headers: { 'x-forwarded-proto': 'https' } })).status, 200);
    const plain = await rig.send();
    assert.equal(plain.status, 308);
    assert.equal(plain.headers.location, 'https://app.test/');
  },
);

onEveryLane('a target of another scheme is misdirected', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const text = await rig.talk('GET https://app.test/ HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 421 [\s\S]*X-Tidegate-Error: misdirected/);
});

onEveryLane('the rate of one client does not use up that of another', { trusted: ['127.0.0.1/32'] }, async (rig) => {
  const rate = { perSecond: 0.01, burst: 3, key: 'ip' } as const;
  rig.addSet({ ports: [(await rig.app(echo)).port], policy: { rate } });
  const from = async (client: string): Promise<number> =>
    (await rig.send({ headers: { 'x-forwarded-for': client } })).status;
  for (let i = 0; i < 3; i++) assert.equal(await from('203.0.113.1'), 200);
  assert.equal(await from('203.0.113.1'), 429);
  assert.equal(await from('203.0.113.2'), 200);
  const refused = await rig.send({ headers: { 'x-forwarded-for': '203.0.113.1' } });
  assert.equal(refused.headers['x-tidegate-error'], 'rate_limited');
  const seconds = Number(refused.headers['retry-after']);
  assert.ok(seconds > 50 && seconds <= 100, `Retry-After: ${seconds}`);
});

onEveryLane('a rate may be kept by a header or for the whole set', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({
    host: 'key.test',
    set: 'key',
    ports: [replica.port],
    policy: { rate: { perSecond: 0.01, burst: 1, key: { header: 'x-api-key' } } },
  });
  const withKey = async (key: string): Promise<number> =>
    (await rig.send({ host: 'key.test', headers: { 'X-Api-Key': key } })).status;
  assert.deepEqual([await withKey('a'), await withKey('a'), await withKey('b')], [200, 429, 200]);
  const rate = { perSecond: 0.01, burst: 1, key: 'set' } as const;
  rig.addSet({ host: 'set.test', set: 'set', ports: [replica.port], policy: { rate } });
  assert.equal((await rig.send({ host: 'set.test' })).status, 200);
  assert.equal((await rig.send({ host: 'set.test' })).status, 429);
});

onEveryLane('a body that is announced too large is refused before it is sent', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port], policy: { bodyMaxBytes: 10 } });
  const text = await rig.talk(
    'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n',
  );
  assert.match(text, /^HTTP\/1\.1 413 [\s\S]*X-Tidegate-Error: body_too_large/);
  assert.equal(replica.opened(), 0);
  assert.equal((await rig.send({ method: 'POST', body: '1234567890' })).status, 200);
});

onEveryLane('a body of unknown size is cut off where it becomes too large', {}, async (rig) => {
  let broken = false;
  const replica = await rig.app((incoming) => {
    incoming.resume();
    incoming.on('close', () => {
      broken = !incoming.complete;
    });
  });
  rig.addSet({ ports: [replica.port], policy: { bodyMaxBytes: 10 } });
  const wire = await rig.wire('POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n');
  wire.write('8\r\n12345678\r\n');
  await until(() => replica.opened() === 1);
  wire.write('8\r\n12345678\r\n');
  assert.match(await wire.over(), /^HTTP\/1\.1 413 [\s\S]*X-Tidegate-Error: body_too_large/);
  await until(() => broken, { what: 'a replica that sees a broken request' });
});

onEveryLane('OPTIONS with no hops left is answered here', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  const answer = await rig.send({ method: 'OPTIONS', headers: { 'Max-Forwards': '0' } });
  assert.equal(answer.status, 200);
  assert.equal(replica.opened(), 0);
});
