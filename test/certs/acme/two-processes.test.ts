/** Two processes on one Redis: each hostname is ordered once, whoever of them is first. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { SealedBox } from '#certs/vault/sealed-box';
import { silentLog } from '#core/log';
import { openRedisStore } from '#store/redis-store';
import { temporaryDirectory } from '#test/store/temporary';
import { Pebble } from '#test/support/pebble';
import { RedisServer } from '#test/support/redis';
import { until } from '#test/support/until';
import { keyFileIn } from '../vault/vault-ground.ts';
import type { IssuingProcessOptions, IssuingProcessResult } from './issuing-process.ts';

const PROGRAM = new URL('issuing-process.ts', import.meta.url).pathname;
const PARALLEL = 4;

test('fifty hostnames that two processes want at once: fifty orders, no more at a time than either may have', async (t) => {
  const directory = temporaryDirectory(t);
  await using redis = await RedisServer.start();
  await using pebble = await Pebble.start({ httpPort: 1, alwaysValid: true });
  // Both read the same key; one of them would make it.
  SealedBox.open({ file: keyFileIn(directory) });
  const names = Array.from({ length: 50 }, (_, i) => `both${i}.example.test`);
  const running = ['one', 'two'].map((holder) => {
    const options: IssuingProcessOptions = {
      ...{ directory, redis: redis.url(), names, holder },
      pebble: { directory: pebble.directory, root: pebble.root, dns: pebble.dns },
    };
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    return child;
  });
  const store = await openRedisStore(redis.url(), silentLog);
  try {
    await until(
      async () => {
        const rows = await Promise.all(names.map((name) => store.certificatesOf(name)));
        return rows.every((one) => one.length > 0);
      },
      { what: 'all have a certificate', timeoutMs: 120_000, everyMs: 200 },
    );
    const results = await Promise.all(running.map(ended));
    t.diagnostic(JSON.stringify(results));
    assert.equal(pebble.orderCount, names.length);
    assert.equal((results[0]?.issued ?? 0) + (results[1]?.issued ?? 0), names.length);
    for (const { most, failed } of results) {
      assert.ok(most <= PARALLEL, `${most} at a time`);
      assert.deepEqual(failed, []);
    }
    for (const name of names) assert.equal((await store.certificatesOf(name)).length, 1, name);
  } finally {
    await store.close();
  }
});

async function ended(child: ChildProcess): Promise<IssuingProcessResult> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  child.kill('SIGTERM');
  await once(child, 'close');
  return JSON.parse(text) as IssuingProcessResult;
}
