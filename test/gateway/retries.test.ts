/** Retries: on another replica, only when the request may be repeated, and never without end. */
import assert from 'node:assert/strict';
import { until } from '#test/support/until';
import { HandAdmitter } from './support/admitters.ts';
import { onEveryLane } from './support/rig.ts';
import { closedPort, echo, type TestServer } from './support/upstreams.ts';

/** Always picks the first of two and prefers group order: makes choices of the pool predictable. */
const lowest = (): number => 0;

onEveryLane('a replica that refuses connections costs no request, whatever its method', {}, async (rig) => {
  const good = await rig.app(echo);
  const { pool, upstreams } = rig.addSet({ ports: [await closedPort(), good.port], policy: { lb: { kind: 'rr' } } });
  const suspects: string[] = [];
  pool.watch({ onSuspect: (_pool, upstream) => suspects.push(upstream.name) });
  for (const method of ['GET', 'POST', 'PATCH', 'PUT']) {
    const answer = await rig.send({ method, body: method === 'GET' ? '' : 'body' });
    assert.equal(answer.status, 200, method);
    if (method !== 'GET') assert.equal(JSON.parse(answer.text).body, 'body');
  }
  assert.ok(rig.counts().retries > 0);
  assert.ok(suspects.length > 0);
  assert.ok(suspects.every((name) => name === upstreams[0]?.name));
});

onEveryLane('no replica is asked twice by one request', {}, async (rig) => {
  const bad = await Promise.all([1, 2, 3].map(() => rig.raw((socket) => socket.resetAndDestroy())));
  const ports = bad.map((one) => one.port);
  rig.addSet({ ports, policy: { retry: 2, lb: { kind: 'rr' } } });
  for (let i = 0; i < 3; i++) {
    const before = bad.map((one) => one.opened());
    const answer = await rig.send();
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['x-tidegate-error'], 'upstream_reset');
    const asked = bad.map((one, k) => one.opened() - (before[k] ?? 0));
    assert.deepEqual(asked, [1, 1, 1]);
  }
});

onEveryLane('the number of further tries is the policy’s', {}, async (rig) => {
  const bad = await Promise.all([1, 2, 3, 4].map(() => rig.raw((socket) => socket.resetAndDestroy())));
  for (const retry of [0, 1, 2]) {
    rig.addSet({ host: `r${retry}.test`, set: `r${retry}`, ports: bad.map((one) => one.port), policy: { retry } });
    const before = opened(bad);
    assert.equal((await rig.send({ host: `r${retry}.test` })).status, 502);
    assert.equal(opened(bad) - before, retry + 1);
  }
});

onEveryLane('a POST that may have been read is never sent again', {}, async (rig) => {
  const posts: string[] = [];
  const bad = await Promise.all(
    [1, 2].map(() =>
      rig.raw((socket, octets) => {
        posts.push(octets.toString('latin1').split(' ')[0] ?? '');
        socket.resetAndDestroy();
      }),
    ),
  );
  rig.addSet({ ports: bad.map((one) => one.port) });
  for (const body of ['', 'some body']) {
    posts.length = 0;
    const answer = await rig.send({ method: 'POST', body });
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['x-tidegate-error'], 'upstream_reset');
    assert.deepEqual(posts, ['POST']);
  }
});

