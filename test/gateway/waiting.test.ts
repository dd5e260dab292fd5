/** Requests for sets that have nothing ready: held, shown a page, or told why not. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Admission, Admitter } from '#router/admission';
import { until } from '#test/support/until';
import { HandAdmitter } from './support/admitters.ts';
import { onEveryLane } from './support/rig.ts';
import { echo } from './support/upstreams.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8', 'sec-fetch-mode': 'navigate' };

const holding = new HandAdmitter();
onEveryLane('a request for a sleeping set is held and says afterwards how long', { admitter: holding }, async (rig) => {
  const replica = await rig.app(echo);
  const { pool } = rig.addSet({ ports: [] });
  const answer = rig.send({ method: 'POST', body: 'held' });
  await until(() => holding.held.length === 1);
  const [held] = holding.held;
  assert.equal(held?.pool, pool);
  assert.equal(held?.request.client, '127.0.0.1');
  assert.ok((held?.request.bytes ?? 0) > 50);
  assert.equal(held?.request.tried, null);
  rig.addReplica(pool, replica.port);
  holding.admitOldest(210.06);
  const { status, text, headers } = await answer;
  assert.equal(status, 200);
  assert.equal(JSON.parse(text).body, 'held');
  assert.match(String(headers['server-timing']), /^wake;dur=210\.1, wake-first-byte;dur=\d+\.\d$/);
  assert.equal(pool.inFlight, 0);
  assert.equal(rig.counts().held, 1);
});

const slowly = new HandAdmitter();
onEveryLane(
  'the answer to a wake says where the time went, and how long its replica took',
  { admitter: slowly },
  async (rig) => {
    let finish: () => void = () => {};
    const replica = await rig.app((_request, response) => {
      finish = () => response.end('ok');
    });
    const { pool } = rig.addSet({ ports: [] });
    const answer = rig.send();
    await until(() => slowly.held.length === 1);
    rig.addReplica(pool, replica.port);
    const since = performance.now();
    slowly.admitOldest(100, { tier: 'frozen', decideMs: 1, engineMs: 60, probeMs: 30, queueMs: 9 });
    await until(() => replica.opened() === 1 && pool.inFlight === 1);
    await rig.settled();
    finish();
    const timing = String((await answer).headers['server-timing']);
    const [parts, firstByte = ''] = timing.split(', wake-first-byte;dur=');
    assert.equal(
      parts,
      'wake;dur=100.0, wake-decide;dur=1.0, wake-engine;dur=60.0, wake-probe;dur=30.0, wake-queue;dur=9.0',
    );
    // It was made to wait for 50 ms at least, by a timer that may be early by one.
    assert.ok(Number(firstByte) >= 49 && Number(firstByte) <= performance.now() - since, timing);
    const { firstBytes } = rig.counts();
    assert.deepEqual(Object.keys(firstBytes), ['frozen']);
    assert.equal(
      firstBytes.frozen?.latency.reduce((sum, count) => sum + count),
      1,
    );
    assert.ok(Math.abs((firstBytes.frozen?.latencySumS ?? 0) * 1000 - Number(firstByte)) < 0.1);
  },
);

const full = new HandAdmitter();
onEveryLane('a request held for room alone says nothing of a wake', { admitter: full }, async (rig) => {
  let finish: () => void = () => {};
  const replica = await rig.app((_request, response) => {
    finish = () => response.end('ok');
  });
  const { pool } = rig.addSet({ ports: [replica.port], policy: { concurrency: 1, wake: 'page' } });
  const first = rig.send();
  await until(() => pool.inFlight === 1 && replica.opened() === 1);
  const second = rig.send({ headers: BROWSER });
  await until(() => full.held.length === 1);
  await rig.settled();
  finish();
  await first;
  full.admitOldest(null);
  await until(() => pool.inFlight === 1);
  await rig.settled();
  finish();
  const { status, headers } = await second;
  assert.equal(status, 200);
  assert.equal(headers['server-timing'], undefined);
});

const leaving = new HandAdmitter();
onEveryLane('a client that leaves while it is held leaves the waiting room', { admitter: leaving }, async (rig) => {
  const replica = await rig.app(echo);
  const { pool } = rig.addSet({ ports: [] });
  const wire = await rig.wire('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await until(() => leaving.held.length === 1);
  wire.destroy();
  await until(() => leaving.held[0]?.signal.aborted);
  await rig.quiet();
  assert.equal(rig.counts().aborted, 1);
  assert.equal(replica.opened(), 0);
  assert.equal(pool.inFlight, 0);
});

let admitLate: (admission: Admission) => void = () => {};
const heedless: Admitter = {
  admit: () =>
    new Promise((resolve) => {
      admitLate = resolve;
    }),
  knock: () => null,
};
onEveryLane('an upstream admitted to a client that has just left is released', { admitter: heedless }, async (rig) => {
  const replica = await rig.app(echo);
  const { pool } = rig.addSet({ ports: [] });
  const wire = await rig.wire('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await until(() => rig.gateway.collect().inFlight === 1);
  rig.addReplica(pool, replica.port);
  wire.destroy();
  await rig.quiet();
  const upstream = pool.claim(0, null);
  assert.ok(upstream);
  admitLate({ outcome: 'admitted', upstream, wakeMs: null });
  await until(() => pool.inFlight === 0, { what: 'a released claim' });
  assert.equal(replica.opened(), 0);
});

const refusing = new HandAdmitter();
onEveryLane(
  'every way of being turned away has its code and a time to come back',
  { admitter: refusing },
  async (rig) => {
    rig.addSet({ ports: [] });
    const outcomes = [
      [{ outcome: 'shed', retryAfterS: 3 }, 'waiting_room_full'],
      [{ outcome: 'timed-out', retryAfterS: 4 }, 'wake_timeout'],
      [{ outcome: 'stopped', code: 'stopped', retryAfterS: 5 }, 'stopped'],
      [{ outcome: 'stopped', code: 'no_replicas', retryAfterS: 6 }, 'no_replicas'],
    ] as const;
    for (const [admission, code] of outcomes) {
      const answer = rig.send();
      await until(() => refusing.held.length === 1);
      refusing.held.shift()?.settle(admission);
      const { status, headers } = await answer;
      assert.equal(status, 503);
      assert.equal(headers['x-tidegate-error'], code);
      assert.equal(headers['retry-after'], String(admission.retryAfterS));
    }
  },
);

const knocking = new HandAdmitter();
onEveryLane('wake=page shows a browser a page that loads itself again', { admitter: knocking }, async (rig) => {
  rig.addSet({ ports: [], policy: { wake: 'page' } });
  const { status, headers, text } = await rig.send({ headers: BROWSER });
  assert.equal(status, 503);
  assert.equal(headers['retry-after'], '1');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-tidegate-error'], 'waking');
  assert.match(headers['content-type'] ?? '', /^text\/html/);
  assert.match(text, /<meta http-equiv="refresh" content="1">/);
  assert.match(text, /<html lang="en">/);
  assert.match(text, /role="status"/);
  assert.match(text, /<title>app\.test is waking up<\/title>/);
  assert.doesNotMatch(text, /<script|https?:\/\//);
  assert.ok(text.length < 4096, `${text.length} bytes`);
  assert.equal(knocking.knocks, 1);
  assert.equal(knocking.held.length, 0);
  const style = /<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  assert.match(
    String(headers['content-security-policy']),
    new RegExp(`style-src 'sha256-${hash.replaceAll('+', '\\+')}'`),
  );
});

const programs = new HandAdmitter();
onEveryLane('wake=page holds everything that is no navigation', { admitter: programs }, async (rig) => {
  const { pool } = rig.addSet({ ports: [], policy: { wake: 'page' } });
  const answers = [
    rig.send({ headers: { accept: '*/*' } }),
    rig.send({ headers: { ...BROWSER, 'sec-fetch-mode': 'cors' } }),
    rig.send({ method: 'POST', headers: BROWSER, body: 'x' }),
  ];
  await until(() => programs.held.length === answers.length);
  rig.addReplica(pool, (await rig.app(echo)).port);
  for (let i = 0; i < answers.length; i++) programs.admitOldest(1);
  for (const answer of answers) assert.equal((await answer).status, 200);
  assert.equal(programs.knocks, 0);
});

const closed = new HandAdmitter();
onEveryLane('wake=page tells a browser when there is nothing to wait for', { admitter: closed }, async (rig) => {
  closed.knockAnswer = { code: 'stopped', retryAfterS: 30 };
  rig.addSet({ ports: [], policy: { wake: 'page' } });
  const { status, headers, text } = await rig.send({ headers: BROWSER });
  assert.equal(status, 503);
  assert.equal(headers['x-tidegate-error'], 'stopped');
  assert.equal(headers['retry-after'], '30');
  assert.doesNotMatch(text, /refresh/);
});

onEveryLane(
  'an admitter that breaks costs its own requests an honest answer',
  {
    admitter: { admit: () => Promise.reject(new Error('broken')), knock: () => null },
  },
  async (rig) => {
    rig.addSet({ ports: [] });
    const { status, headers } = await rig.send();
    assert.equal(status, 503);
    assert.equal(headers['x-tidegate-error'], 'no_replicas');
  },
);
