/** Listening and stopping: nothing in flight is broken before its time, and nothing is left after it. */
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '#test/support/until';
import { LANES, onEveryLane, Rig } from './support/rig.ts';
import { serve } from './support/upstreams.ts';

onEveryLane('a request in flight is answered, and its connection closed after it', {}, async (rig) => {
  let finish: () => void = () => {};
  const replica = await rig.app((_request, response) => {
    finish = () => response.end('late');
  });
  const { pool } = rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await until(() => pool.inFlight === 1 && replica.opened() === 1);
  await rig.settled();
  const closing = rig.gateway.close({ graceMs: 20_000 });
  assert.equal(rig.gateway.state, 'draining');
  await assert.rejects(rig.send(), { code: 'ECONNREFUSED' });
  finish();
  assert.match(await wire.over(), /^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*late/i);
  await closing;
  assert.equal(rig.gateway.state, 'stopped');
  await until(() => replica.open() === 0);
});

onEveryLane('an answer that has begun is finished', {}, async (rig) => {
  let finish: () => void = () => {};
  const replica = await rig.app((_request, response) => {
    response.write('begun ');
    finish = () => response.end('and done');
  });
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await wire.has('begun ');
  const closing = rig.gateway.close({ graceMs: 20_000 });
  finish();
  assert.match(await wire.over(), /and done\r\n0\r\n\r\n$/);
  await closing;
});

onEveryLane('a slow reader gets all of an answer that was ready before the end', {}, async (rig) => {
  const body = Buffer.alloc(20 * 1024 * 1024, 'x');
  const replica = await rig.app((_request, response) => response.end(body));
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire();
  wire.socket.pause();
  wire.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await until(() => replica.opened() === 1);
  await rig.settled();
  const closing = rig.gateway.close({ graceMs: 60_000 });
  await rig.settled();
  wire.socket.resume();
  const text = await wire.over();
  assert.equal(text.length - text.indexOf('\r\n\r\n') - 4, body.length);
  await closing;
});

onEveryLane('idle connections are closed at once', {}, async (rig) => {
  const replica = await rig.app((_request, response) => response.end('ok'));
  rig.addSet({ ports: [replica.port] });
  const used = await rig.wire('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await used.has('ok');
  const unused = await rig.wire();
  await until(() => rig.gateway.collect().connections === 2);
  await rig.gateway.close({ graceMs: 60_000 });
  await used.over();
  await unused.over();
  await until(() => replica.open() === 0, { what: 'closed connections to the replica' });
});

onEveryLane('what outlives the grace is closed: requests, streams and WebSockets', {}, async (rig) => {
  const server = createHttpServer((_request, response) => void response.write('endless'));
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('error', () => {}));
  const replica = rig.owns(await serve(server));
  const { pool } = rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await wire.has('endless');
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/`, { headers: { host: 'app.test' } });
  socket.on('error', () => {});
  await until(() => socket.readyState === WebSocket.OPEN);
  assert.equal(pool.inFlight, 2);
  await rig.gateway.close({ graceMs: 100 });
  assert.equal(rig.gateway.state, 'stopped');
  assert.ok(!(await wire.over()).endsWith('0\r\n\r\n'), 'a cut answer must not look complete');
  await until(() => socket.readyState === WebSocket.CLOSED);
  await until(() => replica.open() === 0);
  await until(() => pool.inFlight === 0);
});

onEveryLane('a WebSocket that ends within the grace ends in peace', {}, async (rig) => {
  const server = createHttpServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(message)));
  const replica = rig.owns(await serve(server));
  rig.addSet({ ports: [replica.port] });
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/`, { headers: { host: 'app.test' } });
  await until(() => socket.readyState === WebSocket.OPEN);
  const closing = rig.gateway.close({ graceMs: 20_000 });
  let heard = '';
  socket.on('message', (message) => {
    heard = message.toString();
  });
  socket.send('still there');
  await until(() => heard === 'still there');
  let code = 0;
  socket.on('close', (given) => {
    code = given;
  });
  socket.close(4000);
  await closing;
  await until(() => code === 4000);
});

for (const lane of LANES) {
  test(`an address that is taken is told as such (${lane} lane)`, async () => {
    const holder = await serve(createServer());
    const rig = new Rig({ lane });
    assert.equal(rig.gateway.state, 'starting');
    await assert.rejects(rig.gateway.listen({ host: '127.0.0.1', port: holder.port }), { code: 'listener.in_use' });
    assert.equal(rig.gateway.state, 'starting');
    const bound = await rig.gateway.listen({ host: '127.0.0.1', port: 0 });
    assert.ok(bound.port > 0);
    assert.equal(rig.gateway.state, 'serving');
    await rig.close();
    await rig.close();
    assert.equal(rig.gateway.state, 'stopped');
    await holder.close();
  });
}