onEveryLane('a PUT whose body went out is not sent again, one whose body was not sent yet is', {}, async (rig) => {
  const methods: string[] = [];
  const bad = await rig.raw((socket, octets) => {
    methods.push(octets.toString('latin1').split(' ')[0] ?? '');
    socket.resetAndDestroy();
  });
  const good = await rig.app(echo, (server) => {
    server.on('checkContinue', (incoming, response) => {
      response.writeContinue();
      echo(incoming, response);
    });
  });
  const { pool } = rig.addSet({ ports: [bad.port, good.port], policy: { lb: { kind: 'rr' } } });
  const answer = await rig.send({ method: 'PUT', body: 'sent' });
  assert.equal(answer.status, 502);
  // Its turn comes again.
  assert.equal((await rig.send()).status, 200);
  assert.equal(methods.length, 1);
  assert.equal(pool.inFlight, 0);
  const wire = await rig.wire('PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
  await wire.has('HTTP/1.1 100 Continue\r\n\r\n');
  wire.write('late');
  await wire.has('"body":"late"');
  assert.equal(methods.length, 2, 'the bad replica was asked first');
});

onEveryLane('retries end with the budget: a fifth of the requests and a small allowance', {}, async (rig) => {
  const bad = await Promise.all([1, 2].map(() => rig.raw((socket) => socket.resetAndDestroy())));
  rig.addSet({ ports: bad.map((one) => one.port), policy: { retry: 1 } });
  const total = 100;
  for (let i = 0; i < total; i++) await rig.send();
  const { retries } = rig.counts();
  assert.ok(retries >= 10 && retries <= 10 + total * 0.2 + 10, `${retries} retries for ${total} requests`);
  assert.equal(opened(bad), total + retries);
});

const returning = new HandAdmitter();
onEveryLane('a request whose only replica died waits for the next activation', { admitter: returning }, async (rig) => {
  const { pool, upstreams } = rig.addSet({ ports: [await closedPort()] });
  const [dead] = upstreams;
  assert.ok(dead);
  const answer = rig.send({ method: 'POST', body: 'kept' });
  await until(() => returning.held.length === 1);
  assert.deepEqual(returning.held[0]?.request.tried, [dead]);
  pool.remove(dead);
  const good = await rig.app(echo);
  rig.addReplica(pool, good.port);
  returning.admitOldest(12.34);
  const { headers, status, text } = await answer;
  assert.equal(status, 200);
  assert.equal(JSON.parse(text).body, 'kept');
  assert.match(String(headers['server-timing']), /^wake;dur=12\.3, wake-first-byte;dur=\d+\.\d$/);
});

const patient = new HandAdmitter();
onEveryLane(
  'a request whose only replica fails and stays is answered, not held',
  { admitter: patient },
  async (rig) => {
    const bad = await rig.raw((socket) => socket.resetAndDestroy());
    rig.addSet({ ports: [bad.port] });
    const answer = await rig.send();
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['x-tidegate-error'], 'upstream_reset');
    assert.equal(patient.held.length, 1);
    assert.ok(patient.held[0]?.signal.aborted, 'it has left the waiting room');
  },
);

onEveryLane('a replica that stops under load fails no request', { random: lowest }, async (rig) => {
  const leaving = await rig.app((incoming, response) => {
    incoming.resume();
    setTimeout(() => response.end('ok'), 5);
  });
  const staying = await rig.app((incoming, response) => {
    incoming.resume();
    setTimeout(() => response.end('ok'), 5);
  });
  const { pool, upstreams } = rig.addSet({ ports: [leaving.port, staying.port] });
  const statuses = new Map<number, number>();
  let running = true;
  const clients = Array.from({ length: 16 }, async (_, i) => {
    while (running) {
      const { status } = await rig.send(i % 2 === 0 ? {} : { method: 'POST', body: 'x' });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  await until(() => (statuses.get(200) ?? 0) > 100);
  const [first] = upstreams;
  assert.ok(first);
  // As when a container is told to stop: taken out of the pool, then what it has in flight ends, then it is gone.
  pool.drain(first);
  await until(() => first.inFlight === 0);
  pool.remove(first);
  await leaving.close();
  const before = statuses.get(200) ?? 0;
  await until(() => (statuses.get(200) ?? 0) > before + 100);
  running = false;
  await Promise.all(clients);
  assert.deepEqual([...statuses.keys()], [200]);
});

onEveryLane('a replica that is killed under load fails no request that may be repeated', {}, async (rig) => {
  const killed = await rig.app((_request, response) => setTimeout(() => response.end('ok'), 5));
  const staying = await rig.app((_request, response) => setTimeout(() => response.end('ok'), 5));
  rig.addSet({ ports: [killed.port, staying.port] });
  const statuses = new Map<number, number>();
  let running = true;
  const clients = Array.from({ length: 16 }, async () => {
    while (running) {
      const { status } = await rig.send();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  await until(() => (statuses.get(200) ?? 0) > 500);
  await killed.close();
  const before = statuses.get(200) ?? 0;
  await until(() => (statuses.get(200) ?? 0) > before + 20);
  running = false;
  await Promise.all(clients);
  assert.deepEqual([...statuses.keys()], [200]);
});

function opened(servers: readonly TestServer[]): number {
  return servers.reduce((sum, one) => sum + one.opened(), 0);
}
