/** Two readings of a container make its rates; containers of one replica add up. */
import type { Unreadable } from './cgroup-stats.ts';
import type { ContainerUsage } from './container-reader.ts';

/** What is used now; rates are per second. */
export interface UsageNow {
  /** Percent of one core. */
  readonly cpuPercent: number;
  /** In cores; null: none. */
  readonly cpuLimit: number | null;
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

/** @param ms between the two */
export function ratesOf(before: ContainerUsage, last: ContainerUsage, ms: number): UsageNow {
  const perSecond = (pick: (usage: ContainerUsage) => number): number =>
    Math.max(0, Math.round(((pick(last) - pick(before)) / ms) * 1000));
  const { cpuLimit, memoryBytes, memoryLimitBytes, oomKills, pids } = last;
  return {
    cpuPercent: percent(last.cpuNs - before.cpuNs, ms),
    throttledPercent: percent(last.throttledNs - before.throttledNs, ms),
    ...{ cpuLimit, memoryBytes, memoryLimitBytes, oomKills, pids },
    readBytes: perSecond((usage) => usage.readBytes),
    writtenBytes: perSecond((usage) => usage.writtenBytes),
    receivedBytes: perSecond((usage) => usage.receivedBytes),
    sentBytes: perSecond((usage) => usage.sentBytes),
  };
}

/** What containers of one replica use together; of their network, which they share, that of the first. */
export function together(all: readonly (UsageNow | Unreadable)[]): UsageNow | Unreadable {
  const uses = all.flatMap((one) => ('unreadable' in one ? [] : [one]));
  const [first] = uses;
  if (first === undefined) return all.find((one) => 'unreadable' in one) ?? { unreadable: 'it has no container' };
  return {
    ...sums(uses),
    cpuPercent: tenths(total(uses, (use) => use.cpuPercent)),
    throttledPercent: Math.max(...uses.map(({ throttledPercent }) => throttledPercent)),
    receivedBytes: first.receivedBytes,
    sentBytes: first.sentBytes,
  };
}

/** The same of counters. Null: none of its containers was read. */
export function countersTogether(uses: readonly ContainerUsage[]): ContainerUsage | null {
  const [first] = uses;
  if (first === undefined) return null;
  return {
    ...sums(uses),
    cpuNs: total(uses, (use) => use.cpuNs),
    throttledNs: total(uses, (use) => use.throttledNs),
    receivedBytes: first.receivedBytes,
    sentBytes: first.sentBytes,
  };
}

type Summed = 'cpuLimit' | 'memoryBytes' | 'memoryLimitBytes' | 'oomKills' | 'pids' | 'readBytes' | 'writtenBytes';

function sums(uses: readonly Pick<UsageNow, Summed>[]): Pick<UsageNow, Summed> {
  return {
    cpuLimit: limit(uses.map((use) => use.cpuLimit)),
    memoryBytes: total(uses, (use) => use.memoryBytes),
    memoryLimitBytes: limit(uses.map((use) => use.memoryLimitBytes)),
    oomKills: total(uses, (use) => use.oomKills),
    pids: total(uses, (use) => use.pids),
    readBytes: total(uses, (use) => use.readBytes),
    writtenBytes: total(uses, (use) => use.writtenBytes),
  };
}

function total<T>(uses: readonly T[], pick: (use: T) => number): number {
  return uses.reduce((sum, use) => sum + pick(use), 0);
}

/** One without a limit may take whatever there is. */
function limit(all: readonly (number | null)[]): number | null {
  return all.reduce<number | null>((sum, one) => (sum === null || one === null ? null : sum + one), 0);
}

function percent(ns: number, ms: number): number {
  return Math.max(0, tenths((ns / 1e6 / ms) * 100));
}

export function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
