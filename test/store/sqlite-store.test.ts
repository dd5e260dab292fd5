/** The embedded store: the contract of the port, and what is its own (file, modes, lock, shape). */
import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import { APPLICATION_ID, CURRENT_SHAPE } from '#store/migrations';
import { openSqliteStore } from '#store/sqlite-store';
import { certificate, event, storeContract } from './store-contract.ts';
import { temporaryDirectory } from './temporary.ts';

const SCALE = { min: 0, max: 2, replicas: null, by: 'op_a', at: 1 };

storeContract('sqlite', async () => {
  const directory = temporaryDirectory();
  return {
    open: () => openSqliteStore(join(directory, 'state')),
    dispose: async () => rmSync(directory, { recursive: true, force: true }),
  };
});

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test('the state directory and every file in it are closed to others', async (t) => {
  const directory = join(temporaryDirectory(t), 'deep', 'state');
  const store = await openSqliteStore(directory);
  await store.putScale('default/shop/web', SCALE);
  assert.equal(modeOf(directory), '700');
  await store.putCertificate(certificate('crt_a', ['a.test']));
  const databases = ['tidegate.db', 'certificates.db'].flatMap((name) => [name, `${name}-wal`, `${name}-shm`]);
  for (const name of [...databases, 'tidegate.lock', 'tidegate.pid']) {
    assert.equal(modeOf(join(directory, name)), '600', name);
  }
  await store.close();
});

test('a state directory that stood open is closed, a shared directory of others is left as it is', async (t) => {
  const ours = join(temporaryDirectory(t), 'ours');
  await (await openSqliteStore(ours)).close();
  chmodSync(ours, 0o755);
  await (await openSqliteStore(ours)).close();
  assert.equal(modeOf(ours), '700');

  const shared = join(temporaryDirectory(t), 'shared');
  mkdirSync(shared);
  writeFileSync(join(shared, 'of-others'), '');
  chmodSync(shared, 0o755);
  await (await openSqliteStore(shared)).close();
  assert.equal(modeOf(shared), '755');
  assert.equal(modeOf(join(shared, 'tidegate.db')), '600');
});

test('a directory is held by one store at a time, and the message names the process', async (t) => {
  const directory = temporaryDirectory(t);
  const store = await openSqliteStore(directory);
  for (let attempt = 0; attempt < 3; attempt++) {
    await assert.rejects(openSqliteStore(directory), {
      code: 'store.locked',
      message: `${directory} is held by process ${process.pid}`,
    });
  }
  await store.putScale('default/shop/web', SCALE);
  await store.close();
  const next = await openSqliteStore(directory);
  assert.equal((await next.scales()).size, 1);
  await next.close();
  assert.equal(existsSync(join(directory, 'tidegate.pid')), false);
});

test('a file that is no database is corrupt, and is left as it is', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'tidegate.db');
  writeFileSync(file, 'this is not a database '.repeat(100));
  await assert.rejects(openSqliteStore(directory), { code: 'store.corrupt' });
  assert.ok(readFileSync(file, 'utf8').startsWith('this is not a database'));
  rmSync(file);
  await (await openSqliteStore(directory)).close();
});

test('a database with a destroyed page is corrupt', async (t) => {
  const directory = temporaryDirectory(t);
  const store = await openSqliteStore(directory);
  await store.appendEvents(Array.from({ length: 500 }, (_, i) => event(i)));
  await store.close();
  const file = join(directory, 'tidegate.db');
  const handle = openSync(file, 'r+');
  const size = statSync(file).size;
  for (let page = 2; page * 4096 < size; page++) writeSync(handle, Buffer.alloc(2048, 0x5a), 0, 2048, page * 4096);
  closeSync(handle);
  await assert.rejects(openSqliteStore(directory), { code: 'store.corrupt' });
});

test('destroyed pages among the certificates do not keep the rest from starting, and are named when they are read', async (t) => {
  const directory = temporaryDirectory(t);
  const store = await openSqliteStore(directory);
  const chain = 'x'.repeat(2000);
  const ids = Array.from({ length: 40 }, (_, i) => `crt_${String(i).padStart(2, '0')}`);
  for (const id of ids) await store.putCertificate(certificate(id, [`${id}.test`], { chain }));
  await store.putScale('default/shop/web', SCALE);
  await store.close();
  const file = join(directory, 'certificates.db');
  const handle = openSync(file, 'r+');
  const pages = Math.floor(statSync(file).size / 4096);
  for (let page = pages - 4; page < pages; page++) writeSync(handle, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096);
  closeSync(handle);
  const later = await openSqliteStore(directory);
  assert.equal((await later.scales()).size, 1);
  assert.equal((await later.certificate('crt_00'))?.chain, chain, 'what stands on other pages is still read');
  await assert.rejects(later.certificates({ after: null, limit: 100 }), { code: 'store.corrupt' });
  await later.close();
});

