/** Use of containers, read from files as both versions of control groups write them. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Usages } from '#docker/cgroup-stats';
import { KernelFiles } from '#docker/kernel-file';
import { temporaryDirectory } from '#test/store/temporary';

const ID = 'ab'.repeat(32);
const NET = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:   99999     1    0    0    0     0          0         0    99999     1    0    0    0     0       0          0
  eth0:    1000     9    0    0    0     0          0         0     2000     9    0    0    0     0       0          0
  eth1:      10     9    0    0    0     0          0         0       20     9    0    0    0     0       0          0
`;

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

test('the first version is read as docker stats reads it', (t) => {
  const root = temporaryDirectory(t);
  const controllers = ['cpuacct', 'cpu', 'memory', 'pids', 'blkio'];
  write(root, {
    'proc/42/cgroup': controllers.map((name, n) => `${n + 1}:${name}:/docker/${ID}/within`).join('\n'),
    'proc/42/net/dev': NET,
    [`cgroup/cpuacct/docker/${ID}/cpuacct.usage`]: '5000000000\n',
    [`cgroup/cpu/docker/${ID}/cpu.stat`]: 'nr_periods 10\nnr_throttled 2\nthrottled_time 300\n',
    [`cgroup/cpu/docker/${ID}/cpu.cfs_quota_us`]: '-1\n',
    [`cgroup/cpu/docker/${ID}/cpu.cfs_period_us`]: '100000\n',
    [`cgroup/memory/docker/${ID}/memory.usage_in_bytes`]: '10000\n',
    [`cgroup/memory/docker/${ID}/memory.stat`]: 'inactive_file 1\ntotal_inactive_file 4000\n',
    [`cgroup/memory/docker/${ID}/memory.limit_in_bytes`]: '9223372036854771712\n',
    [`cgroup/memory/docker/${ID}/memory.oom_control`]: 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
    [`cgroup/pids/docker/${ID}/pids.current`]: '7\n',
    [`cgroup/blkio/docker/${ID}/blkio.throttle.io_service_bytes`]:
      '8:0 Read 100\n8:0 Write 200\n8:0 Sync 300\n8:16 Read 1\n8:16 Write 2\nTotal 303\n',
  });
  const usages = new Usages({ procRoot: path.join(root, 'proc'), cgroupRoot: path.join(root, 'cgroup') });
  assert.deepEqual(usages.usage({ containerId: ID, pid: 42 }), {
    ...{
      cpuNs: 5e9,
      throttledNs: 300,
      memoryBytes: 6000,
      memoryLimitBytes: null,
      oomKills: 3,
      pids: 7,
      cpuLimit: null,
    },
    ...{ readBytes: 101, writtenBytes: 202, receivedBytes: 1010, sentBytes: 2020 },
  });
});

test('the second version says the same, each of its files read once', (t) => {
  const root = temporaryDirectory(t);
  const folder = `cgroup/system.slice/docker-${ID}.scope`;
  write(root, {
    'proc/42/cgroup': `0::/system.slice/docker-${ID}.scope\n`,
    'proc/42/net/dev': NET,
    [`${folder}/cpu.stat`]: 'usage_usec 5000000\nuser_usec 1\nthrottled_usec 3\n',
    [`${folder}/cpu.max`]: '150000 100000\n',
    [`${folder}/memory.current`]: '10000\n',
    [`${folder}/memory.stat`]: 'anon 1\ninactive_file 4000\n',
    [`${folder}/memory.max`]: '20000\n',
    [`${folder}/memory.events`]: 'low 0\noom 1\noom_kill 3\noom_group_kill 0\n',
    [`${folder}/pids.current`]: '7\n',
    [`${folder}/io.stat`]: '8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=0\n8:16 rbytes=1 wbytes=2 rios=1\n',
  });
  const files = new KernelFiles();
  const usages = new Usages({ procRoot: path.join(root, 'proc'), cgroupRoot: path.join(root, 'cgroup'), files });
  t.after(() => usages.close());
  assert.deepEqual(usages.usage({ containerId: ID, pid: 42 }), {
    ...{
      cpuNs: 5e9,
      throttledNs: 3000,
      memoryBytes: 6000,
      memoryLimitBytes: 20_000,
      oomKills: 3,
      pids: 7,
      cpuLimit: 1.5,
    },
    ...{ readBytes: 101, writtenBytes: 202, receivedBytes: 1010, sentBytes: 2020 },
  });
  assert.equal(files.open, 9);
});

test('where it cannot be read, it is said why', (t) => {
  const root = temporaryDirectory(t);
  write(root, { 'proc/42/cgroup': '0::/system.slice/other.scope\n' });
  const usages = new Usages({ procRoot: path.join(root, 'proc'), cgroupRoot: path.join(root, 'cgroup') });
  assert.deepEqual(usages.usage({ containerId: ID, pid: 0 }), { unreadable: 'it does not run' });
  for (const pid of [42, 43]) {
    assert.deepEqual(usages.usage({ containerId: ID, pid }), {
      unreadable: 'its control groups cannot be read from here',
    });
  }
  const remote = new Usages({ procRoot: null, cgroupRoot: root });
  assert.deepEqual(remote.usage({ containerId: ID, pid: 42 }), { unreadable: 'its host is another machine' });
});
