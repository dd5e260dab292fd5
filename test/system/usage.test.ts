/** What containers use is what the Engine itself says, a thousand times faster. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type Docker from 'dockerode';
import { systemClock } from '#core/clock';
import { silentLog } from '#core/log';
import type { ContainerUsage } from '#docker/container-reader';
import { type DockerEngine, openEngine } from '#docker/docker-engine';
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

function within(value: number, expected: number, share: number): void {
  assert.ok(Math.abs(value - expected) <= expected * share, `${value} is not within ${share * 100} % of ${expected}`);
}
