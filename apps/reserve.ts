/**
 * What of a host is there for the next replica. Replicas that sleep give back what they do not use: a frozen one keeps its
 * memory, one that is a sandbox or stopped keeps nothing. Limits promise no more than there is as long as not all wake.
 */
import { setKey } from '#core/set';
import type { AppLibrary } from './app-library.ts';
import type { AppsPorts } from './ports.ts';

/** Of a host, or of a replica. */
export interface Room {
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface ReserveOptions {
  readonly ports: Pick<AppsPorts, 'sight' | 'capacity'>;
  readonly library: Pick<AppLibrary, 'allSets' | 'revisions'>;
}

/** What a replica keeps for itself, by its phase; in all others everything. */
const KEPT: Readonly<Record<string, { readonly cores: boolean; readonly memory: boolean }>> = {
  frozen: { cores: false, memory: true },
  sandbox: { cores: false, memory: false },
  stopped: { cores: false, memory: false },
};
const ALL = { cores: true, memory: true };

export class Reserve {
  readonly #options: ReserveOptions;

  constructor(options: ReserveOptions) {
    this.#options = options;
  }

  /** By the limits of the replicas on it that do not sleep. Without a limit a replica claims nothing. */
  claimed(host: string): Room {
    const { ports, library } = this.#options;
    const claimed = { cores: 0, memoryBytes: 0 };
    for (const { tenant, app, name } of library.allSets()) {
      const own = ports.sight(setKey(tenant, app, name))?.replicas.filter((one) => one.host === host) ?? [];
      if (own.length === 0) continue;
      const revisions = library.revisions(tenant, app, name);
      for (const { phase, revision } of own) {
        const resources = revisions.findLast((one) => one.share === revision)?.spec.resources;
        const kept = KEPT[phase] ?? ALL;
        if (kept.cores) claimed.cores += resources?.cpu ?? 0;
        if (kept.memory) claimed.memoryBytes += resources?.memory ?? 0;
      }
    }
    return claimed;
  }

  /** What is left of it, never less than nothing. Null: its size is not known. */
  allocatable(host: string): Room | null {
    const capacity = this.#options.ports.capacity?.(host) ?? null;
    if (capacity === null) return null;
    const { cores, memoryBytes } = this.claimed(host);
    return {
      cores: Math.max(0, capacity.cores - cores),
      memoryBytes: Math.max(0, capacity.memoryBytes - memoryBytes),
    };
  }

  /** True also where it is not known. */
  hasRoom(host: string, { cpu, memory }: { readonly cpu: number | null; readonly memory: number | null }): boolean {
    // What claims nothing fits everywhere.
    const room = cpu === null && memory === null ? null : this.allocatable(host);
    return room === null || (room.cores >= (cpu ?? 0) && room.memoryBytes >= (memory ?? 0));
  }
}
