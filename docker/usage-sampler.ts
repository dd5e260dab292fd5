/**
 * Reads what all replicas use, every so often, for everybody who wants to know: the scaler, `top`, metrics. Nothing here
 * goes through an Engine, so it keeps flowing while one hangs. It reads in slices that end after a few milliseconds, and
 * no longer in all than a share of its interval: what a round did not come to is first in the next.
 */
import { type Clock, pause, type Timer } from '#core/clock';
import type { ReplicaUsage } from '#core/replica-usage';
import type { ReplicaSnapshot, SetSnapshot } from '#core/set';
import type { Unreadable, UsageEngine } from './cgroup-stats.ts';
import type { ContainerUsage } from './container-reader.ts';
import { countersTogether, ratesOf, together, type UsageNow } from './usage-rates.ts';

/** Between the two looks at what was not looked at before. */
const FIRST_MS = 500;
/** A look that is older by so many intervals is no measure of now. */
const STALE_INTERVALS = 2.5;
const SLICE_MS = 4;
/** Between slices, for others. */
const BREATH_MS = 5;
const ROUND_SHARE = 0.05;

export interface UsageSamplerOptions {
  /** Null: no such host. */
  readonly engine: (host: string) => UsageEngine | null;
  readonly sets: () => Iterable<SetSnapshot>;
  readonly clock: Clock;
  readonly everyMs: number;
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
  /** By `Clock.now()`. */
  readonly at: number;
  readonly pid: number;
  readonly usage: ContainerUsage | Unreadable;
}

interface Known {
  readonly host: string;
  before: Look | null;
  last: Look;
}

export class UsageSampler {
  readonly #options: UsageSamplerOptions;
  /** By container id. */
  readonly #looks = new Map<string, Known>();
  readonly #heard: (() => void)[] = [];
  /** Left over from the last round. */
  #rest: MeteredContainer[] = [];
  #timer: Timer | null = null;
  #cut = 0;

  constructor(options: UsageSamplerOptions) {
    this.#options = options;
  }

  /** The first round is an interval from now. To be called when there are sets to ask for. */
  begin(): void {
    const { clock, everyMs } = this.#options;
    this.#timer = clock.after(everyMs, () => this.#round());
  }

  /** Rounds that did not come to every container. */
  get cut(): number {
    return this.#cut;
  }

  /** Called after each round. Must not throw. */
  onRound(heard: () => void): void {
    this.#heard.push(heard);
  }

