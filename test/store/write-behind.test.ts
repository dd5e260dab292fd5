/** What is written behind: at hand at once, in the store a moment later, and there again after a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#core/log';
import { setKey } from '#core/set';
import { LeaseLog } from '#store/lease-log';
import { PictureKeeper } from '#store/picture-keeper';
import { ScaleSettings } from '#store/scale-settings';
import { SleepLog } from '#store/sleep-log';
import { openSqliteStore } from '#store/sqlite-store';
import { WriteBehind } from '#store/write-behind';
import { FakeClock } from '#test/support/fake-clock';
import { temporaryDirectory } from './temporary.ts';

test('a sleep note is at hand at once, saved a moment later and found again', async (t) => {
  const directory = temporaryDirectory(t);
  const clock = new FakeClock();
  const store = await openSqliteStore(directory);
  const notes = await SleepLog.open({ store, clock, log: silentLog });
  notes.put('local/a', { tier: 'frozen', direct: true });
  notes.put('local/b', { tier: 'stopped', direct: false });
  assert.equal(notes.get('local/a')?.tier, 'frozen');
  assert.equal((await store.sleeping()).size, 0);
  await clock.advance(250);
  await notes.writing.flush();
  assert.equal((await store.sleeping()).size, 2);
  notes.put('local/a', null);
  await notes.writing.flush();
  await store.close();

  const again = await openSqliteStore(directory);
  const found = await SleepLog.open({ store: again, clock, log: silentLog });
  assert.equal(found.get('local/a'), null);
  assert.deepEqual(found.get('local/b'), { tier: 'stopped', direct: false, at: clock.wall() - 250 });
  await again.close();
});

test('a note that cannot be saved stays at hand and is saved with the next flush', async () => {
  let broken = true;
  const saved: string[] = [];
  const notes = await SleepLog.open({
    clock: new FakeClock(),
    log: silentLog,
    store: {
      sleeping: async () => new Map(),
      dropSleeping: async () => {},
      putSleeping: async (replica) => {
        if (broken) throw new Error('disk full');
        saved.push(replica);
      },
    },
  });
  notes.put('local/a', { tier: 'frozen', direct: true });
  await notes.writing.flush();
  assert.deepEqual(saved, []);
  assert.equal(notes.get('local/a')?.direct, true);
  broken = false;
  await notes.writing.flush();
  assert.deepEqual(saved, ['local/a']);
});

test('a lease is saved a moment later, found again while it lasts, and dropped after that', async (t) => {
  const directory = temporaryDirectory(t);
  const clock = new FakeClock();
  const store = await openSqliteStore(directory);
  const [web, api] = [setKey('default', 'shop', 'web'), setKey('default', 'shop', 'api')];
  const leases = await LeaseLog.open({ store, clock, log: silentLog });
  const note = { until: clock.wall() + 60_000, replicas: { 'local/a': clock.wall() + 30_000 } };
  leases.put(web, note);
  leases.put(api, { until: clock.wall() + 1000, replicas: {} });
  assert.deepEqual(leases.get(web), note);
  await clock.advance(250);
  await leases.writing.flush();
  await store.close();

  await clock.advance(2000);
  const again = await openSqliteStore(directory);
  const found = await LeaseLog.open({ store: again, clock, log: silentLog });
  assert.deepEqual(found.get(web), note);
  assert.equal(found.get(api), null, 'it has ended');
  found.put(web, null);
  await found.writing.flush();
  assert.deepEqual(await again.documents('lease'), []);
  await again.close();
});

test('a lease that cannot be saved stays in force and is saved with the next flush', async () => {
  const clock = new FakeClock();
  const saved: string[] = [];
  let broken = true;
  const leases = await LeaseLog.open({
    clock,
    log: silentLog,
    store: {
      documents: async () => [],
      dropDocument: async () => {},
      putDocument: async (_kind, id) => {
        if (broken) throw new Error('disk full');
        return saved.push(id);
      },
    },
  });
  const web = setKey('default', 'shop', 'web');
  leases.put(web, { until: clock.wall() + 1000, replicas: {} });
  await leases.writing.flush();
  assert.ok(leases.get(web) !== null);
  broken = false;
  await leases.writing.flush();
  assert.deepEqual(saved, [web]);
});

test('what cannot be saved is tried again by itself, until that is closed', async () => {
  const clock = new FakeClock();
  let tries = 0;
  let broken = true;
  const writing = new WriteBehind<string>({
    ...{ clock, afterMs: 20, onFailed: () => {} },
    save: async () => {
      tries++;
      if (broken) throw new Error('disk full');
    },
  });
  writing.changed('a');
  await clock.advance(20);
  await clock.advance(1000);
  assert.equal(tries, 2);
  broken = false;
  await clock.advance(1000);
  await clock.advance(5000);
  assert.equal(tries, 3, 'and not once it is saved');
  broken = true;
  writing.changed('a');
  await writing.close();
  await clock.advance(5000);
  assert.equal(tries, 4);
});

test('a scale setting that cannot be remembered is not in force', async () => {
  const key = setKey('default', 'shop', 'web');
  const setting = { min: 0, max: 3, replicas: null, by: 'op_1', at: 1 };
  let broken = true;
  const settings = await ScaleSettings.open({
    scales: async () => new Map(),
    dropScale: async () => {},
    putScale: async () => {
      if (broken) throw new Error('disk full');
    },
  });
  await assert.rejects(settings.change(key, setting), /disk full/);
  assert.equal(settings.get(key), null);
  broken = false;
  await settings.change(key, setting);
  assert.deepEqual(settings.get(key), setting);
  await settings.change(key, null);
  assert.equal(settings.get(key), null);
});

test('a storm of changes is saved as one picture', async () => {
  const clock = new FakeClock();
  let saves = 0;
  const keeper = new PictureKeeper({
    clock,
    log: silentLog,
    draw: () => [],
    store: {
      pictures: async () => new Map(),
      putPicture: async () => {
        saves++;
      },
    },
  });
  for (let i = 0; i < 100; i++) keeper.changed();
  await clock.advance(1000);
  await keeper.flush();
  assert.equal(saves, 1);
  await keeper.flush();
  assert.equal(saves, 1);
});
