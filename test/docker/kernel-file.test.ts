/** Files that are read over and over: always anew, and never more open than allowed. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { KernelFiles } from '#docker/kernel-file';
import { temporaryDirectory } from '#test/store/temporary';

test('a file says what it says now, with one opening, however long it has become', (t) => {
  const name = path.join(temporaryDirectory(t), 'usage');
  const files = new KernelFiles();
  const file = files.file(name);
  for (const text of ['1\n', '22\n', 'x'.repeat(70_000)]) {
    writeFileSync(name, text);
    assert.equal(file.read(), text);
  }
  assert.equal(files.open, 1);
  file.close();
  file.close();
  assert.equal(files.open, 0);
});

test('beyond its limit files are opened for each reading, and what is not there fails without being counted', (t) => {
  const folder = temporaryDirectory(t);
  const files = new KernelFiles(1);
  const [one, two, none] = ['one', 'two', 'none'].map((name) => files.file(path.join(folder, name)));
  for (const name of ['one', 'two']) writeFileSync(path.join(folder, name), name);
  assert.throws(() => none?.read(), { code: 'ENOENT' });
  assert.deepEqual([one?.read(), two?.read(), files.open], ['one', 'two', 1]);
  rmSync(path.join(folder, 'two'));
  assert.throws(() => two?.read(), { code: 'ENOENT' });
  one?.close();
  assert.equal(files.open, 0);
});
