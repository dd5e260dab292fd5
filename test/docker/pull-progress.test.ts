/** Sums of progress from the messages of a pull. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PullTally } from '#docker/pull-progress';

function taken(lines: readonly object[]): PullTally {
  const tally = new PullTally();
  for (const line of lines) assert.equal(tally.take(JSON.stringify(line)), null);
  return tally;
}

const found = (id: string) => ({ id, status: 'Pulling fs layer', progressDetail: {} });
const loading = (id: string, current: number, total: number) => ({
  id,
  status: 'Downloading',
  progressDetail: { current, total },
});

test('layers and bytes add up over the messages of a pull', () => {
  const tally = taken([
    { status: 'Pulling from shop', id: '1.4' },
    found('a'),
    found('b'),
    { id: 'c', status: 'Already exists', progressDetail: {} },
    loading('a', 10, 100),
    loading('b', 5, 50),
    loading('a', 60, 100),
  ]);
  assert.deepEqual(tally.progress, { layers: { done: 1, total: 3 }, bytes: { done: 65, total: 150 } });
});

test('progress never goes back: not while a layer is unpacked, nor when a download begins anew', () => {
  const tally = taken([
    found('a'),
    loading('a', 60, 100),
    loading('a', 1, 100),
    { id: 'a', status: 'Download complete', progressDetail: {} },
    { id: 'a', status: 'Extracting', progressDetail: { current: 3, total: 100 } },
  ]);
  assert.deepEqual(tally.progress, { layers: { done: 0, total: 1 }, bytes: { done: 100, total: 100 } });
  tally.take(JSON.stringify({ id: 'a', status: 'Pull complete' }));
  assert.deepEqual(tally.progress.layers, { done: 1, total: 1 });
});

test('a failure is handed out in the words of the Engine, and lines that are none cost nothing', () => {
  const tally = new PullTally();
  assert.equal(tally.take('{"errorDetail":{"message":"no space"},"error":"no space"}'), 'no space');
  for (const line of [
    '',
    'null',
    '[1]',
    '{"id":7}',
    '<html>',
    '{"id":"a","status":"Downloading","progressDetail":7}',
  ]) {
    assert.equal(tally.take(line), null);
  }
  assert.deepEqual(tally.progress.bytes, { done: 0, total: 0 });
});
