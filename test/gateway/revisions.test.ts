/** Requests choose among the revisions of a set: by weight, by match, by cookie, by who the visitor is. */
import assert from 'node:assert/strict';
import { WebSocket, WebSocketServer } from 'ws';
import type { RevisionRouting, SetPolicy } from '#core/set';
import type { RevisionCounts } from '#gateway/revision-metrics';
import type { Pool } from '#router/pool';
import type { Upstream } from '#router/upstream';
import { seeded } from '#test/router/sample';
import { until } from '#test/support/until';
import { GET, onHttp2, RawClient } from './http2/raw-client.ts';
import { HandAdmitter } from './support/admitters.ts';
import type { Sent } from './support/clients.ts';
import { onEveryLane, type Rig } from './support/rig.ts';
import { closedPort } from './support/upstreams.ts';

const SEED = 20_261_128;
const PROXIED = { trusted: ['127.0.0.1/32'] };
const STICKY: RevisionRouting = { matches: [], sticky: true };
const PREVIEW: RevisionRouting = {
  matches: [
    { kind: 'header', name: 'x-preview', value: 'next', revision: 'r2' },
    { kind: 'cookie', name: 'preview', value: 'next', revision: 'r2' },
  ],
  sticky: false,
};

interface Ground {
  readonly pool: Pool;
  readonly old: Upstream;
  readonly next: Upstream;
}

/** A set with one replica of r1 and one of r2, which answer with their names. */
async function revisions(
  rig: Rig,
  routing: RevisionRouting | null,
  { weights = [90, 10], ...policy }: Partial<SetPolicy> & { weights?: readonly [number, number] } = {},
): Promise<Ground> {
  const { pool } = rig.addSet({ ports: [], policy: { ...policy, revisions: routing } });
  const [old, next] = await Promise.all(
    ['r1', 'r2'].map(async (revision, i) => {
      const { port } = await rig.app((_request, response) => response.end(revision));
      return rig.addReplica(pool, port, { revision, weight: weights[i] ?? 0 });
    }),
  );
  assert.ok(old && next);
  return { pool, old, next };
}

function from(i: number, headers: Record<string, string> = {}): Sent {
  return { headers: { 'x-forwarded-for': `203.0.113.${i}`, ...headers } };
}

function counted(rig: Rig, revision: string): RevisionCounts {
  const found = rig.gateway.collect().revisions.find((one) => one.revision === revision);
  assert.ok(found, `nothing was counted for ${revision}`);
  return found;
}

onEveryLane('without rules each request goes by chance and weight', { random: seeded(SEED) }, async (rig) => {
  await revisions(rig, null);
  let onNew = 0;
  for (let i = 0; i < 250; i++) {
    const answer = await rig.send();
    assert.equal(answer.headers['set-cookie'], undefined);
    if (answer.text === 'r2') onNew++;
  }
  // 25 expected, standard deviation 5: four of them on either side.
  assert.ok(onNew >= 5 && onNew <= 45, `${onNew} of 250 at a weight of 10 in 100`);
});

onEveryLane(
  'a header or a cookie that matches reaches a revision without weight, and nothing else does',
  {},
  async (rig) => {
    const { pool, next } = await revisions(rig, PREVIEW, { weights: [100, 0] });
    for (let i = 0; i < 10; i++) {
      assert.equal((await rig.send()).text, 'r1');
      assert.equal((await rig.send({ headers: { 'x-preview': 'NEXT' } })).text, 'r1');
      assert.equal((await rig.send({ headers: { 'x-preview': 'next, other' } })).text, 'r1');
      const byHeader = await rig.send({ headers: { 'X-Preview': 'next' } });
      const byCookie = await rig.send({ headers: { cookie: 'a=1; preview=next' } });
      assert.deepEqual([byHeader.text, byCookie.text], ['r2', 'r2']);
      assert.equal(byHeader.headers['set-cookie'], undefined);
    }
    pool.drain(next);
    assert.equal((await rig.send({ headers: { 'x-preview': 'next' } })).text, 'r1');
  },
);

onEveryLane('a visitor gets a cookie once and stays on his revision until it has no weight', PROXIED, async (rig) => {
  const { pool, old, next } = await revisions(rig, STICKY, { weights: [50, 50] });
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const first = await rig.send(from(i));
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    assert.match(cookie, /^tidegate_[0-9a-z]+_rev=r[12]; Path=\/; HttpOnly; SameSite=Lax; Max-Age=86400$/);
    const [pair = ''] = cookie.split(';');
    assert.ok(pair.endsWith(`=${first.text}`));
    seen.add(first.text);
    for (const address of [i, i + 100]) {
      const again = await rig.send(from(address, { cookie: `other=1; ${pair}` }));
      assert.deepEqual([again.text, again.headers['set-cookie']], [first.text, undefined]);
    }
  }
  assert.equal(seen.size, 2, 'visitors are spread');
  const name = `${(await rig.send(from(1))).headers['set-cookie']?.[0]}`.split('=')[0];
  pool.weigh(next, 0);
  pool.weigh(old, 100);
  const moved = await rig.send(from(1, { cookie: `${name}=r2` }));
  assert.deepEqual([moved.text, moved.headers['set-cookie']], ['r1', undefined]);
  const forged = await rig.send(from(1, { cookie: `${name}=r2%0d%0aX: y` }));
  assert.equal(forged.text, 'r1');
});

