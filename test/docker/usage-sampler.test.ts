/** The reader of what replicas use: who is read when, within which bounds, and what comes of two readings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberSnapshot, ReplicaSnapshot, SetSnapshot } from '#core/set';
import type { Unreadable, UsageEngine, UsageTarget } from '#docker/cgroup-stats';
import type { ContainerUsage } from '#docker/container-reader';
import { UsageSampler } from '#docker/usage-sampler';
import { replica, snapshot } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';

const EVERY_MS = 2000;
const NONE: ContainerUsage = {
  ...{ cpuNs: 0, throttledNs: 0, cpuLimit: null, memoryBytes: 0, memoryLimitBytes: null, oomKills: 0, pids: 1 },
  ...{ readBytes: 0, writtenBytes: 0, receivedBytes: 0, sentBytes: 0 },
};

/** Containers use half a core each. */
class Kernel implements UsageEngine {
  readonly read: string[] = [];
  readonly forgotten: string[] = [];
  readonly gone = new Set<string>();
  limits: Partial<ContainerUsage> = {};
  /** What readings have taken together; each takes `takesMs`. */
  spentMs = 0;
  readonly #clock: FakeClock;
  readonly #takesMs: number;

  constructor(clock: FakeClock, takesMs: number) {
    this.#clock = clock;
    this.#takesMs = takesMs;
  }

  usage({ containerId }: UsageTarget): ContainerUsage | Unreadable {
    this.read.push(containerId);
    const at = this.#clock.now();
    this.spentMs += this.#takesMs;
    if (this.gone.has(containerId)) return { unreadable: 'gone' };
    return { ...NONE, cpuNs: at * 500_000, memoryBytes: 60, receivedBytes: 7, sentBytes: 8, ...this.limits };
  }

  forgetUsage(containerId: string): void {
    this.forgotten.push(containerId);
  }
}

function member(index: number, pid: number): MemberSnapshot {
  const facts = { startedAt: null, exitCode: null, oomKilled: false, image: '', status: 'running' as const };
  return { index, name: `m${index}`, containerId: `m${index}`, pid, ...facts };
}

/** Readings have begun. */
function ground(replicas: readonly ReplicaSnapshot[], takesMs = 0) {
  const clock = new FakeClock();
  const kernel = new Kernel(clock, takesMs);
  const sets: SetSnapshot[] = [snapshot('default/shop/web', [], { replicas })];
  const sampler = new UsageSampler({
    engine: () => kernel,
    sets: () => sets,
    clock: {
      wall: () => clock.wall(),
      now: () => clock.now() + kernel.spentMs,
      after: (delayMs, run) => clock.after(delayMs, run),
    },
    everyMs: EVERY_MS,
  });
  sampler.begin();
  const become = (next: readonly ReplicaSnapshot[]): void => {
    sets[0] = snapshot('default/shop/web', [], { replicas: next });
  };
  return { clock, kernel, sampler, become };
}

test('processor time and memory are of the limits of a replica, and without limits of one core and of nothing', async () => {
  const one = replica('one', { pid: 1 });
  const { clock, kernel, sampler } = ground([one]);
  assert.equal(sampler.of(one), null, 'not read yet');
  await clock.advance(EVERY_MS);
  assert.equal(sampler.of(one)?.cpuPercent, null, 'one reading has no rate');
  await clock.advance(EVERY_MS);
  const usage = { at: clock.now(), memoryBytes: 60, pids: 1, receivedBytes: 7, sentBytes: 8 };
  assert.deepEqual(sampler.of(one), { ...usage, cpuPercent: 50, memoryPercent: null });
  kernel.limits = { cpuLimit: 2, memoryLimitBytes: 80 };
  await clock.advance(EVERY_MS);
  assert.deepEqual(sampler.of(one), { ...usage, at: clock.now(), cpuPercent: 25, memoryPercent: 75 });
  sampler.close();
});

test('members of a replica are taken together; their network is one', async () => {
  const pod = replica('pod', { pid: 1, members: [member(1, 1), member(2, 2), member(3, 0)] });
  const { clock, kernel, sampler } = ground([pod]);
  kernel.limits = { cpuLimit: 1, memoryLimitBytes: 120 };
  await clock.advance(2 * EVERY_MS);
  const usage = sampler.of(pod);
  assert.deepEqual(
    [usage?.cpuPercent, usage?.memoryPercent, usage?.memoryBytes, usage?.receivedBytes],
    [50, 50, 120, 7],
  );
  assert.ok(!kernel.read.includes('m3'), 'a member that does not run costs nothing');
  sampler.close();
});

test('what is gone costs nothing, and is forgotten once', async () => {
  const [one, two] = [replica('one', { pid: 1 }), replica('two', { pid: 2 })];
  const { clock, kernel, sampler, become } = ground([one, two]);
  await clock.advance(EVERY_MS);
  become([{ ...one, pid: 0 }, two]);
  const before = kernel.read.length;
  await clock.advance(3 * EVERY_MS);
  assert.deepEqual(
    kernel.read.slice(before),
    [two, two, two].map(({ containerId }) => containerId),
  );
  assert.deepEqual(kernel.forgotten, [one.containerId]);
  assert.equal(sampler.of({ ...one, pid: 0 }), null);
  sampler.close();
  assert.deepEqual(kernel.forgotten, [one.containerId, two.containerId]);
  assert.equal(clock.pendingCount, 0);
});

test('another run begins anew, and what cannot be read is not known', async () => {
  const one = replica('one', { pid: 1 });
  const { clock, kernel, sampler, become } = ground([one]);
  await clock.advance(2 * EVERY_MS);
  const again = { ...one, pid: 9 };
  become([again]);
  assert.equal(sampler.of(again), null, 'its process was not read');
  await clock.advance(EVERY_MS);
  assert.equal(sampler.of(again)?.cpuPercent, null);
  kernel.gone.add(one.containerId);
  await clock.advance(EVERY_MS);
  assert.equal(sampler.of(again), null);
  sampler.close();
});

test('a round reads for a share of its time at most, and the next begins with those it did not come to', async () => {
  const replicas = Array.from({ length: 60 }, (_, n) => replica(`r${n}`, { pid: n + 1 }));
  const { clock, kernel, sampler } = ground(replicas, 5);
  let rounds = 0;
  sampler.onRound(() => rounds++);
  const round = async (n: number): Promise<void> => {
    while (rounds < n) await clock.advance(5);
  };
  await round(1);
  const first = kernel.read.length;
  assert.equal(first, (EVERY_MS * 0.05) / 5);
  assert.equal(sampler.cut, 1);
  await round(2);
  assert.equal(kernel.read[first], replicas[first]?.containerId);
  await round(4);
  assert.equal(new Set(kernel.read).size, 60, 'everybody had a turn');
  sampler.close();
});

test('nobody is asked for sets before it begins: while Tidegate starts there may be nobody who knows them', async () => {
  const clock = new FakeClock();
  let asked = 0;
  const sets = (): SetSnapshot[] => {
    asked++;
    return [];
  };
  const sampler = new UsageSampler({ engine: () => null, sets, clock, everyMs: EVERY_MS });
  await clock.advance(5 * EVERY_MS);
  assert.equal(asked, 0);
  sampler.begin();
  await clock.advance(EVERY_MS);
  assert.equal(asked, 1);
  sampler.close();
});
