/** What a client may cost: floods, bombs and windows that never open, each bounded, and other clients served meanwhile. */
import assert from 'node:assert/strict';
import { FLAG, FRAME, H2_ERROR, SETTING } from '#gateway/http2/frame';
import { echo } from '#test/gateway/support/upstreams';
import { until } from '#test/support/until';
import { block, frame, GET, onHttp2, POST, RawClient, settings, WHOLE, word } from './raw-client.ts';

const NEVER = (): void => {};

function many(count: number, one: (i: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => one(i)));
}

function request(streamId: number, fields: readonly string[] = GET): Buffer {
  return frame({ type: FRAME.headers, flags: WHOLE, streamId, payload: block(fields) });
}

function reset(streamId: number): Buffer {
  return frame({ type: FRAME.reset, streamId, payload: word(H2_ERROR.cancel) });
}

onHttp2('who takes back request after request has to leave, others are served', {}, async (rig) => {
  const { port } = await rig.app(NEVER);
  const fine = await rig.app(echo);
  rig.addSet({ ports: [port] });
  rig.addSet({ ports: [fine.port], host: 'fine.test', set: 'fine' });
  const client = await RawClient.open(rig);
  client.write(many(600, (i) => Buffer.concat([request(2 * i + 1), reset(2 * i + 1)])));
  assert.equal(await client.goneFor(), H2_ERROR.enhanceYourCalm);
  assert.equal((await rig.send({ host: 'fine.test' })).status, 200);
  await rig.quiet();
});

onHttp2('who has us reset stream after stream has to leave', {}, async (rig) => {
  const { port } = await rig.app(NEVER);
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  const broken = (id: number): Buffer => frame({ type: FRAME.windowUpdate, streamId: id, payload: word(0) });
  client.write(many(600, (i) => Buffer.concat([request(2 * i + 1), broken(2 * i + 1)])));
  assert.equal(await client.goneFor(), H2_ERROR.enhanceYourCalm);
});

onHttp2('some requests taken back are no offence', {}, async (rig) => {
  const { port } = await rig.app((_request, response) => void setTimeout(() => response.end('late'), 20));
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.write(many(100, (i) => Buffer.concat([request(2 * i + 1), reset(2 * i + 1)])));
  client.request(1001);
  assert.equal(await client.status(1001), '200');
});

const FLOODS: Readonly<Record<string, (i: number) => Buffer>> = {
  PING: () => frame({ type: FRAME.ping, payload: '12345678' }),
  SETTINGS: () => frame({ type: FRAME.settings, payload: settings([SETTING.initialWindowSize, 100]) }),
  PRIORITY: (i) => frame({ type: FRAME.priority, streamId: 2 * i + 1, payload: Buffer.alloc(5) }),
  'WINDOW_UPDATE of one octet': () => frame({ type: FRAME.windowUpdate, payload: word(1) }),
  'unknown frames': () => frame({ type: 0xee }),
};

for (const [name, one] of Object.entries(FLOODS)) {
  onHttp2(`a flood of ${name} ends the connection`, {}, async (rig) => {
    const client = await RawClient.open(rig);
    client.write(many(3000, one));
    assert.equal(await client.goneFor(), H2_ERROR.enhanceYourCalm);
  });
}

onHttp2('a flood of empty DATA ends the connection', {}, async (rig) => {
  const { port } = await rig.app(NEVER);
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.request(1, POST, FLAG.endHeaders);
  client.write(many(3000, () => frame({ type: FRAME.data, streamId: 1, flags: FLAG.padded, payload: '\0' })));
  assert.equal(await client.goneFor(), H2_ERROR.enhanceYourCalm);
});

onHttp2('a flood of CONTINUATION ends the connection', {}, async (rig) => {
  const client = await RawClient.open(rig);
  client.request(1, GET, FLAG.endStream);
  client.write(many(20, () => frame({ type: FRAME.continuation, streamId: 1 })));
  assert.equal(await client.goneFor(), H2_ERROR.enhanceYourCalm);
});

onHttp2('a header block without end ends the connection', {}, async (rig) => {
  const client = await RawClient.open(rig);
  client.request(1, [...GET, 'a', 'x'.repeat(12_000)], FLAG.endStream);
  client.send({ type: FRAME.continuation, streamId: 1, payload: block(['b', 'x'.repeat(12_000)]) });
  assert.equal(await client.goneFor(), H2_ERROR.enhanceYourCalm);
});

onHttp2('a header block in pieces is read as one', {}, async (rig) => {
  const { port } = await rig.app(echo);
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  const octets = block([...GET, 'x-long', 'y'.repeat(9000)]);
  client.send({ type: FRAME.headers, flags: FLAG.endStream, streamId: 1, payload: octets.subarray(0, 7) });
  client.send({ type: FRAME.continuation, streamId: 1, payload: octets.subarray(7, 5000) });
  client.send({ type: FRAME.continuation, flags: FLAG.endHeaders, streamId: 1, payload: octets.subarray(5000) });
  assert.equal(await client.status(1), '200');
  await client.ended(1);
  assert.ok(client.bodyOf(1).includes('y'.repeat(9000)));
});

onHttp2('a header block that is not finished in time ends the connection', { headTimeoutMs: 200 }, async (rig) => {
  const { port } = await rig.app(NEVER);
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.request(1);
  client.request(3, GET, FLAG.endStream);
  assert.equal(await client.goneFor(), H2_ERROR.enhanceYourCalm);
});

onHttp2('a client that says nothing is closed', { headTimeoutMs: 200 }, async (rig) => {
  const client = await RawClient.open(rig, null);
  client.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'));
  await client.goneFor();
  await until(() => rig.gateway.collect().connections === 0, { what: 'a gateway without connections' });
});

