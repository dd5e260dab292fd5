/** The listener of the API, over real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import type { AdminPorts } from '#admin/ports';
import { type AdminServer, startAdminServer } from '#admin/server';
import { systemClock } from '#core/clock';
import { snapshot } from '#test/router/sample';
import { until } from '#test/support/until';
import { StreamReader } from './stream-reader.ts';
import { live, Tidegate, TOKEN } from './tidegate.ts';

const LOOPBACK = '127.0.0.1';
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

interface Started {
  readonly tidegate: Tidegate;
  readonly server: AdminServer;
  readonly url: string;
  /** Readers of events that wait now. */
  waiting(): number;
}

async function start(t: TestContext): Promise<Started> {
  const tidegate = await Tidegate.start();
  let waiting = 0;
  const arrived: AdminPorts['events']['arrived'] = async (position, signal) => {
    waiting++;
    await tidegate.events.arrived(position, signal);
    waiting--;
  };
  const { events } = tidegate;
  const feed: AdminPorts['events'] = {
    get end() {
      return events.end;
    },
    resume: (id) => events.resume(id),
    read: (position, limit) => events.read(position, limit),
    older: (id, limit, passes) => events.older(id, limit, passes),
    arrived,
  };
  const ports = { ...tidegate.ports, clock: systemClock, events: feed };
  const server = await startAdminServer(ports, { host: LOOPBACK, port: 0 });
  t.after(() => server.close());
  return { tidegate, server, url: `http://${LOOPBACK}:${server.port}`, waiting: () => waiting };
}

test('the API answers over the network, with bodies in both directions', async (t) => {
  const { tidegate, url } = await start(t);
  tidegate.discover(snapshot('default/shop/web', []), live());
  const health = await fetch(`${url}/healthz`);
  assert.deepEqual(await health.json(), { status: 'ok', version: '1.2.3' });
  const scale = await fetch(`${url}/v1/apps/shop/sets/web/scale`, {
    method: 'PUT',
    headers: AUTHORIZED,
    body: JSON.stringify({ min: 0 }),
  });
  assert.equal(scale.status, 200);
  assert.equal(tidegate.settings.get('default/shop/web')?.min, 0);
  const missing = await fetch(`${url}/nothing`);
  assert.deepEqual([missing.status, missing.headers.get('content-type')], [404, 'application/problem+json']);
});

test('a request that does not say how long its body is, is served: without one, and with one in chunks', async (t) => {
  const { tidegate, url } = await start(t);
  tidegate.discover(snapshot('default/shop/web', []), live());
  const bind = { method: 'POST', headers: AUTHORIZED, body: JSON.stringify({ hostname: 'a.test', app: 'shop' }) };
  await fetch(`${url}/v1/domains`, bind);
  const removed = await fetch(`${url}/v1/domains/a.test`, { method: 'DELETE', headers: AUTHORIZED });
  assert.equal(removed.status, 204);
  const body = ReadableStream.from([new TextEncoder().encode('{"min":'), new TextEncoder().encode('0}')]);
  const path = `${url}/v1/apps/shop/sets/web/scale`;
  const chunked = await fetch(path, { method: 'PUT', headers: AUTHORIZED, body, duplex: 'half' } as RequestInit);
  assert.equal(chunked.status, 200);
  assert.equal(tidegate.settings.get('default/shop/web')?.min, 0);
});

test('a body that grows over the limit while it streams is refused', async (t) => {
  const { tidegate, url } = await start(t);
  tidegate.discover(snapshot('default/shop/web', []), live());
  const chunk = new Uint8Array(64 * 1024).fill(32);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ < 32) controller.enqueue(chunk);
      else controller.close();
    },
  });
  const path = `${url}/v1/apps/shop/sets/web/scale`;
  const response = await fetch(path, { method: 'PUT', headers: AUTHORIZED, body, duplex: 'half' } as RequestInit);
  assert.equal(response.status, 413);
});

test('events stream over the network as they happen', async (t) => {
  const { tidegate, url } = await start(t);
  const response = await fetch(`${url}/v1/events`, { headers: { ...AUTHORIZED, accept: 'text/event-stream' } });
  const stream = new StreamReader(response);
  t.after(() => stream.cancel());
  await stream.next();
  for (const cause of ['a', 'b', 'c']) {
    tidegate.ports.record({ type: 'set.awake', tenant: 'default', cause });
    assert.deepEqual(await stream.causes(1), [cause]);
  }
});

test('a client that drops its connection ends its stream', async (t) => {
  const { url, waiting } = await start(t);
  const gone = new AbortController();
  const response = await fetch(`${url}/v1/events`, {
    headers: { ...AUTHORIZED, accept: 'text/event-stream' },
    signal: gone.signal,
  });
  const stream = new StreamReader(response);
  await stream.next();
  await until(() => waiting() === 1, { what: 'the stream waits for events' });
  gone.abort();
  await until(() => waiting() === 0, { what: 'nobody waits for events any more' });
});

test('closing ends streams and idle connections, and frees the address', async (t) => {
  const { server, url } = await start(t);
  const response = await fetch(`${url}/v1/events`, { headers: { ...AUTHORIZED, accept: 'text/event-stream' } });
  const stream = new StreamReader(response);
  await stream.next();
  const idle = connect(server.port, LOOPBACK);
  t.after(() => idle.destroy());
  await once(idle, 'connect');
  const ended = stream.ended();
  await server.close();
  assert.equal(await ended, true);
  const next = createServer().listen(server.port, LOOPBACK);
  await once(next, 'listening');
  next.close();
});

test('an address that is taken is one clear failure', async (t) => {
  const { server, tidegate } = await start(t);
  await assert.rejects(startAdminServer(tidegate.ports, { host: LOOPBACK, port: server.port }), {
    code: 'listener.in_use',
    message: `the admin API cannot listen on ${LOOPBACK}:${server.port}: it is taken`,
  });
});

test('what is no HTTP is answered 400 and harms nobody', async (t) => {
  const { server, url } = await start(t);
  const socket = connect(server.port, LOOPBACK);
  t.after(() => socket.destroy());
  socket.end('NONSENSE\r\n\r\n');
  let said = '';
  for await (const text of socket.setEncoding('utf8')) said += text;
  assert.match(said, /^HTTP\/1\.1 400 /);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});