  /** Resolves when there are two looks at each container of the sets that runs: at once, but for new ones. */
  async ask(sets: readonly SetSnapshot[]): Promise<void> {
    const fresh = sets.flatMap((set) => set.replicas.flatMap(containersOf)).filter((one) => !this.#isFresh(one));
    if (fresh.length === 0) return;
    for (const one of fresh) this.#look(one);
    await pause(this.#options.clock, FIRST_MS);
    for (const one of fresh) this.#look(one);
  }

  /** What was seen between the last two looks. */
  now({ containerId, pid }: MeteredContainer): UsageNow | Unreadable {
    const known = this.#looks.get(containerId);
    if (known === undefined || pid <= 0) return { unreadable: 'it does not run' };
    const { last, before } = known;
    if ('unreadable' in last.usage) return last.usage;
    if (before === null || 'unreadable' in before.usage || before.pid !== last.pid) {
      return { unreadable: 'it was looked at only once' };
    }
    return ratesOf(before.usage, last.usage, last.at - before.at);
  }

  /** The last reading of a container that runs. Null: there is none. */
  counters({ containerId, pid }: MeteredContainer): ContainerUsage | null {
    const last = this.#looks.get(containerId)?.last;
    return last === undefined || last.pid !== pid || 'unreadable' in last.usage ? null : last.usage;
  }

  /** The same of a replica, its containers together. */
  countersOf(replica: ReplicaSnapshot): ContainerUsage | null {
    return countersTogether(containersOf(replica).flatMap((one) => this.counters(one) ?? []));
  }

  /** What a replica uses. Null: it is not known, or not any more. */
  of(replica: ReplicaSnapshot): ReplicaUsage | null {
    const containers = containersOf(replica).filter((one) => this.counters(one) !== null);
    const looks = containers.flatMap(({ containerId }) => this.#looks.get(containerId)?.last.at ?? []);
    const counters = this.countersOf(replica);
    if (counters === null) return null;
    const at = Math.min(...looks);
    if (this.#options.clock.now() - at > this.#options.everyMs * STALE_INTERVALS) return null;
    const now = together(containers.map((one) => this.now(one)));
    const { memoryBytes, memoryLimitBytes, cpuLimit, pids, receivedBytes, sentBytes } = counters;
    return {
      at,
      cpuPercent: 'unreadable' in now ? null : now.cpuPercent / (cpuLimit ?? 1),
      memoryPercent: memoryLimitBytes === null ? null : (memoryBytes / memoryLimitBytes) * 100,
      ...{ memoryBytes, pids, receivedBytes, sentBytes },
    };
  }

  close(): void {
    this.#timer?.cancel();
    for (const id of [...this.#looks.keys()]) this.#forget(id);
  }

  #round(): void {
    const { sets, clock, everyMs } = this.#options;
    const running = new Map<string, MeteredContainer>();
    for (const { replicas } of sets()) {
      for (const one of replicas.flatMap(containersOf)) if (one.pid > 0) running.set(one.containerId, one);
    }
    for (const id of [...this.#looks.keys()]) if (!running.has(id)) this.#forget(id);
    const first = this.#rest.flatMap(({ containerId }) => running.get(containerId) ?? []);
    for (const { containerId } of first) running.delete(containerId);
    const due = clock.now() + everyMs;
    this.#slice([...first, ...running.values()], due, everyMs * ROUND_SHARE);
  }

  /** @param leftMs that this round may still read for */
  #slice(containers: MeteredContainer[], due: number, leftMs: number): void {
    const { clock } = this.#options;
    const begun = clock.now();
    let done = 0;
    while (done < containers.length && clock.now() - begun < SLICE_MS) {
      const one = containers[done++];
      if (one !== undefined) this.#look(one);
    }
    const rest = containers.slice(done);
    const left = leftMs - (clock.now() - begun);
    if (rest.length > 0 && left > 0) {
      this.#timer = clock.after(BREATH_MS, () => this.#slice(rest, due, left));
      return;
    }
    if (rest.length > 0) this.#cut++;
    this.#rest = rest;
    for (const heard of this.#heard) heard();
    this.#timer = clock.after(Math.max(BREATH_MS, due - clock.now()), () => this.#round());
  }

  #look({ host, containerId, pid }: MeteredContainer): void {
    const { engine, clock } = this.#options;
    const known = this.#looks.get(containerId);
    const at = clock.now();
    // Two looks at the same moment are none.
    if (known !== undefined && known.last.at >= at && known.last.pid === pid) return;
    const usage = engine(host)?.usage({ containerId, pid }) ?? { unreadable: 'its host is not known' };
    this.#looks.set(containerId, { host, before: known?.last ?? null, last: { at, pid, usage } });
  }

  #isFresh({ containerId, pid }: MeteredContainer): boolean {
    const { clock, everyMs } = this.#options;
    const known = this.#looks.get(containerId);
    if (pid <= 0) return true;
    return (
      known?.last.pid === pid && known.before?.pid === pid && clock.now() - known.last.at < everyMs * STALE_INTERVALS
    );
  }

  #forget(containerId: string): void {
    const known = this.#looks.get(containerId);
    this.#looks.delete(containerId);
    if (known !== undefined) this.#options.engine(known.host)?.forgetUsage(containerId);
  }
}

/** The containers of a replica that use something; its network is that of any. */
export function containersOf({ host, containerId, pid, members }: ReplicaSnapshot): MeteredContainer[] {
  if (members === undefined) return [{ host, containerId, pid, member: null }];
  return members.map((one) => ({ host, containerId: one.containerId, pid: one.pid, member: one.name }));
}
