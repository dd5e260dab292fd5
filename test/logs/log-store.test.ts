/** All logs together: what is too old goes, what is a tenant's goes with the tenant, and everything else stays. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLog } from '#core/log';
import { stampOf } from '#logs/log-line';
import { LogStore } from '#logs/log-store';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';

const DAY_MS = 86_400_000;
const SOURCE = { container: 'c1', replica: 'local/c1', name: 'web-1', member: null, revision: null };

async function ground(t: TestContext) {
  const directory = temporaryDirectory(t);
  const open = () => {
    const clock = new FakeClock(Date.now());
    return LogStore.open({ directory, keepBytes: 1_048_576, keepMs: DAY_MS, clock, log: silentLog });
  };
  const write = async (store: LogStore, tenant: string, app: string, set: string): Promise<void> => {
    const log = await store.logOf(tenant, app, set);
    await log.append(SOURCE, [{ stream: 'stdout', at: stampOf(Date.now()), text: 'hello', cut: false }]);
  };
  const age = (...names: string[]): void => {
    const folder = path.join(directory, ...names);
    for (const name of readdirSync(folder)) utimesSync(path.join(folder, name), 1, 1);
  };
  return { directory, open, write, age };
}

test('a sweep removes what is too old, with its folder, whether or not it was opened', async (t) => {
  const { directory, open, write, age } = await ground(t);
  const first = await open();
  for (const set of ['young', 'old', 'busy']) await write(first, 'default', 'shop', set);
  await first.close();
  age('default', 'shop', 'old');
  age('default', 'shop', 'busy');
  const store = await open();
  (await store.logOf('default', 'shop', 'busy')).claim('c1');
  await store.sweep();
  const of = { tenant: 'default', app: 'shop' };
  assert.deepEqual(
    ['young', 'old', 'busy'].map((set) => store.knows({ ...of, set })),
    [true, false, true],
  );
  assert.equal(existsSync(path.join(directory, 'default/shop/old')), false);
  // Its container still runs: it counts on.
  assert.deepEqual(await store.end({ ...of, set: 'busy' }), new Map([['busy', 1]]));
  await write(store, 'default', 'shop', 'old');
  assert.deepEqual(await store.end({ ...of, set: 'old' }), new Map([['old', 1]]));
  await store.close();
});

test('the logs of a tenant go with it, and nobody else’s', async (t) => {
  const { directory, open, write } = await ground(t);
  const store = await open();
  await write(store, 'acme', 'shop', 'web');
  await write(store, 'acme-2', 'shop', 'web');
  await store.dropTenant('acme');
  assert.deepEqual(readdirSync(directory), ['acme-2']);
  assert.equal(store.knows({ tenant: 'acme', app: 'shop', set: null }), false);
  assert.equal(store.knows({ tenant: 'acme-2', app: 'shop', set: null }), true);
  await store.close();
});

test('names that are no names reach no folder', async (t) => {
  const { open } = await ground(t);
  const store = await open();
  await assert.rejects(store.logOf('..', 'shop', 'web'), /is no set/);
  await assert.rejects(store.logOf('default', 'shop', 'a/b'), /is no set/);
  await store.close();
});
