/** What HTTP/2 forbids (RFC 9113), frame by frame, and what becomes of a client that does it. */
import assert from 'node:assert/strict';
import { FLAG, FRAME, H2_ERROR, PREFACE, SETTING } from '#gateway/http2/frame';
import { echo } from '#test/gateway/support/upstreams';
import { block, frame, GET, onHttp2, POST, RawClient, settings, WHOLE, word } from './raw-client.ts';

type Attack = (client: RawClient) => void;

/** Faults of the connection: GOAWAY with this code, then the end. */
const CONNECTION_FAULTS: Readonly<Record<string, readonly [number, Attack]>> = {
  'DATA for no stream': [H2_ERROR.protocol, (c) => c.data(0, 'x')],
  'DATA for a stream never opened': [H2_ERROR.protocol, (c) => c.data(1, 'x')],
  'HEADERS for no stream': [H2_ERROR.protocol, (c) => c.request(0)],
  'HEADERS for an even stream': [H2_ERROR.protocol, (c) => c.request(2)],
  'HEADERS for a stream that has ended': [
    H2_ERROR.streamClosed,
    (c) => {
      c.request(3);
      c.request(1);
    },
  ],
  'HEADERS again for a request that has ended': [
    H2_ERROR.streamClosed,
    (c) => {
      c.request(1);
      c.request(1);
    },
  ],
  'padding longer than HEADERS': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.headers, flags: WHOLE | FLAG.padded, streamId: 1, payload: '\xff\x82' }),
  ],
  'padding longer than DATA': [
    H2_ERROR.protocol,
    (c) => {
      c.request(1, POST, FLAG.endHeaders);
      c.data(1, '\x05abc', FLAG.padded);
    },
  ],
  'a frame that is too long': [H2_ERROR.frameSize, (c) => c.send({ type: 0xfe, payload: Buffer.alloc(16_385) })],
  'a push from a client': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.pushPromise, streamId: 1, payload: word(2) }),
  ],
  'CONTINUATION of nothing': [H2_ERROR.protocol, (c) => c.send({ type: FRAME.continuation, streamId: 1 })],
  'another frame within a header block': [
    H2_ERROR.protocol,
    (c) => {
      c.request(1, GET, FLAG.endStream);
      c.send({ type: FRAME.ping, payload: '12345678' });
    },
  ],
  'CONTINUATION of another stream': [
    H2_ERROR.protocol,
    (c) => {
      c.request(1, GET, FLAG.endStream);
      c.send({ type: FRAME.continuation, flags: FLAG.endHeaders, streamId: 3 });
    },
  ],
  'an index into nowhere': [
    H2_ERROR.compression,
    (c) => c.send({ type: FRAME.headers, flags: WHOLE, streamId: 1, payload: '\xff\x80\x01' }),
  ],
  'a table larger than was allowed': [
    H2_ERROR.compression,
    (c) => c.send({ type: FRAME.headers, flags: WHOLE, streamId: 1, payload: '\x3f\xe2\x1f\x82' }),
  ],
  'a change of the table within a block': [
    H2_ERROR.compression,
    (c) => c.send({ type: FRAME.headers, flags: WHOLE, streamId: 1, payload: '\x82\x20' }),
  ],
  'SETTINGS for a stream': [H2_ERROR.protocol, (c) => c.send({ type: FRAME.settings, streamId: 1 })],
  'SETTINGS of a wrong length': [H2_ERROR.frameSize, (c) => c.send({ type: FRAME.settings, payload: '12345' })],
  'an answer to SETTINGS with settings in it': [
    H2_ERROR.frameSize,
    (c) => c.send({ type: FRAME.settings, flags: FLAG.ack, payload: settings([SETTING.enablePush, 0]) }),
  ],
  'a window beyond all windows': [
    H2_ERROR.flowControl,
    (c) => c.send({ type: FRAME.settings, payload: settings([SETTING.initialWindowSize, 0x80000000]) }),
  ],
  'a frame size below the least': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.settings, payload: settings([SETTING.maxFrameSize, 16_383]) }),
  ],
  'a frame size beyond the largest': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.settings, payload: settings([SETTING.maxFrameSize, 16_777_216]) }),
  ],
  'half a push': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.settings, payload: settings([SETTING.enablePush, 2]) }),
  ],
  'PING for a stream': [H2_ERROR.protocol, (c) => c.send({ type: FRAME.ping, streamId: 1, payload: '12345678' })],
  'PING of a wrong length': [H2_ERROR.frameSize, (c) => c.send({ type: FRAME.ping, payload: '1234567' })],
  'GOAWAY for a stream': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.goAway, streamId: 1, payload: Buffer.alloc(8) }),
  ],
  'RST_STREAM for no stream': [H2_ERROR.protocol, (c) => c.send({ type: FRAME.reset, payload: word(8) })],
  'RST_STREAM for a stream never opened': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.reset, streamId: 1, payload: word(8) }),
  ],
  'RST_STREAM of a wrong length': [
    H2_ERROR.frameSize,
    (c) => {
      c.request(1);
      c.send({ type: FRAME.reset, streamId: 1, payload: '123' });
    },
  ],
  'WINDOW_UPDATE of nothing': [H2_ERROR.protocol, (c) => c.send({ type: FRAME.windowUpdate, payload: word(0) })],
  'WINDOW_UPDATE beyond all windows': [
    H2_ERROR.flowControl,
    (c) => c.send({ type: FRAME.windowUpdate, payload: word(0x7fffffff) }),
  ],
  'WINDOW_UPDATE for a stream never opened': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.windowUpdate, streamId: 1, payload: word(1) }),
  ],
  'WINDOW_UPDATE of a wrong length': [H2_ERROR.frameSize, (c) => c.send({ type: FRAME.windowUpdate, payload: '123' })],
  'PRIORITY for no stream': [H2_ERROR.protocol, (c) => c.send({ type: FRAME.priority, payload: '12345' })],
};