onEveryLane(
  'a visitor without a cookie comes to the same revision each time, and moves only to one that grows',
  PROXIED,
  async (rig) => {
    const { pool, old, next } = await revisions(rig, STICKY, { weights: [90, 10] });
    const visit = async (): Promise<string[]> => {
      const texts: string[] = [];
      for (let i = 0; i < 60; i++) texts.push((await rig.send(from(i))).text);
      return texts;
    };
    const before = await visit();
    assert.deepEqual(await visit(), before);
    pool.weigh(old, 50);
    pool.weigh(next, 50);
    const after = await visit();
    assert.ok(after.filter((one) => one === 'r2').length > before.filter((one) => one === 'r2').length);
    before.forEach((one, i) => {
      if (one === 'r2') assert.equal(after[i], 'r2', `visitor ${i} was on the new revision`);
    });
  },
);

onEveryLane('a cookie over https is for https only', PROXIED, async (rig) => {
  await revisions(rig, STICKY, { weights: [50, 50] });
  const { headers } = await rig.send({ headers: { 'x-forwarded-proto': 'https' } });
  assert.match(headers['set-cookie']?.[0] ?? '', /; Secure; Max-Age=86400$/);
});

onEveryLane('a visitor whom a match sent elsewhere for once is not moved for good', {}, async (rig) => {
  const { pool } = await revisions(rig, { matches: PREVIEW.matches, sticky: true }, { weights: [50, 50] });
  const matched = await rig.send({ headers: { 'x-preview': 'next' } });
  assert.deepEqual([matched.text, matched.headers['set-cookie']], ['r2', undefined]);
  assert.equal(pool.isSplit, true);
});

onEveryLane('the cookie of a replica holds within the revision of its visitor', {}, async (rig) => {
  const { pool, old, next } = await revisions(rig, STICKY, { weights: [50, 50], sticky: 'cookie' });
  const extra = await rig.app((_request, response) => response.end('r2 too'));
  rig.addReplica(pool, extra.port, { revision: 'r2', weight: 50 });
  const first = await rig.send();
  const cookies = first.headers['set-cookie'] ?? [];
  assert.equal(cookies.length, 2);
  const both = cookies.map((one) => one.split(';')[0]).join('; ');
  for (let i = 0; i < 8; i++) {
    const again = await rig.send({ headers: { cookie: both } });
    assert.deepEqual([again.text, again.headers['set-cookie']], [first.text, undefined]);
  }
  const [replicaName = '', revisionName = ''] = cookies.map((one) => one.split('=')[0]);
  // A replica of r1, and a revision that says r2: the revision wins.
  const mixed = await rig.send({ headers: { cookie: `${replicaName}=${old.tag}; ${revisionName}=r2` } });
  assert.match(mixed.text, /^r2/);
  // Only the replica's cookie, from before there was a choice: it keeps its visitor where he is.
  for (let i = 0; i < 8; i++) {
    const kept = await rig.send({ headers: { cookie: `${replicaName}=${next.tag}` } });
    assert.equal(kept.text, 'r2');
    assert.match(kept.headers['set-cookie']?.[0] ?? '', /_rev=r2;/);
  }
  for (const one of pool.upstreams) pool.weigh(one, one.revision === 'r1' ? 100 : 0);
  assert.equal((await rig.send({ headers: { cookie: `${replicaName}=${next.tag}; ${revisionName}=r2` } })).text, 'r1');
});

onEveryLane(
  'a cookie of a replica without weight counts for nothing, also where there are no rules',
  {},
  async (rig) => {
    const { pool, old } = await revisions(rig, null, { weights: [50, 50], sticky: 'cookie' });
    let cookie = '';
    while (!cookie.includes(`=${old.tag}`)) cookie = (await rig.send()).headers['set-cookie']?.[0] ?? '';
    pool.weigh(old, 0);
    const [pair = ''] = cookie.split(';');
    for (let i = 0; i < 5; i++) assert.equal((await rig.send({ headers: { cookie: pair } })).text, 'r2');
  },
);

