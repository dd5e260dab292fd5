/** Time limits: towards replicas that do not answer, and towards clients that do not go on. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '#test/support/until';
import { onEveryLane } from './support/rig.ts';
import { echo, mutePort } from './support/upstreams.ts';

const SHORT = { connectMs: 300, responseMs: 300, idleMs: 300 };
/** For what must not expire: no stall of a busy machine takes that long. */
const LONGER = { connectMs: 1500, responseMs: 1500, idleMs: 1500 };
const STEP_MS = 200;

onEveryLane('a replica that does not answer in time is given up with 504', {}, async (rig) => {
  let left = false;
  const replica = await rig.app((_request, response) => {
    response.on('close', () => {
      left = true;
    });
  });
  const { pool } = rig.addSet({ ports: [replica.port], policy: { timeout: SHORT } });
  const answer = await rig.send();
  assert.equal(answer.status, 504);
  assert.equal(answer.headers['x-tidegate-error'], 'upstream_timeout');
  await until(() => left, { what: 'an upstream request that is ended' });
  assert.equal(replica.opened(), 1, 'what took too long is not tried again');
  assert.equal(pool.inFlight, 0);
});

onEveryLane('a replica that cannot be reached in time is given up, and another one asked', {}, async (rig) => {
  const mute = rig.owns(await mutePort());
  const good = await rig.app(echo);
  const { pool, upstreams } = rig.addSet({ ports: [mute.port], policy: { timeout: SHORT, lb: { kind: 'rr' } } });
  const suspects: string[] = [];
  pool.watch({ onSuspect: (_pool, upstream) => suspects.push(upstream.name) });
  const alone = await rig.send();
  assert.equal(alone.status, 504);
  assert.equal(alone.headers['x-tidegate-error'], 'upstream_timeout');
  assert.deepEqual(suspects, [upstreams[0]?.name]);
  rig.addReplica(pool, good.port);
  assert.equal((await rig.send({ method: 'POST', body: 'x' })).status, 200);
  assert.equal((await rig.send({ method: 'POST', body: 'x' })).status, 200);
  assert.equal(suspects.length, 2, 'one of the two was meant for the replica that is mute');
});

onEveryLane('an answer in which nothing moves is cut', {}, async (rig) => {
  const replica = await rig.app((_request, response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('12345');
  });
  rig.addSet({ ports: [replica.port], policy: { timeout: SHORT } });
  await assert.rejects(rig.send(), { code: 'ECONNRESET' });
  await rig.quiet();
  assert.equal(rig.counts().cut, 1);
  await until(() => replica.open() === 0);
});

onEveryLane('an answer that moves slowly is not cut', {}, async (rig) => {
  const replica = await rig.app((_request, response) => {
    let left = 12;
    const next = (): void => {
      left--;
      if (left === 0) response.end('.');
      else {
        response.write('.');
        setTimeout(next, STEP_MS);
      }
    };
    next();
  });
  rig.addSet({ ports: [replica.port], policy: { timeout: LONGER } });
  assert.equal((await rig.send()).text, '............');
});

onEveryLane('a client that stops in the middle of its body hears 408 and frees the replica', {}, async (rig) => {
  let broken = false;
  const replica = await rig.app((incoming) => {
    incoming.resume();
    incoming.on('close', () => {
      broken = true;
    });
  });
  const { pool } = rig.addSet({ ports: [replica.port], policy: { timeout: SHORT } });
  const text = await rig.talk('POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\n12345');
  assert.match(text, /^HTTP\/1\.1 408 [\s\S]*X-Tidegate-Error: request_timeout/);
  await until(() => broken);
  assert.equal(pool.inFlight, 0);
});

onEveryLane('a body that arrives slowly gives the answer its whole time', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port], policy: { timeout: LONGER } });
  const wire = await rig.wire('POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\n');
  for (const octet of '0123456789') {
    wire.write(octet);
    await sleep(STEP_MS);
  }
  await wire.has('"body":"0123456789"');
});

onEveryLane('a client that reads nothing of its answer is cut off', {}, async (rig) => {
  const replica = await rig.app((_request, response) => {
    response.write(Buffer.alloc(64 * 1024 * 1024));
  });
  const { pool } = rig.addSet({ ports: [replica.port], policy: { timeout: SHORT } });
  const wire = await rig.wire();
  wire.socket.pause();
  wire.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await until(() => pool.claims === 1);
  await until(() => pool.inFlight === 0, { what: 'a released claim' });
  await until(() => replica.open() === 0);
});
