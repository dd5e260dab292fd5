/**
 * What sets use, as metrics: processor time and memory of all their containers, read every ten seconds from the kernel's
 * own files. Processor time of containers that are gone stays counted.
 */
import type { Clock, Timer } from '#core/clock';
import type { SetKey, SetSnapshot } from '#core/set';
import type { UsageEngine } from '#docker/cgroup-stats';
import type { MetricFamily, MetricSample } from './ports.ts';
import { containersOf } from './usage-meter.ts';

const EVERY_MS = 10_000;
const NS_PER_S = 1e9;

export interface SetUsageOptions {
  /** Null: no such host. */
  readonly engine: (host: string) => UsageEngine | null;
  readonly sets: () => Iterable<SetSnapshot>;
  readonly clock: Clock;
}

interface Counted {
  cpuNs: number;
  memoryBytes: number;
}

export class SetUsage {
  readonly #options: SetUsageOptions;
  readonly #counted = new Map<SetKey, Counted>();
  /** Processor time of each container when it was read last; another process began anew. */
  #seen = new Map<string, { readonly pid: number; readonly cpuNs: number }>();
  #timer: Timer;

  constructor(options: SetUsageOptions) {
    this.#options = options;
    this.#timer = this.#later();
  }

  /** Reads all containers that run. */
  read(): void {
    const { engine, sets } = this.#options;
    const seen = new Map<string, { pid: number; cpuNs: number }>();
    const present = new Set<SetKey>();
    for (const { key, replicas } of sets()) {
      present.add(key);
      const counted = this.#counted.get(key) ?? { cpuNs: 0, memoryBytes: 0 };
      this.#counted.set(key, counted);
      counted.memoryBytes = 0;
      for (const { host, containerId, pid } of replicas.flatMap(containersOf)) {
        if (pid <= 0) continue;
        const usage = engine(host)?.briefUsage({ containerId, pid });
        if (usage === undefined || 'unreadable' in usage) continue;
        const before = this.#seen.get(containerId);
        counted.cpuNs += Math.max(0, usage.cpuNs - (before?.pid === pid ? before.cpuNs : 0));
        counted.memoryBytes += usage.memoryBytes;
        seen.set(containerId, { pid, cpuNs: usage.cpuNs });
      }
    }
    this.#seen = seen;
    for (const key of this.#counted.keys()) if (!present.has(key)) this.#counted.delete(key);
  }

  families(): MetricFamily[] {
    const samples = (pick: (counted: Counted) => number): MetricSample[] =>
      Array.from(this.#counted, ([key, counted]) => {
        const [tenant = '', app = '', set = ''] = key.split('/');
        return { labels: { tenant, app, set }, value: pick(counted) };
      });
    return [
      {
        name: 'tidegate_set_cpu_seconds_total',
        type: 'counter',
        help: 'Processor time that the containers of a set have used, as far as it can be read on this machine.',
        samples: samples(({ cpuNs }) => cpuNs / NS_PER_S),
      },
      {
        name: 'tidegate_set_memory_bytes',
        type: 'gauge',
        help: 'Memory that the containers of a set use, without inactive pages of files.',
        samples: samples(({ memoryBytes }) => memoryBytes),
      },
    ];
  }

  close(): void {
    this.#timer.cancel();
  }

  #later(): Timer {
    return this.#options.clock.after(EVERY_MS, () => {
      this.read();
      this.#timer = this.#later();
    });
  }
}