onEveryLane('a try that failed counts for its revision, and the next stays on it', {}, async (rig) => {
  const { pool, next } = await revisions(rig, PREVIEW, { weights: [100, 0], lb: { kind: 'rr' } });
  const dead = rig.addReplica(pool, await closedPort(), { revision: 'r2', weight: 0 });
  for (let i = 0; i < 10; i++) assert.equal((await rig.send({ headers: { 'x-preview': 'next' } })).text, 'r2');
  assert.ok(rig.counts().retries > 0);
  const { requests, errors } = counted(rig, 'r2');
  assert.equal(errors, rig.counts().retries);
  assert.equal(requests, 10 + errors);
  pool.remove(next);
  assert.equal((await rig.send({ headers: { 'x-preview': 'next' } })).text, 'r1', 'the others stand in');
  assert.equal(dead.inFlight, 0);
});

onEveryLane('requests, errors and times are counted by revision', {}, async (rig) => {
  const { pool } = rig.addSet({ ports: [], policy: { revisions: PREVIEW, retry: 0 } });
  const good = await rig.app((_request, response) => response.end('good'));
  const bad = await rig.app((request, response) => {
    if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': '10' }).write('half');
      setImmediate(() => response.destroy());
    } else if (request.url === '/gone') response.destroy();
    else response.writeHead(request.url === '/500' ? 500 : 404).end();
  });
  rig.addReplica(pool, good.port, { revision: 'r1', weight: 100 });
  rig.addReplica(pool, bad.port, { revision: 'r2', weight: 0 });
  const headers = { 'x-preview': 'next' };
  for (let i = 0; i < 3; i++) await rig.send();
  assert.equal((await rig.send({ headers, path: '/404' })).status, 404);
  assert.equal((await rig.send({ headers, path: '/500' })).status, 500);
  assert.equal((await rig.send({ headers, path: '/gone', method: 'POST', body: 'x' })).status, 502);
  await assert.rejects(rig.send({ headers, path: '/cut' }));
  await rig.quiet();
  const total = (one: RevisionCounts): number => one.latency.reduce((a, b) => a + b);
  const [old, next] = [counted(rig, 'r1'), counted(rig, 'r2')];
  assert.deepEqual([old.requests, old.errors, total(old)], [3, 0, 3]);
  assert.deepEqual([next.requests, next.errors, total(next)], [4, 3, 3]);
  assert.ok(old.latencySumS > 0);
});

onEveryLane('replicas without a revision are not counted by one', {}, async (rig) => {
  const { port } = await rig.app((_request, response) => response.end());
  rig.addSet({ ports: [port] });
  await rig.send();
  assert.deepEqual(rig.gateway.collect().revisions, []);
});

onEveryLane('a WebSocket chooses as a request does', {}, async (rig) => {
  const { pool } = rig.addSet({ ports: [], policy: { revisions: PREVIEW } });
  for (const [revision, weight] of [['r1', 100] as const, ['r2', 0] as const]) {
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => sockets.once('listening', resolve));
    sockets.on('connection', (socket) => socket.send(revision));
    rig.owns({ close: () => void sockets.close() });
    const address = sockets.address();
    assert.ok(address !== null && typeof address === 'object');
    rig.addReplica(pool, address.port, { revision, weight });
  }
  for (const [headers, revision] of [[{}, 'r1'] as const, [{ 'x-preview': 'next' }, 'r2'] as const]) {
    const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/`, { headers: { host: 'app.test', ...headers } });
    const said = await new Promise((resolve, reject) => {
      socket.once('message', (message) => resolve(String(message)));
      socket.once('error', reject);
    });
    assert.equal(said, revision);
    socket.terminate();
  }
});

onHttp2('a request over HTTP/2 chooses as one over HTTP/1 does', {}, async (rig) => {
  await revisions(rig, PREVIEW, { weights: [100, 0] });
  const client = await RawClient.open(rig);
  client.request(1);
  client.request(3, [...GET, 'x-preview', 'next']);
  client.request(5, [...GET, 'cookie', 'a=1', 'cookie', 'preview=next']);
  for (const [stream, revision] of [[1, 'r1'] as const, [3, 'r2'] as const, [5, 'r2'] as const]) {
    await client.ended(stream);
    assert.equal(client.bodyOf(stream).toString(), revision);
  }
});

const hand = new HandAdmitter();

onEveryLane('one that is held says where it belongs', { admitter: hand }, async (rig) => {
  const { pool, old, next } = await revisions(rig, { ...PREVIEW, sticky: true }, { weights: [100, 0] });
  for (const one of [old, next]) pool.drain(one);
  const answer = rig.send({ headers: { 'x-preview': 'next' } });
  await until(() => hand.held.length === 1, { what: 'a held request' });
  const wish = hand.held[0]?.request.wish;
  assert.deepEqual(wish?.matched, ['r2']);
  assert.equal(typeof wish?.visitor, 'number');
  for (const one of [old, next]) pool.drain(one, false);
  hand.admitOldest(null);
  assert.equal((await answer).text, 'r2');
});
