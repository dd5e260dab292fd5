/** What containers use is what the Engine itself says, a thousand times faster. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type Docker from 'dockerode';
import { systemClock } from '#core/clock';
import { silentLog } from '#core/log';
import type { ContainerUsage } from '#docker/container-reader';
import { type DockerEngine, openEngine } from '#docker/docker-engine';
import { UsageSampler } from '#docker/usage-sampler';
import { replica, snapshot } from '#test/router/sample';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { until } from '../support/until.ts';

const BUSY = 'const held = Buffer.alloc(50_000_000, 1); for (;;) held[0]++';

let daemon: TestEngine;
let engine: DockerEngine;

before(async () => {
  daemon = await startTestEngine();
  engine = openEngine({ endpoint: daemon.socket, host: 'local', clock: systemClock, log: silentLog });
});
after(async () => {
  engine.close();
  await daemon.close();
});

async function busy(nanoCpus: number): Promise<{ container: Docker.Container; read: () => ContainerUsage }> {
  const container = await daemon.docker.createContainer({
    Image: await daemon.images.hello(),
    Entrypoint: ['node', '-e', BUSY],
    Labels: { 'tidegate.app': 'shop' },
    HostConfig: { NanoCpus: nanoCpus, Memory: 256 * 1_048_576 },
  });
  await container.start();
  const { State } = await container.inspect();
  const read = (): ContainerUsage => {
    const usage = engine.usage({ containerId: container.id, pid: State.Pid });
    assert.ok(!('unreadable' in usage), JSON.stringify(usage));
    return usage;
  };
  return { container, read };
}

interface Stats {
  readonly cpu_stats: { readonly cpu_usage: { readonly total_usage: number } };
  readonly memory_stats: { readonly usage: number; readonly limit: number; readonly stats: Record<string, number> };
}

test('memory and processor time of a busy container are within 5 % of docker stats', async () => {
  const { container, read } = await busy(300_000_000);
  await until(() => read().memoryBytes > 50_000_000);
  const stats = async (): Promise<Stats> => {
    const answer: unknown = await container.stats({ stream: false, 'one-shot': true });
    return answer as Stats;
  };
  const before = read();
  const first = await stats();
  await until(() => read().cpuNs - before.cpuNs > 300_000_000, { what: 'it has used 0.3 s' });
  const { cpu_stats, memory_stats } = await stats();
  const last = read();
  const used = cpu_stats.cpu_usage.total_usage - first.cpu_stats.cpu_usage.total_usage;
  within(last.cpuNs - before.cpuNs, used, 0.15);
  // Since its start: the two readings are milliseconds apart.
  within(last.cpuNs, cpu_stats.cpu_usage.total_usage, 0.05);
  const { total_inactive_file, inactive_file = 0 } = memory_stats.stats;
  within(last.memoryBytes, memory_stats.usage - (total_inactive_file ?? inactive_file), 0.05);
  assert.equal(last.memoryLimitBytes, memory_stats.limit);
  assert.ok(last.throttledNs > 0, 'its limit holds it back');
  assert.ok(last.pids >= 1);
  await container.remove({ force: true });
});

test('what replicas use keeps flowing while the daemon hangs, of those that died meanwhile nothing is told', async (t) => {
  const { container } = await busy(200_000_000);
  const other = await busy(200_000_000);
  const replicas = await Promise.all(
    [container, other.container].map(async (one) => {
      const { State } = await one.inspect();
      return replica(one.id, { pid: State.Pid });
    }),
  );
  const [first, second] = replicas;
  assert.ok(first !== undefined && second !== undefined);
  const sampler = new UsageSampler({
    engine: () => engine,
    sets: () => [snapshot('default/shop/web', [], { replicas })],
    clock: systemClock,
    everyMs: 100,
  });
  t.after(() => sampler.close());
  sampler.begin();
  daemon.signal('SIGSTOP');
  try {
    const begun = systemClock.now();
    const used = (one: typeof first): number => sampler.countersOf(one)?.cpuNs ?? 0;
    await until(() => (sampler.of(first)?.at ?? 0) > begun && (sampler.of(first)?.cpuPercent ?? 0) > 0);
    const before = used(first);
    await until(() => used(first) > before, { what: 'its processor time goes on' });
    assert.ok((sampler.of(first)?.memoryPercent ?? 0) > 1);
    process.kill(second.pid, 'SIGKILL');
    await until(() => sampler.of(second) === null, { what: 'the one that died is not known any more' });
    assert.notEqual(sampler.of(first), null);
  } finally {
    daemon.signal('SIGCONT');
  }
  await Promise.all([container, other.container].map((one) => one.remove({ force: true })));
});

function within(value: number, expected: number, share: number): void {
  assert.ok(Math.abs(value - expected) <= expected * share, `${value} is not within ${share * 100} % of ${expected}`);
}
