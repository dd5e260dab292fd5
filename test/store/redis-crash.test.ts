/**
 * Redis and the process that writes into it, each killed at random: what was acknowledged is there. `REDIS_CRASH_SECONDS` for
 * more than the few seconds of a run of all tests.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { silentLog } from '#core/log';
import { openRedisStore } from '#store/redis-store';
import { RedisServer } from '#test/support/redis';

const WRITER = fileURLToPath(new URL('./redis-writer.ts', import.meta.url));
const SECONDS = Number(process.env.REDIS_CRASH_SECONDS ?? 8);
/** Between two kills, at most. */
const CALM_MS = 600;

test('what was acknowledged is there, however often server and writer are killed', {
  timeout: (SECONDS + 120) * 1000,
}, async (t) => {
  await using redis = await RedisServer.start();
  const documents = new Map<number, number>();
  const fences: number[] = [];
  const end = performance.now() + SECONDS * 1000;
  let kills = 0;
  let writers = 0;
  let next = 0;
  while (performance.now() < end) {
    const child = spawn(process.execPath, [WRITER, redis.url(), String(next)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    writers++;
    const reading = (async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        const [what = '', value] = line.split(' ');
        if (what === 'l') fences.push(Number(value));
        else documents.set(Number(what), Number(value));
      }
    })();
    const before = documents.size;
    // It gets going, and writes over some kills of the server.
    while (documents.size === before && performance.now() < end + 60_000) await sleep(10);
    for (let i = 0; i < 3; i++) {
      await sleep(Math.random() * CALM_MS);
      await redis.kill9();
      await redis.run();
      kills++;
    }
    await sleep(Math.random() * CALM_MS);
    child.kill('SIGKILL');
    await reading;
    next = Math.max(...documents.keys()) + 1000;
  }
  const store = await openRedisStore(redis.url(), silentLog);
  const kept = new Map((await store.documents('crash')).map(({ id, version }) => [id, version]));
  await store.close();
  for (const [n, version] of documents) assert.equal(kept.get(`d${n}`), version, `document ${n}`);
  const versions = [...documents.values()];
  assert.equal(new Set(versions).size, versions.length, 'no version is given twice');
  assert.equal(new Set(fences).size, fences.length, 'no fence is given twice');
  assert.ok(documents.size > 100, `${documents.size} documents`);
  t.diagnostic(
    `${documents.size} documents and ${fences.length} leases over ${kills} kills of Redis and ${writers} of the writer`,
  );
});
