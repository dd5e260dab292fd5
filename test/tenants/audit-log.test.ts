/** The audit log on its store: what is old or too much goes, what is begun is there after a crash, and ids rise. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { silentLog } from '#core/log';
import { openSqliteStore } from '#store/sqlite-store';
import { AuditLog, type Begun } from '#tenants/audit-log';
import type { AuditDraft } from '#tenants/audit-record';
import { seeded } from '#test/router/sample';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';

const DONE = { status: 200, code: null };
const DAY_MS = 86_400_000;
const SEED = 20_261_128;

async function ground(t: TestContext) {
  const store = await openSqliteStore(temporaryDirectory(t));
  t.after(() => store.close());
  const clock = new FakeClock();
  const open = (recordsMax = 1000): Promise<AuditLog> =>
    AuditLog.open({ store, clock, random: randomBytes, log: silentLog, segmentRecords: 10, recordsMax });
  return { store, clock, open };
}

function draft(n: number): AuditDraft {
  return {
    ...{ principal: { id: 'tok_1', name: 'ci', operator: false }, tenant: 'default', method: 'PUT', path: '/v1/x' },
    ...{ params: { app: `a${n}` }, requestId: `req_${n}`, client: null, fields: [], dryRun: false },
  };
}

async function appsIn(log: AuditLog, limit = 1000): Promise<(string | undefined)[]> {
  const found = await log.older(null, { limit, since: 0, passes: () => true });
  return found.map(({ params }) => params.app);
}

test('records are there again after a restart, over segments, in order, and ids go on rising', async (t) => {
  const { open } = await ground(t);
  const log = await open();
  for (let n = 0; n < 25; n++) await log.finish(await log.begin(draft(n)), DONE);
  const again = await open();
  for (let n = 25; n < 32; n++) await again.finish(await again.begin(draft(n)), DONE);
  assert.deepEqual(
    await appsIn(again),
    Array.from({ length: 32 }, (_, index) => `a${31 - index}`),
  );
  const ids = (await again.older(null, { limit: 100, since: 0, passes: () => true })).map(({ id }) => id);
  assert.deepEqual(ids, ids.toSorted().reverse());
});

test('who follows from the newest record after a restart has missed nothing', async (t) => {
  const { open } = await ground(t);
  const log = await open();
  for (let n = 0; n < 12; n++) await log.finish(await log.begin(draft(n)), DONE);
  await log.begin(draft(12));
  const again = await open();
  const records = await again.older(null, { limit: 100, since: 0, passes: () => true });
  const [newest] = records;
  assert.deepEqual(again.feed.resume(newest?.id ?? ''), { position: again.feed.end, gap: false });
  assert.equal(again.feed.resume(records.at(-1)?.id ?? '').gap, true);
  await again.finish(await again.begin(draft(13)), DONE);
  assert.deepEqual(
    again.feed.read(again.feed.resume(newest?.id ?? '').position, 10).events.map(({ params }) => params.app),
    ['a13'],
  );
});

test('at whatever moment a page is read, page and stream from its border have every record once', async (t) => {
  const { open } = await ground(t);
  const log = await open();
  await log.begin(draft(-1));
  // The one that a process before this one never finished.
  const again = await open();
  const chance = seeded(SEED);
  const underWay: Begun[] = [];
  const readers: { readonly page: Promise<readonly string[]>; readonly token: string }[] = [];
  const writes: Promise<unknown>[] = [];
  for (let n = 0; n < 120; n++) {
    const choice = chance();
    const [oldest] = underWay;
    if (choice < 0.4) {
      const write = again.begin(draft(n)).then((begun) => void underWay.push(begun));
      writes.push(write);
      if (choice < 0.2) await write;
    } else if (choice < 0.55) writes.push(again.refused(draft(n), { status: 403, code: 'forbidden' }));
    else if (choice < 0.8 && oldest !== undefined) {
      underWay.splice(Math.floor(chance() * underWay.length), 1).map((one) => writes.push(again.finish(one, DONE)));
    } else {
      const { newest, pending, token } = again.feed.border();
      const passes = ({ id }: { readonly id: string }): boolean => newest !== null && id <= newest;
      const found = again.older(null, { limit: 1000, since: 0, passes });
      const page = found.then((all) => all.map(({ id }) => id).filter((id) => !pending.has(id)));
      readers.push({ page, token });
    }
  }
  await Promise.all(writes);
  for (const one of underWay) await again.finish(one, DONE);
  const all = (await again.older(null, { limit: 1000, since: 0, passes: () => true })).map(({ id }) => id).sort();
  assert.ok(readers.length > 10 && all.length > 50, `${readers.length} readers, ${all.length} records`);
  for (const { page, token } of readers) {
    const { position, gap } = again.feed.resume(token);
    assert.equal(gap, false);
    const streamed = again.feed.read(position, 1000).events.map(({ id }) => id);
    assert.deepEqual([...(await page), ...streamed].sort(), all);
  }
  const next = await open();
  assert.equal(next.feed.resume(readers[0]?.token ?? '').gap, true, 'a border of another process');
  assert.equal(next.feed.resume(`${next.feed.border().token}0000`).gap, true);
});

test('what was begun and never finished is in the log without an outcome', async (t) => {
  const { open } = await ground(t);
  await (await open()).begin(draft(1));
  const [record] = await (await open()).older(null, { limit: 1, since: 0, passes: () => true });
  assert.deepEqual([record?.params.app, record?.outcome], ['a1', null]);
});

test('what is finished after its segment was left is found with its outcome', async (t) => {
  const { open } = await ground(t);
  const log = await open();
  const begun = await log.begin(draft(0));
  for (let n = 1; n < 15; n++) await log.begin(draft(n));
  await log.finish(begun, DONE);
  const found = await log.older(null, { limit: 100, since: 0, passes: ({ outcome }) => outcome !== null });
  assert.deepEqual(
    found.map(({ params }) => params.app),
    ['a0'],
  );
});

test('the oldest go when there are too many, and after 90 days', async (t) => {
  const { open, clock, store } = await ground(t);
  const log = await open(30);
  for (let n = 0; n < 41; n++) await log.begin(draft(n));
  assert.equal((await appsIn(log)).at(-1), 'a20', 'whole segments of the oldest have gone');
  await clock.advance(91 * DAY_MS);
  await log.begin(draft(41));
  assert.deepEqual((await appsIn(log)).length, 2, 'of what is too old only the segment that is written to is left');
  assert.equal((await store.documentKinds()).length, 1);
});

test('of many at the same moment none is lost', async (t) => {
  const { open } = await ground(t);
  const log = await open();
  await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      await log.finish(await log.begin(draft(n)), DONE);
    }),
  );
  assert.equal(new Set(await appsIn(log)).size, 50);
});
