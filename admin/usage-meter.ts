/**
 * What containers use, as rates: read while somebody asks, and for a while after, so that the next answer is there at
 * once. Nothing here goes through an Engine.
 */
import { type Clock, pause, type Timer } from '#core/clock';
import type { ReplicaSnapshot, SetSnapshot } from '#core/set';
import type { ContainerUsage, Unreadable, UsageEngine } from '#docker/cgroup-stats';

const EVERY_MS = 2000;
/** Between the two looks of the first answer. */
const FIRST_MS = 500;
/** A look that is older is no measure of now. */
const STALE_MS = 5000;
const ASKED_FOR_MS = 30_000;

export interface UsageMeterOptions {
  /** Null: no such host. */
  readonly engine: (host: string) => UsageEngine | null;
  readonly sets: () => Iterable<SetSnapshot>;
  readonly clock: Clock;
}

/** What one container uses now; rates are per second. */
export interface UsageNow {
  /** Percent of one core. */
  readonly cpuPercent: number;
  /** Percent of the time. */
  readonly throttledPercent: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number | null;
  readonly oomKills: number;
  readonly pids: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** A container to look at. */
export interface MeteredContainer {
  readonly host: string;
  readonly containerId: string;
  readonly pid: number;
  /** Of a replica that Tidegate made; null: the replica is this container alone. */
  readonly member: string | null;
}

interface Look {
  readonly at: number;
  readonly pid: number;
  readonly usage: ContainerUsage | Unreadable;
}

interface Known {
  before: Look | null;
  last: Look;
}

export class UsageMeter {
  readonly #options: UsageMeterOptions;
  /** By container id. */
  readonly #looks = new Map<string, Known>();
  /** `<tenant>/<app>` → monotonic ms of the last question. */
  readonly #asked = new Map<string, number>();
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: UsageMeterOptions) {
    this.#options = options;
  }

  /** Resolves when there are two looks at each container of the sets that runs. */
  async ask(sets: readonly SetSnapshot[]): Promise<void> {
    const { clock } = this.#options;
    const now = clock.now();
    for (const { tenant, app } of sets) this.#asked.set(`${tenant}/${app}`, now);
    const containers = sets.flatMap((set) => set.replicas.flatMap(containersOf)).filter(({ pid }) => pid > 0);
    const isFresh = ({ containerId, pid }: MeteredContainer): boolean => {
      const known = this.#looks.get(containerId);
      return known?.last.pid === pid && known.before?.pid === pid && now - known.last.at < STALE_MS;
    };
    if (!containers.every(isFresh)) {
      for (const one of containers) this.#look(one);
      await pause(clock, FIRST_MS);
      for (const one of containers) this.#look(one);
    }
    this.#timer ??= this.#goOn();
  }

  /** What was seen between the last two looks. */
  now({ containerId }: MeteredContainer): UsageNow | Unreadable {
    const known = this.#looks.get(containerId);
    if (known === undefined) return { unreadable: 'it does not run' };
    const { last, before } = known;
    if ('unreadable' in last.usage) return last.usage;
    if (before === null || 'unreadable' in before.usage || before.pid !== last.pid) {
      return { unreadable: 'it was looked at only once' };
    }
    return rates(before.usage, last.usage, last.at - before.at);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #look({ host, containerId, pid }: MeteredContainer): void {
    const { engine, clock } = this.#options;
    const usage = engine(host)?.usage({ containerId, pid }) ?? { unreadable: 'its host is not known' };
    const known = this.#looks.get(containerId);
    const last = { at: clock.now(), pid, usage };
    // Two looks at the same moment are none.
    if (known !== undefined && known.last.at >= last.at) return;
    this.#looks.set(containerId, { before: known?.last ?? null, last });
  }

  #goOn(): Timer {
    const { clock, sets } = this.#options;
    return clock.after(EVERY_MS, () => {
      this.#timer = null;
      if (this.#closed) return;
      const since = clock.now() - ASKED_FOR_MS;
      for (const [app, at] of this.#asked) if (at < since) this.#asked.delete(app);
      const seen = new Set<string>();
      for (const { tenant, app, replicas } of this.#asked.size === 0 ? [] : sets()) {
        if (!this.#asked.has(`${tenant}/${app}`)) continue;
        for (const one of replicas.flatMap(containersOf)) {
          if (one.pid <= 0) continue;
          seen.add(one.containerId);
          this.#look(one);
        }
      }
      for (const id of this.#looks.keys()) if (!seen.has(id)) this.#looks.delete(id);
      if (this.#asked.size > 0) this.#timer = this.#goOn();
    });
  }
}

/** The containers of a replica that use something; its network is that of any. */
export function containersOf({ host, containerId, pid, members }: ReplicaSnapshot): MeteredContainer[] {
  if (members === undefined) return [{ host, containerId, pid, member: null }];
  return members.map((one) => ({ host, containerId: one.containerId, pid: one.pid, member: one.name }));
}

function rates(before: ContainerUsage, last: ContainerUsage, ms: number): UsageNow {
  const perSecond = (pick: (usage: ContainerUsage) => number): number =>
    Math.max(0, Math.round(((pick(last) - pick(before)) / ms) * 1000));
  const { memoryBytes, memoryLimitBytes, oomKills, pids } = last;
  return {
    cpuPercent: percent(last.cpuNs - before.cpuNs, ms),
    throttledPercent: percent(last.throttledNs - before.throttledNs, ms),
    ...{ memoryBytes, memoryLimitBytes, oomKills, pids },
    readBytes: perSecond((usage) => usage.readBytes),
    writtenBytes: perSecond((usage) => usage.writtenBytes),
    receivedBytes: perSecond((usage) => usage.receivedBytes),
    sentBytes: perSecond((usage) => usage.sentBytes),
  };
}

function percent(ns: number, ms: number): number {
  return Math.max(0, Math.round((ns / 1e6 / ms) * 1000) / 10);
}
