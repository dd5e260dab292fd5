/** What lives long on a stream: gRPC both ways to an h2c replica, and WebSocket over HTTP/2 (RFC 8441). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect, createServer, type IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { FLAG, FRAME, H2_ERROR } from '#gateway/http2/frame';
import { serve } from '#test/gateway/support/upstreams';
import { until } from '#test/support/until';
import { onHttp2, RawClient, word } from './raw-client.ts';

const UPGRADE = [
  ':method',
  'CONNECT',
  ':protocol',
  'websocket',
  ':scheme',
  'http',
  ':path',
  '/chat',
  ':authority',
  'app.test',
  'sec-websocket-version',
  '13',
  'origin',
  'http://app.test',
];

onHttp2('gRPC: messages go both ways while both stay open, and trailers end them', {}, async (rig) => {
  const server = createServer();
  let asked: IncomingHttpHeaders = {};
  server.on('stream', (stream, fields) => {
    asked = fields;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
    stream.on('data', (chunk: Buffer) => stream.write(`heard ${chunk}`));
    stream.on('end', () => stream.end());
  });
  const replica = rig.owns(await serve(server as unknown as Parameters<typeof serve>[0]));
  rig.addSet({ ports: [replica.port], policy: { proto: 'h2c' } });
  const session = connect(`http://127.0.0.1:${rig.port}`);
  rig.owns({ close: () => session.destroy() });
  const stream = session.request({
    ':authority': 'app.test',
    ':method': 'POST',
    ':path': '/pkg.Service/Method',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  let heard = '';
  let trailers: IncomingHttpHeaders = {};
  stream.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  stream.on('trailers', (fields) => {
    trailers = fields;
  });
  for (const word of ['one', 'two', 'three']) {
    stream.write(word);
    await until(() => heard.endsWith(`heard ${word}`), { what: `an echo of ${word}` });
  }
  stream.end();
  await until(() => stream.closed, { what: 'the end of the call' });
  assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['0', 'fine']);
  assert.equal(asked.te, 'trailers');
  await rig.quiet();
});

/** Answers an upgrade as RFC 6455 wants it; tells the head. */
function accept(socket: Socket, octets: Buffer): string {
  const head = octets.toString('latin1');
  const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? '';
  const proof = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${proof}\r\nX-Own: yes\r\n\r\n`,
  );
  return head;
}

onHttp2('a WebSocket over HTTP/2 is one over HTTP/1.1 to the replica', {}, async (rig) => {
  let head = '';
  const { port } = await rig.raw((socket, octets) => {
    head = accept(socket, octets);
    socket.on('data', (chunk) => socket.write(`<${chunk.toString()}>`));
  });
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.request(1, UPGRADE, FLAG.endHeaders);
  assert.equal(await client.status(1), '200');
  const { fields } = await client.has(FRAME.headers, 1);
  assert.ok(fields.includes('x-own') && !fields.includes('sec-websocket-accept') && !fields.includes('upgrade'));
  assert.match(head, /^GET \/chat HTTP\/1\.1\r\n/);
  assert.match(head, /Upgrade: websocket\r\n/);
  client.data(1, 'ping');
  await until(() => client.bodyOf(1).toString() === '<ping>', { what: 'an echo' });
  client.data(1, 'more', FLAG.endStream);
  await client.ended(1);
  assert.equal(client.bodyOf(1).toString(), '<ping><more>');
  assert.equal(client.of(FRAME.reset, 1).length, 0);
  await rig.quiet();
  assert.equal(rig.counts().upgrades, 1);
  assert.ok(rig.counts().bytesOut >= 12);
});

onHttp2('a WebSocket that its client resets is closed at the replica', {}, async (rig) => {
  let closed = false;
  const { port } = await rig.raw((socket, octets) => {
    accept(socket, octets);
    socket.on('close', () => {
      closed = true;
    });
  });
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.request(1, UPGRADE, FLAG.endHeaders);
  assert.equal(await client.status(1), '200');
  client.send({ type: FRAME.reset, streamId: 1, payload: word(H2_ERROR.cancel) });
  await until(() => closed, { what: 'a replica whose WebSocket is closed' });
  await rig.quiet();
});

onHttp2('a WebSocket that the replica cuts is reset', {}, async (rig) => {
  const { port } = await rig.raw((socket, octets) => {
    accept(socket, octets);
    socket.once('data', () => socket.resetAndDestroy());
  });
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.request(1, UPGRADE, FLAG.endHeaders);
  assert.equal(await client.status(1), '200');
  client.data(1, 'x');
  assert.equal(await client.reset(1), H2_ERROR.cancel);
  await rig.quiet();
});

onHttp2('a WebSocket that the replica declines is an answer like any other', {}, async (rig) => {
  const { port } = await rig.raw((socket) => {
    socket.end('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno');
  });
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.request(1, UPGRADE, FLAG.endHeaders);
  assert.equal(await client.status(1), '403');
  await client.ended(1);
  assert.equal(await client.reset(1), H2_ERROR.none);
  await rig.quiet();
});

onHttp2('a WebSocket whose replica did not understand the handshake is not opened', {}, async (rig) => {
  const { port } = await rig.raw((socket) => {
    socket.write('HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: no\r\n\r\n');
  });
  rig.addSet({ ports: [port] });
  const client = await RawClient.open(rig);
  client.request(1, UPGRADE, FLAG.endHeaders);
  assert.equal(await client.status(1), '502');
  await rig.quiet();
});