for (const [name, [code, attack]] of Object.entries(CONNECTION_FAULTS)) {
  onHttp2(`${name} ends the connection`, {}, async (rig) => {
    const { port } = await rig.app((_request, response) => void setTimeout(() => response.end(), 60_000).unref());
    rig.addSet({ ports: [port] });
    const client = await RawClient.open(rig);
    attack(client);
    assert.equal(await client.goneFor(), code);
    await rig.quiet();
  });
}

/** Faults of one stream: it is reset with this code, and the connection serves on. */
const STREAM_FAULTS: Readonly<Record<string, readonly [number, Attack]>> = {
  'WINDOW_UPDATE of nothing': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.windowUpdate, streamId: 1, payload: word(0) }),
  ],
  'WINDOW_UPDATE beyond all windows': [
    H2_ERROR.flowControl,
    (c) => c.send({ type: FRAME.windowUpdate, streamId: 1, payload: word(0x7fffffff) }),
  ],
  'PRIORITY of a wrong length': [
    H2_ERROR.frameSize,
    (c) => c.send({ type: FRAME.priority, streamId: 1, payload: '1' }),
  ],
  'PRIORITY over itself': [
    H2_ERROR.protocol,
    (c) => c.send({ type: FRAME.priority, streamId: 1, payload: Buffer.concat([word(1), Buffer.from([16])]) }),
  ],
  'a body longer than announced': [H2_ERROR.protocol, (c) => c.data(1, '123456', FLAG.endStream)],
  'a body shorter than announced': [H2_ERROR.protocol, (c) => c.data(1, '1234', FLAG.endStream)],
  'no body where one was announced': [H2_ERROR.protocol, (c) => c.data(1, '', FLAG.endStream)],
  'trailers that do not end the request': [
    H2_ERROR.protocol,
    (c) => {
      c.data(1, '12345');
      c.request(1, ['x-sum', '1'], FLAG.endHeaders);
    },
  ],
  'a pseudo-field in trailers': [
    H2_ERROR.protocol,
    (c) => {
      c.data(1, '12345');
      c.request(1, [':path', '/'], WHOLE);
    },
  ],
  'capitals in trailers': [
    H2_ERROR.protocol,
    (c) => {
      c.data(1, '12345');
      c.request(1, ['X-Sum', '1'], WHOLE);
    },
  ],
  'a field of the connection in trailers': [
    H2_ERROR.protocol,
    (c) => {
      c.data(1, '12345');
      c.request(1, ['connection', 'close'], WHOLE);
    },
  ],
};

