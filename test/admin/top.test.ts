/** What an app uses: rates between two looks, sums over the containers of a replica, and metrics of sets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SetUsage } from '#admin/set-usage';
import type { MemberSnapshot } from '#core/set';
import type { Unreadable, UsageEngine, UsageTarget } from '#docker/cgroup-stats';
import type { ContainerUsage } from '#docker/container-reader';
import { UsageSampler } from '#docker/usage-sampler';
import { replica, snapshot } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';
import { Tidegate } from './tidegate.ts';

const MIB = 1_048_576;

/** Each container has used as much of everything as its clock has run, times its pid. */
class Kernel implements UsageEngine {
  readonly #clock: FakeClock;
  looks = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  usage({ pid }: UsageTarget): ContainerUsage | Unreadable {
    this.looks++;
    if (pid === 13) return { unreadable: 'unlucky' };
    const ms = this.#clock.now() * pid;
    return {
      ...{ cpuNs: ms * 1e5, throttledNs: ms * 1e4, memoryBytes: pid * MIB, memoryLimitBytes: 2 * pid * MIB },
      ...{
        oomKills: 1,
        cpuLimit: null,
        pids: pid,
        readBytes: ms,
        writtenBytes: ms * 2,
        receivedBytes: ms * 3,
        sentBytes: ms * 4,
      },
    };
  }

  forgetUsage(): void {}
}

function member(index: number, pid: number): MemberSnapshot {
  const facts = { startedAt: null, exitCode: null, oomKilled: false, image: '', status: 'running' as const };
  return { index, name: `m${index}`, containerId: `m${index}`, pid, ...facts };
}

async function ground() {
  const clock = new FakeClock();
  const kernel = new Kernel(clock);
  const snapshots = new Map();
  const meter = new UsageSampler({ engine: () => kernel, sets: () => snapshots.values(), clock, everyMs: 2000 });
  meter.begin();
  const tidegate = await Tidegate.start(100, { meter }, clock);
  const discover = (one: ReturnType<typeof snapshot>): void => {
    snapshots.set(one.key, one);
    tidegate.discover(one);
  };
  const ask = async (path: string) => {
    const answer = tidegate.json(path);
    await clock.advance(600);
    return answer;
  };
  return { clock, kernel, meter, tidegate, discover, ask, snapshots };
}

test('top shows rates of each container, and what is together of a replica and of a set', async () => {
  const { discover, ask, meter } = await ground();
  discover(snapshot('default/shop/web', [], { replicas: [replica('pod', { members: [member(1, 1), member(2, 2)] })] }));
  discover(snapshot('default/shop/db', [], { replicas: [replica('one', { pid: 3 }), replica('bad', { pid: 13 })] }));
  const { json } = await ask('/v1/apps/shop/top');
  const [one, bad, pod] = ['items.0', 'items.1', 'items.2'].map((at) => json.at(at) as Record<string, unknown>);
  assert.deepEqual(one?.use, {
    ...{ cpu_percent: 30, throttled_percent: 3, memory_bytes: 3 * MIB, memory_limit_bytes: 6 * MIB, oom_kills: 1 },
    ...{ pids: 3, read_bytes_per_second: 3000, written_bytes_per_second: 6000 },
    ...{ received_bytes_per_second: 9000, sent_bytes_per_second: 12_000 },
  });
  assert.deepEqual([bad?.use, bad?.unreadable], [null, 'unlucky']);
  assert.deepEqual(pod?.use, {
    ...{ cpu_percent: 30, throttled_percent: 2, memory_bytes: 3 * MIB, memory_limit_bytes: 6 * MIB, oom_kills: 2 },
    ...{ pids: 3, read_bytes_per_second: 3000, written_bytes_per_second: 6000 },
    // They share one network.
    ...{ received_bytes_per_second: 3000, sent_bytes_per_second: 4000 },
  });
  assert.deepEqual(json.at('sets'), [
    { set: 'db', replicas: 1, cpu_percent: 30, memory_bytes: 3 * MIB },
    { set: 'web', replicas: 1, cpu_percent: 30, memory_bytes: 3 * MIB },
  ]);
  meter.close();
});

test('nobody who asks makes a container be read again that was read a moment ago', async () => {
  const { discover, ask, clock, kernel, meter, tidegate } = await ground();
  discover(snapshot('default/shop/web', [], { replicas: [replica('one', { pid: 1 })] }));
  await ask('/v1/apps/shop/top');
  assert.equal(kernel.looks, 2, 'it was not known before');
  await clock.advance(10_000);
  const before = kernel.looks;
  assert.equal((await tidegate.json('/v1/apps/shop/top')).json.at('items.0.use.cpu_percent'), 10);
  assert.equal(kernel.looks, before);
  meter.close();
  assert.equal(clock.pendingCount, 0);
});

test('processor time of a set only grows, also when its containers come and go', async () => {
  const { clock, meter, snapshots } = await ground();
  const usage = new SetUsage({ sampler: meter, sets: () => snapshots.values() });
  const values = () => usage.families().map(({ samples }) => [...samples].map(({ value }) => value));
  snapshots.set('a', snapshot('default/shop/web', [], { replicas: [replica('one', { pid: 1 })] }));
  await clock.advance(10_000);
  assert.deepEqual(values(), [[1], [MIB]]);
  snapshots.set('a', snapshot('default/shop/web', [], { replicas: [replica('one', { pid: 0, status: 'exited' })] }));
  await clock.advance(10_000);
  assert.deepEqual(values(), [[1], [0]]);
  snapshots.set('a', snapshot('default/shop/web', [], { replicas: [replica('two', { pid: 1 })] }));
  await clock.advance(10_000);
  assert.deepEqual(values(), [[4], [MIB]]);
  snapshots.clear();
  await clock.advance(10_000);
  assert.deepEqual(values(), [[], []]);
  meter.close();
});