test('a database of another program is not touched', async (t) => {
  const directory = temporaryDirectory(t);
  const foreign = new DatabaseSync(join(directory, 'tidegate.db'));
  foreign.exec('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)');
  foreign.close();
  await assert.rejects(openSqliteStore(directory), { code: 'store.corrupt', message: /another program/ });
  const after = new DatabaseSync(join(directory, 'tidegate.db'));
  assert.deepEqual(
    after
      .prepare('SELECT name FROM sqlite_schema')
      .all()
      .map((row) => row.name),
    ['theirs'],
  );
  after.close();
});

test('a database from a newer version is refused, and is left as it is', async (t) => {
  const directory = temporaryDirectory(t);
  await (await openSqliteStore(directory)).close();
  const file = join(directory, 'tidegate.db');
  const future = new DatabaseSync(file);
  assert.equal(future.prepare('PRAGMA application_id').get()?.application_id, APPLICATION_ID);
  assert.equal(future.prepare('PRAGMA user_version').get()?.user_version, CURRENT_SHAPE);
  future.exec(`CREATE TABLE from_the_future (a); PRAGMA user_version = ${CURRENT_SHAPE + 1}`);
  future.close();
  await assert.rejects(openSqliteStore(directory), { code: 'store.newer' });
  const after = new DatabaseSync(file);
  assert.equal(after.prepare('PRAGMA user_version').get()?.user_version, CURRENT_SHAPE + 1);
  after.close();
});

test('a failed start lets go of the directory', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'tidegate.db'), 'x'.repeat(5000));
  await assert.rejects(openSqliteStore(directory), { code: 'store.corrupt' });
  await assert.rejects(openSqliteStore(directory), { code: 'store.corrupt' });
});

test('a state directory that cannot be made is one clear failure', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), '');
  await assert.rejects(openSqliteStore(join(directory, 'file', 'state')), {
    code: 'store.failed',
    message: /state directory .*file\/state cannot be used/,
  });
  await assert.rejects(openSqliteStore(join(directory, 'file')), { code: 'store.failed' });
});

test('a picture of another shape is left out', async (t) => {
  const directory = temporaryDirectory(t);
  const store = await openSqliteStore(directory);
  await store.putPicture('local', { sets: [], at: 1 });
  await store.close();
  const database = new DatabaseSync(join(directory, 'tidegate.db'));
  database.exec('UPDATE picture SET shape = shape + 1');
  database.close();
  const later = await openSqliteStore(directory);
  assert.equal((await later.pictures()).size, 0);
  await later.close();
});

test('events of which one cannot be written are not written at all', async (t) => {
  const store = await openSqliteStore(temporaryDirectory(t));
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  await assert.rejects(store.appendEvents([event(1), event(2, { data: circle })]), { code: 'store.failed' });
  assert.deepEqual(await store.lastEvents(10), []);
  await store.appendEvents([event(3)]);
  assert.equal((await store.lastEvents(10)).length, 1);
  await store.close();
});

test('a document that JSON cannot say is not written, nor what was to be written with it', async (t) => {
  const store = await openSqliteStore(temporaryDirectory(t));
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const changes = [
    { kind: 'domain', id: 'a', body: 1 },
    { kind: 'domain', id: 'b', body: circle },
  ];
  await assert.rejects(store.changeDocuments(changes), { code: 'store.failed' });
  assert.deepEqual(await store.documents('domain'), []);
  await store.putDocument('domain', 'a', 1);
  await store.close();
});

test('a state file of the first version is brought to this one with all that is in it', async (t) => {
  const directory = temporaryDirectory(t);
  const before = await openSqliteStore(directory);
  await before.putScale('default/shop/web', SCALE);
  await before.close();
  const database = new DatabaseSync(join(directory, 'tidegate.db'));
  database.exec('DROP TABLE document; DROP TABLE lease; PRAGMA user_version = 1');
  database.close();
  const store = await openSqliteStore(directory);
  assert.equal((await store.scales()).size, 1);
  await store.putDocument('domain', 'a', 1, null);
  await store.close();
});

test('a state file in the place of the certificates is not taken for them', async (t) => {
  const directory = temporaryDirectory(t);
  await (await openSqliteStore(directory)).close();
  copyFileSync(join(directory, 'tidegate.db'), join(directory, 'certificates.db'));
  await assert.rejects(openSqliteStore(directory), { code: 'store.corrupt', message: /another program/ });
  rmSync(join(directory, 'certificates.db'));
  await (await openSqliteStore(directory)).close();
});
