/** A store behind sentinels whose master is killed: what was acknowledged is on the new one, and Tidegate goes on by itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jsonLog, silentLog } from '#core/log';
import { openRedisStore } from '#store/redis-store';
import { RedisSentinels } from '../support/redis-sentinels.ts';
import { startTidegate, type TidegateProcess } from '../support/tidegate.ts';
import { until } from '../support/until.ts';

const FAILOVER_MS = 40_000;

let group: RedisSentinels;
let tidegate: TidegateProcess;

before(async () => {
  group = await RedisSentinels.start();
  // What it keeps is asked of it, not what runs: no Engine is needed.
  tidegate = await startTidegate({
    docker: 'unix:///tmp/tidegate-no-engine.sock',
    settings: { TIDEGATE_STORE: group.address, TIDEGATE_WORKERS: '0' },
    awaitReady: false,
  });
});
after(async () => {
  await tidegate?.close();
  await group?.[Symbol.asyncDispose]();
});

function makeTenant(name: string) {
  return tidegate.admin('/v1/tenants', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
}

async function tenants(): Promise<readonly string[]> {
  const { items } = await tidegate.adminJson<{ items: { name: string }[] }>('/v1/tenants?limit=200');
  return items.map(({ name }) => name);
}

test('a master that is killed amid writes takes no acknowledged one with it, and writes go on at the next', {
  timeout: 120_000,
}, async (t) => {
  const lines: string[] = [];
  const log = jsonLog({ level: 'info', write: (line) => lines.push(line), wall: () => 0 });
  const store = await openRedisStore(group.address, log);
  assert.match(lines.join(''), /set min-replicas-to-write to 1 on all of its servers/);
  const kept = new Map<string, number>();
  const made: string[] = [];
  let isOver = false;
  const writing = (async () => {
    for (let n = 0; !isOver; n++) {
      await store.putDocument('failover', `d${n}`, { n }).then(
        (version) => kept.set(`d${n}`, version),
        (error) => assert.equal(error.code, 'store.failed'),
      );
      // Gives the process its turn also while every call fails at once.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  t.after(async () => {
    isOver = true;
    await writing;
    await store.close();
  });
  await until(() => kept.size > 200, { what: 'writes' });
  for (let n = 0; n < 5; n++) {
    assert.equal((await makeTenant(`before${n}`)).status, 201);
    made.push(`before${n}`);
  }
  const old = await group.master();
  await old.kill9();
  const killedAt = performance.now();
  const atKill = kept.size;
  const refused = await makeTenant('meanwhile');
  assert.ok(refused.status === 201 || /store\.failed/.test(refused.body), refused.body);
  await until(async () => (await makeTenant('afterwards')).status !== 500 && (await tenants()).includes('afterwards'), {
    what: 'Tidegate writes to the new master',
    timeoutMs: FAILOVER_MS,
  });
  t.diagnostic(`Tidegate writes again after ${Math.round(performance.now() - killedAt)} ms`);
  // Sentinels tell each other of it every two seconds.
  await until(async () => (await group.master()) !== old, { what: 'every sentinel names the new master' });
  await until(() => kept.size > atKill + 100, { what: 'the store goes on', timeoutMs: FAILOVER_MS });
  isOver = true;
  await writing;
  assert.match(lines.join(''), /the Redis master has no replica/);

  const found = new Map((await store.documents('failover')).map(({ id, version }) => [id, version]));
  for (const [id, version] of kept) assert.equal(found.get(id), version, id);
  const names = (await store.documents('tenant')).map(({ id }) => id);
  for (const name of made) assert.ok(names.includes(name), name);
});

test('the old master comes back as a replica, and copies are waited for again', { timeout: 120_000 }, async (t) => {
  const master = await group.master();
  const old = group.servers.find((one) => one !== master);
  const lines: string[] = [];
  const log = jsonLog({ level: 'info', write: (line) => lines.push(line), wall: () => 0 });
  const store = await openRedisStore(group.address, log);
  t.after(() => store.close());
  await store.putDocument('alone', 'a', 1);
  assert.ok(old !== undefined);
  await old.run();
  await group.makeReplica(old);
  await until(
    async () => {
      await store.putDocument('alone', 'a', 1);
      return /a replica of the Redis master has what is written again/.test(lines.join(''));
    },
    { what: 'there is a copy again', timeoutMs: 60_000 },
  );
  // Connected, and stands still: it could take the master's place without what is written now.
  old.signal('SIGSTOP');
  await assert.rejects(store.putDocument('alone', 'b', 1), {
    code: 'store.failed',
    message: /no replica has taken the write within 500 ms/,
  });
  old.signal('SIGCONT');
  await until(() => store.putDocument('alone', 'b', 1).then(Boolean), { what: 'it is taken again' });
});

test('sentinels that are not there, or know no such master, are said at the start', { timeout: 60_000 }, async () => {
  await assert.rejects(openRedisStore('redis+sentinel://127.0.0.1:1/tide', silentLog), {
    code: 'store.failed',
    message: /^redis master tide of the sentinels 127\.0\.0\.1:1: no sentinel answers/,
  });
  await assert.rejects(openRedisStore(`${group.address}s`, silentLog), {
    code: 'store.failed',
    message: /^redis master tides of the sentinels .*: the sentinels know no master of this name$/,
  });
});
