/**
 * What sets use, as metrics: processor time and memory of all their containers, as they were read last. Processor time of
 * containers that are gone stays counted.
 */
import type { SetKey, SetSnapshot } from '#core/set';
import { containersOf, type UsageSampler } from '#docker/usage-sampler';
import type { MetricFamily, MetricSample } from './ports.ts';

const NS_PER_S = 1e9;

export interface SetUsageOptions {
  readonly sampler: UsageSampler;
  readonly sets: () => Iterable<SetSnapshot>;
}

interface Counted {
  cpuNs: number;
  memoryBytes: number;
}

export class SetUsage {
  readonly #options: SetUsageOptions;
  readonly #counted = new Map<SetKey, Counted>();
  /** Processor time of each container when it was counted last; another process began anew. */
  #seen = new Map<string, { readonly pid: number; readonly cpuNs: number }>();

  constructor(options: SetUsageOptions) {
    this.#options = options;
    options.sampler.onRound(() => this.#count());
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
        isOlder: true,
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

  #count(): void {
    const { sampler, sets } = this.#options;
    const seen = new Map<string, { pid: number; cpuNs: number }>();
    const present = new Set<SetKey>();
    for (const { key, replicas } of sets()) {
      present.add(key);
      const counted = this.#counted.get(key) ?? { cpuNs: 0, memoryBytes: 0 };
      this.#counted.set(key, counted);
      counted.memoryBytes = 0;
      for (const container of replicas.flatMap(containersOf)) {
        const usage = sampler.counters(container);
        if (usage === null) continue;
        const { containerId, pid } = container;
        const before = this.#seen.get(containerId);
        counted.cpuNs += Math.max(0, usage.cpuNs - (before?.pid === pid ? before.cpuNs : 0));
        counted.memoryBytes += usage.memoryBytes;
        seen.set(containerId, { pid, cpuNs: usage.cpuNs });
      }
    }
    this.#seen = seen;
    for (const key of this.#counted.keys()) if (!present.has(key)) this.#counted.delete(key);
  }
}
