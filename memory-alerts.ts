/** Says once of a replica that it is about to run out of memory, before the kernel ends it, and what can be done. */
import type { EventSink } from '#core/event';
import type { ReplicaUsage } from '#core/replica-usage';
import type { ReplicaSnapshot, SetSnapshot } from '#core/set';

const HIGH_PERCENT = 90;
/** It has to come down to that before it is said again. */
const CALM_PERCENT = 80;
const MIB_BYTES = 1_048_576;

export interface MemoryAlertsOptions {
  readonly emit: EventSink;
  readonly sets: () => Iterable<SetSnapshot>;
  readonly usage: (replica: ReplicaSnapshot) => ReplicaUsage | null;
}

export class MemoryAlerts {
  readonly #options: MemoryAlertsOptions;
  /** Runs (replica and start) that it was said of. */
  #high = new Set<string>();

  constructor(options: MemoryAlertsOptions) {
    this.#options = options;
  }

  look(): void {
    const { emit, sets, usage } = this.#options;
    const high = new Set<string>();
    for (const { tenant, app, set, replicas } of sets()) {
      for (const replica of replicas) {
        const { memoryPercent, memoryBytes } = usage(replica) ?? { memoryPercent: null, memoryBytes: 0 };
        if (memoryPercent === null || memoryPercent < CALM_PERCENT) continue;
        const run = `${replica.id} ${replica.startedAt}`;
        const wasHigh = this.#high.has(run);
        if (wasHigh || memoryPercent >= HIGH_PERCENT) high.add(run);
        if (wasHigh || memoryPercent < HIGH_PERCENT) continue;
        const limitBytes = (memoryBytes / memoryPercent) * 100;
        emit({
          ...{ type: 'replica.memory_high', tenant, app, set, replica: replica.id },
          cause: `it uses ${mib(memoryBytes)} of its ${mib(limitBytes)}; raise the memory of the set, or look for a leak`,
          data: { percent: Math.round(memoryPercent), bytes: memoryBytes, limit_bytes: Math.round(limitBytes) },
        });
      }
    }
    this.#high = high;
  }
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB_BYTES)} MiB`;
}