for (const [name, [code, attack]] of Object.entries(STREAM_FAULTS)) {
  onHttp2(`${name} ends the stream alone`, {}, async (rig) => {
    const { port } = await rig.app(echo);
    rig.addSet({ ports: [port] });
    const client = await RawClient.open(rig);
    client.request(1, [...POST, 'content-length', '5'], FLAG.endHeaders);
    attack(client);
    assert.equal(await client.reset(1), code);
    client.request(3);
    assert.equal(await client.status(3), '200');
    await client.ended(3);
    await rig.quiet();
  });
}

onHttp2('DATA after the end of the request ends the stream', {}, async (rig) => {
  const { port } = await rig.app((_request, response) => void setTimeout(() => response.end(), 60_000).unref());
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.request(1);
  client.data(1, 'x');
  assert.equal(await client.reset(1), H2_ERROR.streamClosed);
});

onHttp2('a stream may not depend on itself', {}, async (rig) => {
  const client = await RawClient.open(rig);
  const payload = Buffer.concat([word(1), Buffer.from([16]), block(GET)]);
  client.send({ type: FRAME.headers, flags: WHOLE | FLAG.priority, streamId: 1, payload });
  assert.equal(await client.reset(1), H2_ERROR.protocol);
});

onHttp2('a malformed request is answered with 400, reset and counted', {}, async (rig) => {
  const client = await RawClient.open(rig);
  client.request(1, [...GET, 'connection', 'close']);
  assert.equal(await client.status(1), '400');
  assert.equal(await client.reset(1), H2_ERROR.protocol);
  const counts = rig.gateway.collect().sets.at(-1);
  assert.equal(counts?.errors.bad_request, 1);
});

onHttp2('another opening than SETTINGS ends the connection', {}, async (rig) => {
  const client = await RawClient.open(rig, null);
  client.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'));
  client.send({ type: FRAME.ping, payload: '12345678' });
  assert.equal(await client.goneFor(), H2_ERROR.protocol);
});

onHttp2('frames of unknown types, flags and settings are passed over', {}, async (rig) => {
  const { port } = await rig.app(echo);
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig, settings([0xf0, 1], [SETTING.maxHeaderListSize, 5]));
  client.send({ type: 0xfa, flags: 0xff, streamId: 7, payload: 'whatever' });
  client.send({ type: FRAME.priority, streamId: 9, payload: Buffer.concat([word(3), Buffer.from([1])]) });
  client.request(1, GET, WHOLE | 0x80);
  assert.equal(await client.status(1), '200');
});

onHttp2('a connection that comes octet by octet is understood like any other', {}, async (rig) => {
  const { port } = await rig.app(echo);
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig, null);
  const all = Buffer.concat([
    PREFACE,
    frame({ type: FRAME.settings }),
    frame({ type: FRAME.headers, flags: FLAG.endHeaders, streamId: 1, payload: block(POST) }),
    frame({ type: FRAME.data, flags: FLAG.padded, streamId: 1, payload: '\x03hello\0\0\0' }),
    frame({ type: FRAME.data, flags: FLAG.endStream, streamId: 1 }),
  ]);
  for (const octet of all) {
    client.write(Buffer.from([octet]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await client.status(1), '200');
  await client.ended(1);
  assert.equal(JSON.parse(client.bodyOf(1).toString()).body, 'hello');
});