onHttp2('fields that decode to more than is taken are answered with 431', {}, async (rig) => {
  const client = await RawClient.open(rig);
  // One entry of four thousand octets, named over and over.
  const entry = Buffer.concat([Buffer.from('400161 7fa11e'.replaceAll(' ', ''), 'hex'), Buffer.alloc(4000, 'x')]);
  const payload = Buffer.concat([block(GET), entry, Buffer.alloc(8000, 0xbe)]);
  client.send({ type: FRAME.headers, flags: WHOLE, streamId: 1, payload });
  assert.equal(await client.status(1), '431');
  client.request(3);
  assert.equal(await client.status(3), '404');
});

onHttp2('more streams at once than were allowed are refused, and may be asked for again', {}, async (rig) => {
  const waiting: (() => void)[] = [];
  const { port } = await rig.app((_request, response) => void waiting.push(() => response.end()));
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.write(many(129, (i) => request(2 * i + 1)));
  assert.equal(await client.reset(257), H2_ERROR.refusedStream);
  await until(() => waiting.length === 128, { what: '128 requests at the replica' });
  for (const answer of waiting.splice(0)) answer();
  await client.ended(255);
  client.request(259);
  await until(() => waiting.length === 1, { what: 'one more request at the replica' });
  waiting[0]?.();
  assert.equal(await client.status(259), '200');
});

onHttp2('an answer waits for its window and comes through it piece by piece', {}, async (rig) => {
  const body = Buffer.alloc(21_000_000, 'abcdefg');
  let sent = 0;
  const { port } = await rig.app((_request, response) => {
    response.write(body, () => {
      sent = body.length;
    });
    response.end();
  });
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig, settings([SETTING.initialWindowSize, 0]));
  client.request(1);
  assert.equal(await client.status(1), '200');
  await client.settled();
  await rig.settled();
  assert.equal(client.bodyOf(1).length, 0);
  // It is the replica that holds what the client does not take.
  assert.equal(sent, 0);
  client.send({ type: FRAME.windowUpdate, streamId: 1, payload: word(10) });
  await until(() => client.bodyOf(1).length === 10, { what: 'ten octets' });
  client.send({ type: FRAME.settings, payload: settings([SETTING.initialWindowSize, 100_000]) });
  // Now it is the window of the connection that is shut.
  await until(() => client.bodyOf(1).length === 65_535, { what: 'all that the connection takes' });
  client.send({ type: FRAME.windowUpdate, payload: word(30_000_000) });
  client.send({ type: FRAME.windowUpdate, streamId: 1, payload: word(30_000_000) });
  await client.ended(1);
  assert.ok(client.bodyOf(1).equals(body));
});

onHttp2('a window may become negative and open again', {}, async (rig) => {
  const { port } = await rig.app((_request, response) => void response.end(Buffer.alloc(50_000, 'x')));
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig, settings([SETTING.initialWindowSize, 1000]));
  client.request(1);
  await until(() => client.bodyOf(1).length === 1000, { what: 'a thousand octets' });
  client.send({ type: FRAME.settings, payload: settings([SETTING.initialWindowSize, 0]) });
  client.send({ type: FRAME.windowUpdate, streamId: 1, payload: word(1000) });
  await client.settled();
  assert.equal(client.bodyOf(1).length, 1000);
  client.send({ type: FRAME.windowUpdate, streamId: 1, payload: word(60_000) });
  await client.ended(1);
  assert.equal(client.bodyOf(1).length, 50_000);
});

onHttp2('streams take turns while one of them has much to send', {}, async (rig) => {
  const { port } = await rig.app((req, response) => void response.end(Buffer.alloc(req.url === '/' ? 1_000_000 : 10)));
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig, settings([SETTING.initialWindowSize, 2_000_000]));
  client.request(1);
  await until(() => client.bodyOf(1).length === 65_535, { what: 'a connection whose window is shut' });
  client.request(3, [':method', 'GET', ':scheme', 'http', ':path', '/small', ':authority', 'app.test']);
  assert.equal(await client.status(3), '200');
  client.send({ type: FRAME.windowUpdate, payload: word(200_000) });
  await client.ended(3);
  assert.equal(client.isEnded(1), false);
});

onHttp2('who sends more than its window ends the stream', {}, async (rig) => {
  const { port } = await rig.app(NEVER);
  const { upstreams } = rig.addSet({ ports: [port] });
  assert.equal(upstreams.length, 1);
  const client = await RawClient.open(rig);
  client.request(1, [...POST, 'content-length', '100000000'], FLAG.endHeaders);
  for (let i = 0; i < 600; i++) client.data(1, Buffer.alloc(16_384));
  assert.equal(await client.reset(1), H2_ERROR.flowControl);
  await rig.quiet();
});

onHttp2('a client that reads no answers gets no further ones, and nothing piles up', {}, async (rig) => {
  const client = await RawClient.open(rig);
  client.send({ type: FRAME.windowUpdate, payload: word(100_000_000) });
  client.socket.pause();
  // Each is answered with 404 by the gateway at once.
  for (let i = 0; i < 400; i++) {
    const octets = many(100, (k) => request(2 * (100 * i + k) + 1));
    client.socket.write(octets);
  }
  const answered = (): number => rig.gateway.collect().sets.at(-1)?.requests[3] ?? 0;
  let before = -1;
  await until(
    async () => {
      const now = answered();
      await rig.settled();
      const still = now > 0 && now === before && answered() === now;
      before = now;
      return still;
    },
    { what: 'a gateway that stops reading' },
  );
  assert.ok(answered() < 40_000, `${answered()} answered`);
});
