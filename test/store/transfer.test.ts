/** The state from one kind of store to the other and back: what arrives is what left, whatever it is. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '#core/log';
import { exportState } from '#store/export';
import { importState } from '#store/import';
import { openRedisStore } from '#store/redis-store';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { RedisServer } from '#test/support/redis';
import { contentsOf, fill } from './contents.ts';
import { certificate, event } from './store-contract.ts';
import { temporaryDirectory } from './temporary.ts';

let redis: RedisServer;
let databases = 0;

before(async () => {
  redis = await RedisServer.start('--databases', '200');
});
after(() => redis[Symbol.asyncDispose]());

const onRedis = (): Promise<Store> => openRedisStore(redis.url(databases++), silentLog);

async function carry(from: Store, to: Store, file: string, isReplacing = false): Promise<void> {
  await exportState(from, { file, instance: 'ins_a', now: 0 });
  await importState(to, { file, isReplacing, now: 1 });
}

test('from SQLite to Redis and back all is as it was, and the file says what it is', async (t) => {
  const [first, last, files] = [temporaryDirectory(t), temporaryDirectory(t), temporaryDirectory(t)];
  const [sqlite, between, back] = [await openSqliteStore(first), await onRedis(), await openSqliteStore(last)];
  await fill(sqlite);
  await sqlite.acquireLease('leader', 'one', 1000, 0);
  const before = await contentsOf(sqlite);
  const file = join(files, 'state.jsonl');
  await carry(sqlite, between, file);
  assert.deepEqual(await contentsOf(between), before);
  await carry(between, back, join(files, 'again.jsonl'));
  assert.deepEqual(await contentsOf(back), before);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    ...{ format: 'tidegate-state', version: 1, instance: 'ins_a', at: '1970-01-01T00:00:00.000Z' },
    counts: { scale: 1, sleeping: 1, event: 450, token: 1, document: 450, certificate: 3 },
  });
  assert.match(lines.at(-1) ?? '', /^\{"sha256":"[0-9a-f]{64}"\}$/);
  assert.equal((await back.certificatesOf('*.a1.test')).length, 1, 'found by name');
  assert.equal((await back.pictures()).size, 0);
  assert.deepEqual(await back.document('import', 'state'), null);
  for (const store of [sqlite, between, back]) await store.close();
});

test('what the target held is gone after a replacing import, of every sort', async (t) => {
  for (const open of [onRedis, () => openSqliteStore(temporaryDirectory(t))]) {
    const [from, to] = [await openSqliteStore(temporaryDirectory(t)), await open()];
    await from.putDocument('app', 'new', 1);
    await fill(to, { certificates: 250 });
    await carry(from, to, join(temporaryDirectory(t), 'x'), true);
    assert.deepEqual(await contentsOf(to), await contentsOf(from));
    assert.equal((await to.pictures()).size, 0);
    for (const store of [from, to]) await store.close();
  }
});

test('versions go on rising over an import', async (t) => {
  const [from, to] = [await onRedis(), await openSqliteStore(temporaryDirectory(t))];
  await from.putDocument('app', 'a', 1);
  let version = 0;
  for (let n = 0; n < 5; n++) version = await to.putDocument('app', 'a', n);
  await carry(from, to, join(temporaryDirectory(t), 'x'), true);
  assert.ok(((await to.document('app', 'a'))?.version ?? 0) > version);
  for (const store of [from, to]) await store.close();
});

/** What a database key can be: one line feed in it, and the file would have another line. */
const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const at = fc.nat();
const count = fc.option(fc.nat());
const state = fc.record({
  scales: fc.dictionary(name, fc.record({ min: count, max: count, replicas: count, by: name, at }), { maxKeys: 4 }),
  sleeping: fc.dictionary(
    name,
    fc.record({ tier: fc.constantFrom('frozen' as const, 'stopped' as const), direct: fc.boolean(), at }),
    { maxKeys: 4 },
  ),
  events: fc.array(fc.record({ cause: name, data: fc.dictionary(name, fc.jsonValue()) }), { maxLength: 5 }),
  tokens: fc.uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 3 }),
  documents: fc.array(fc.record({ kind: name, id: name, body: fc.jsonValue() }), { maxLength: 12 }),
  certificates: fc.array(
    fc.record({ names: fc.array(name, { maxLength: 3 }), sealedKey: fc.uint8Array(), body: fc.jsonValue() }),
    { maxLength: 4 },
  ),
});

test('any content arrives as it left, on either way', async (t) => {
  const files = temporaryDirectory(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(state, fc.boolean(), async (content, isToRedis) => {
      const sqlite = await openSqliteStore(temporaryDirectory(t));
      const other = await onRedis();
      const [from, to] = isToRedis ? [sqlite, other] : [other, sqlite];
      try {
        await from.putDocument('app', 'always', null);
        for (const [set, scale] of Object.entries(content.scales)) await from.putScale(set as 'a/b/c', scale);
        for (const [replica, note] of Object.entries(content.sleeping)) await from.putSleeping(replica, note);
        await from.appendEvents(content.events.map((changes, n) => event(n, changes)));
        for (const [n, sha256] of content.tokens.entries()) {
          await from.putToken({ id: `op_${n}`, kind: 'op', sha256, createdAt: n });
        }
        await from.changeDocuments(content.documents);
        for (const [n, { names, ...changes }] of content.certificates.entries()) {
          await from.putCertificate(certificate(`crt_${n}`, names, changes));
        }
        await carry(from, to, join(files, `${run++}`));
        assert.deepEqual(await contentsOf(to), await contentsOf(from));
      } finally {
        await sqlite.close();
        await other.close();
      }
    }),
    { numRuns: 40, seed: 20_261_128 },
  );
});
