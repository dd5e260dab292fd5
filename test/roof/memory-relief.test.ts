/** When memory of a host counts as short, and what is asked for then. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { HostPressure } from '#core/host-pressure';
import { readHostPressure } from '#docker/host-pressure';
import { FakeClock } from '#test/support/fake-clock';
import { relieveMemory, roomBeside, shortage } from '../../memory-relief.ts';

const ENOUGH: HostPressure = { availableBytes: 50, totalBytes: 100, someAvg10: 0 };

test('memory is short when little is left, or when much time goes into waiting for it', () => {
  assert.equal(shortage(null), null);
  assert.equal(shortage(ENOUGH), null);
  assert.match(shortage({ ...ENOUGH, availableBytes: 7 }) ?? '', /7 % are available/);
  assert.match(shortage({ ...ENOUGH, someAvg10: 40 }) ?? '', /waited for in 40 %/);
  assert.equal(shortage({ ...ENOUGH, someAvg10: null }), null);
});

test('what nobody waits for may take what is left above twice what is short, and gives back all when it is short', () => {
  assert.equal(roomBeside(ENOUGH), 34);
  assert.equal(roomBeside({ ...ENOUGH, availableBytes: 10 }), -6);
  assert.equal(roomBeside({ ...ENOUGH, availableBytes: 7 }), -100);
  assert.equal(roomBeside({ ...ENOUGH, someAvg10: 40 }), -100);
});

test('sets are put deeper one by one for as long as memory is short, and no longer', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  let pressure = ENOUGH;
  const asked: string[] = [];
  const done = relieveMemory({
    clock,
    hosts: [{ host: 'local', pressure: () => pressure }],
    relieve: (host) => {
      asked.push(host);
      return null;
    },
    signal: stop.signal,
  });
  await clock.advance(10_000);
  assert.equal(asked.length, 0);
  pressure = { ...ENOUGH, availableBytes: 1 };
  await clock.advance(6000);
  assert.equal(asked.length, 3);
  pressure = ENOUGH;
  await clock.advance(10_000);
  assert.equal(asked.length, 3);
  stop.abort();
  await clock.advance(1);
  await done;
});

test('it is read from the kernel, with and without pressure stall information', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'pressure-'));
  t.after(() => rmSync(root, { recursive: true }));
  assert.equal(readHostPressure(root), null);
  writeFileSync(path.join(root, 'meminfo'), 'MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    250 kB\n');
  assert.deepEqual(readHostPressure(root), { availableBytes: 256_000, totalBytes: 1_024_000, someAvg10: null });
  mkdirSync(path.join(root, 'pressure'));
  writeFileSync(
    path.join(root, 'pressure/memory'),
    'some avg10=12.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=0.00\n',
  );
  assert.equal(readHostPressure(root)?.someAvg10, 12.5);
});
