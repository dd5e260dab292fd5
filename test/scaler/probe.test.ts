/** Probes over real sockets. */
import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import test, { type TestContext } from 'node:test';
import { DEFAULT_POLICY, type HealthPolicy, type Protocol } from '#core/set';
import { networkProbe, type Probe, type ProbeResult, probeOf } from '#scaler/probe';

const GENEROUS_MS = 20_000;

interface Ask {
  readonly port: number;
  readonly host?: string;
  readonly proto?: Protocol;
  readonly health?: Partial<HealthPolicy>;
  readonly signal?: AbortSignal;
}

function probe({ port, host = '127.0.0.1', proto = 'http', health = {}, signal }: Ask): Promise<ProbeResult> {
  const policy = { proto, health: { ...DEFAULT_POLICY.health, timeoutMs: GENEROUS_MS, ...health } };
  return networkProbe({ port: 80, dialHost: host, dialPort: port }, policy, signal ?? new AbortController().signal);
}

/** Listens on a free port until the test ends. */
async function listen(t: TestContext, server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}

test('without a path a connection is all that is asked for', async (t) => {
  const port = await listen(t, net.createServer());
  assert.deepEqual(await probe({ port }), { passed: true });
});

test('a port on which nobody listens fails, and says why', async () => {
  const port = await freePort();
  for (const health of [{}, { path: '/' }]) {
    const result = await probe({ port, health });
    assert.match(result.passed ? '' : result.reason, /ECONNREFUSED/);
  }
});

test('with a path the status has to lie in the range', async (t) => {
  const server = http.createServer((request, response) => {
    response.statusCode = Number(request.url?.slice(1));
    response.end();
  });
  const port = await listen(t, server);
  assert.deepEqual(await probe({ port, health: { path: '/204' } }), { passed: true });
  assert.deepEqual(await probe({ port, health: { path: '/399' } }), { passed: true });
  assert.deepEqual(await probe({ port, health: { path: '/404' } }), { passed: false, reason: 'status 404' });
  assert.deepEqual(await probe({ port, health: { path: '/404', status: [404, 404] } }), { passed: true });
});

test('an answer that never ends passes as soon as its status is known', async (t) => {
  const server = http.createServer((_request, response) => {
    response.write('and on');
  });
  const port = await listen(t, server);
  assert.deepEqual(await probe({ port, health: { path: '/' } }), { passed: true });
});

test('one that takes the connection and says nothing fails with the timeout', async (t) => {
  const port = await listen(t, net.createServer());
  const health = { path: '/', timeoutMs: 50 };
  assert.deepEqual(await probe({ port, health }), { passed: false, reason: 'no answer within 50 ms' });
  assert.deepEqual(await probe({ port, health, proto: 'h2c' }), { passed: false, reason: 'no answer within 50 ms' });
});

test('one that closes the connection or speaks something else fails', async (t) => {
  const closing = await listen(
    t,
    net.createServer((socket) => socket.destroy()),
  );
  const talking = await listen(
    t,
    net.createServer((socket) => socket.end('SSH-2.0-OpenSSH_9\r\n')),
  );
  for (const port of [closing, talking]) {
    for (const proto of ['http', 'https', 'h2c'] as const) {
      assert.equal((await probe({ port, proto, health: { path: '/' } })).passed, false);
    }
  }
});

test('HTTP/2 without TLS is asked in its own words', async (t) => {
  const server = http2.createServer((request, response) => {
    response.writeHead(request.url === '/healthz' ? 200 : 500);
    response.end();
  });
  const port = await listen(t, server);
  assert.deepEqual(await probe({ port, proto: 'h2c', health: { path: '/healthz' } }), { passed: true });
  assert.deepEqual(await probe({ port, proto: 'h2c', health: { path: '/' } }), { passed: false, reason: 'status 500' });
});

test('a probe that is given up ends at once', async (t) => {
  const port = await listen(t, net.createServer());
  const stop = new AbortController();
  const result = probe({ port, health: { path: '/' }, signal: stop.signal });
  stop.abort();
  assert.deepEqual(await result, { passed: false, reason: 'given up' });
  assert.equal((await probe({ port, signal: stop.signal })).passed, false);
});

test('an address or a path that Node refuses fails the probe and nothing else', async () => {
  for (const proto of ['http', 'https', 'h2c'] as const) {
    assert.equal((await probe({ port: 70_000, proto })).passed, false);
    assert.equal((await probe({ port: 70_000, proto, health: { path: '/' } })).passed, false);
    assert.equal((await probe({ port: 1, proto, host: '::1', health: { path: '/ä b' } })).passed, false);
  }
});

test('a replica that was made to be looked at in a way of its own is looked at so, and the set times it', async () => {
  const asked: unknown[] = [];
  const probe: Probe = (_endpoint, policy) => {
    asked.push(policy.health);
    return Promise.resolve({ passed: true });
  };
  const policy = { proto: 'http' as const, health: { ...DEFAULT_POLICY.health, path: '/set', timeoutMs: 77 } };
  const endpoint = { port: 1, dialHost: '127.0.0.1', dialPort: 1 };
  const { signal } = new AbortController();
  await probeOf(probe, () => ({ look: { path: '/own', status: [204, 204] } }))(endpoint, policy, signal);
  await probeOf(probe, () => ({}))(endpoint, policy, signal);
  assert.deepEqual(asked, [{ ...policy.health, path: '/own', status: [204, 204] }, policy.health]);
});
