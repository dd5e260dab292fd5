/** What is written behind: at hand at once, in the store a moment later, and there again after a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#core/log';
import { setKey } from '#core/set';
import { PictureKeeper } from '#store/picture-keeper';
import { ScaleSettings } from '#store/scale-settings';
import { SleepLog } from '#store/sleep-log';
import { openSqliteStore } from '#store/sqlite-store';
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
  await notes.flush();
  assert.equal((await store.sleeping()).size, 2);
  notes.put('local/a', null);
  await notes.flush();
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
  await notes.flush();
  assert.deepEqual(saved, []);
  assert.equal(notes.get('local/a')?.direct, true);
  broken = false;
  await notes.flush();
  assert.deepEqual(saved, ['local/a']);
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
