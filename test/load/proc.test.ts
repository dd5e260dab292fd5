/** Processor time and memory as the kernel states them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import {
  busyShare,
  coreTimesOf,
  processorMs,
  processorMsOf,
  processTree,
  residentMb,
  residentMbOf,
} from '../../load/proc.ts';
import { until } from '../support/until.ts';

test('processor time is user and system time of a process and its ended children, whatever its name', () => {
  const stat =
    '4242 (a) b (c) S 1 4242 4242 0 -1 4194560 100 200 0 0 150 50 7 3 20 0 5 0 1234 1000000 500 18446744073709551615';
  assert.equal(processorMsOf(stat), 2100);
});

test('resident memory is read in MB', () => {
  assert.equal(residentMbOf('Name:\tnginx\nVmPeak:\t  20000 kB\nVmRSS:\t    2048 kB\n'), 2);
  assert.equal(residentMbOf('Name:\tkthreadd\n'), 0);
});

const stat = (user: number, idle: number): string =>
  `cpu  99 0 0 99 0 0 0 0 0 0\ncpu0 ${user} 1 2 ${idle} 5 0 3 0 77 0\ncpu1 0 0 0 ${idle} 0 0 0 0 0 0\nintr 5\n`;

test('waiting for disks is idle, and guests are not counted twice', () => {
  assert.deepEqual(coreTimesOf(stat(10, 80)), [
    { busy: 16, all: 101 },
    { busy: 0, all: 80 },
  ]);
});

test('a share of work is that of the chosen cores between two readings', () => {
  const [before, after] = [coreTimesOf(stat(10, 80)), coreTimesOf(stat(40, 90))];
  assert.equal(busyShare(before, after, [0]), 0.75);
  assert.equal(busyShare(before, after, [1]), 0);
  assert.equal(busyShare(before, after), 0.6);
  assert.equal(busyShare(before, before), 0);
});

test('a process tree holds what a process has started, and its time grows as it works', async (t) => {
  const child = spawn('sh', ['-c', 'sh -c "while :; do :; done" & wait'], { detached: true });
  t.after(() => process.kill(-(child.pid ?? 0), 'SIGKILL'));
  const pid = child.pid ?? 0;
  const tree = await until(() => (processTree(pid).length > 1 ? processTree(pid) : null), {
    what: 'the child has a child',
  });
  assert.equal(tree[0], pid);
  const before = processorMs(tree);
  await until(() => processorMs(tree) > before + 20, { what: 'it has worked' });
  assert.ok(residentMb(tree) > 0);
});

test('a process that is gone counts nothing', () => {
  assert.equal(processorMs([4_194_999]), 0);
  assert.equal(residentMb([4_194_999]), 0);
});
