/**
 * What containers use, from the kernel's own files and never through the daemon, which takes a second for each: control
 * groups of both versions, and the network as a process of the container sees it.
 *
 * Kernel documentation: cgroup-v1/{cpuacct,memory,pids,blkio-controller}, cgroup-v2; proc(5), /proc/[pid]/net/dev.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { cgroupFolder, cgroupOf } from './cgroup.ts';

/** What the first version writes where there is no limit: the most that fits, in pages. */
const UNLIMITED_BYTES = 2 ** 60;
const MICROSECOND_NS = 1000;

/** Counters since the container's start, but for what is a state of now. */
export interface ContainerUsage {
  readonly cpuNs: number;
  /** How long it was held back by its limit. */
  readonly throttledNs: number;
  /** Now, without what the kernel would give up first (inactive pages of files), as `docker stats` counts it. */
  readonly memoryBytes: number;
  /** Null: none. */
  readonly memoryLimitBytes: number | null;
  readonly oomKills: number;
  /** Processes and threads now. */
  readonly pids: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Of all that share its network; without the loopback. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export type BriefUsage = Pick<ContainerUsage, 'cpuNs' | 'memoryBytes'>;

/** Why nothing can be read, in words. */
export interface Unreadable {
  readonly unreadable: string;
}

export interface UsageTarget {
  readonly containerId: string;
  /** Of its main process on the host; 0: it does not run. */
  readonly pid: number;
}

/** An Engine whose containers' use can be read. */
export interface UsageEngine {
  usage(target: UsageTarget): ContainerUsage | Unreadable;
  /** The two that are cheapest. */
  briefUsage(target: UsageTarget): BriefUsage | Unreadable;
}

export interface UsageOptions {
  /** Null: the Engine is on another machine. */
  readonly procRoot: string | null;
  readonly cgroupRoot: string;
}

/** Reads one file of a controller; throws when it is not there. */
type Read = (file: string) => string;

interface Groups {
  readonly pid: number;
  readonly group: (controller: string) => { readonly version: 1 | 2; readonly read: Read };
}

const GROUPS_KEPT = 5000;

export class Usages implements UsageEngine {
  readonly #options: UsageOptions;
  /** By container: where its groups are does not change while its process lives. */
  readonly #groups = new Map<string, Groups>();

  constructor(options: UsageOptions) {
    this.#options = options;
  }

  usage(target: UsageTarget): ContainerUsage | Unreadable {
    return this.#attempt(target, (groups, procRoot) => ({
      ...brief(groups),
      ...rest(groups),
      ...network(readFileSync(path.join(procRoot, String(target.pid), 'net/dev'), 'utf8')),
    }));
  }

  briefUsage(target: UsageTarget): BriefUsage | Unreadable {
    return this.#attempt(target, brief);
  }

  #attempt<T>(target: UsageTarget, read: (groups: Groups, procRoot: string) => T): T | Unreadable {
    const { procRoot } = this.#options;
    if (procRoot === null) return { unreadable: 'its host is another machine' };
    if (target.pid <= 0) return { unreadable: 'it does not run' };
    try {
      return read(this.#groupsOf(target, procRoot), procRoot);
    } catch {
      this.#groups.delete(target.containerId);
      return { unreadable: 'its control groups cannot be read from here' };
    }
  }

  #groupsOf({ containerId, pid }: UsageTarget, procRoot: string): Groups {
    const known = this.#groups.get(containerId);
    if (known?.pid === pid) return known;
    const text = readFileSync(path.join(procRoot, String(pid), 'cgroup'), 'utf8');
    const found = new Map<string, ReturnType<Groups['group']>>();
    const group = (controller: string): ReturnType<Groups['group']> => {
      const seen = found.get(controller);
      if (seen !== undefined) return seen;
      const cgroup = cgroupOf(text, containerId, controller);
      if (cgroup === null) throw new Error(`no ${controller} group`);
      const folder = cgroupFolder(this.#options.cgroupRoot, controller, cgroup);
      const one = { version: cgroup.version, read: (file: string) => readFileSync(path.join(folder, file), 'utf8') };
      found.set(controller, one);
      return one;
    };
    const groups = { pid, group };
    if (this.#groups.size >= GROUPS_KEPT) this.#groups.clear();
    this.#groups.set(containerId, groups);
    return groups;
  }
}

function brief({ group }: Groups): BriefUsage {
  const cpu = group('cpuacct');
  const memory = group('memory');
  const isFirst = memory.version === 1;
  const used = Number(memory.read(isFirst ? 'memory.usage_in_bytes' : 'memory.current'));
  const inactive = fact(memory.read('memory.stat'), isFirst ? 'total_inactive_file' : 'inactive_file') ?? 0;
  return {
    cpuNs:
      cpu.version === 1
        ? Number(cpu.read('cpuacct.usage'))
        : (fact(cpu.read('cpu.stat'), 'usage_usec') ?? 0) * MICROSECOND_NS,
    memoryBytes: inactive < used ? used - inactive : used,
  };
}

function rest({ group }: Groups): Omit<ContainerUsage, keyof BriefUsage | 'receivedBytes' | 'sentBytes'> {
  const cpu = group('cpu');
  const memory = group('memory');
  const stat = cpu.read('cpu.stat');
  const isFirst = memory.version === 1;
  const limit = Number(memory.read(isFirst ? 'memory.limit_in_bytes' : 'memory.max'));
  const ooms = fact(memory.read(isFirst ? 'memory.oom_control' : 'memory.events'), 'oom_kill');
  return {
    throttledNs:
      cpu.version === 1 ? (fact(stat, 'throttled_time') ?? 0) : (fact(stat, 'throttled_usec') ?? 0) * MICROSECOND_NS,
    // `max`, in the second version, is no number.
    memoryLimitBytes: Number.isNaN(limit) || limit >= UNLIMITED_BYTES ? null : limit,
    oomKills: ooms ?? 0,
    pids: Number(group('pids').read('pids.current')),
    ...io(group('blkio')),
  };
}

function io({ version, read }: ReturnType<Groups['group']>): Pick<ContainerUsage, 'readBytes' | 'writtenBytes'> {
  const text = attempt(() => read(version === 1 ? 'blkio.throttle.io_service_bytes' : 'io.stat'));
  const sum = (pattern: RegExp): number => {
    let bytes = 0;
    for (const [, count] of text.matchAll(pattern)) bytes += Number(count);
    return bytes;
  };
  if (version === 1) return { readBytes: sum(/ Read (\d+)/g), writtenBytes: sum(/ Write (\d+)/g) };
  return { readBytes: sum(/\brbytes=(\d+)/g), writtenBytes: sum(/\bwbytes=(\d+)/g) };
}

/** @param table text of `net/dev`: behind the name eight numbers of what was received, then what was sent */
function network(table: string): Pick<ContainerUsage, 'receivedBytes' | 'sentBytes'> {
  let receivedBytes = 0;
  let sentBytes = 0;
  for (const line of table.split('\n')) {
    const [, name, numbers] = /^\s*([^\s:]+):\s*(\d.*)$/.exec(line) ?? [];
    if (name === undefined || numbers === undefined || name === 'lo') continue;
    const counts = numbers.trim().split(/\s+/);
    receivedBytes += Number(counts[0]);
    sentBytes += Number(counts[8]);
  }
  return { receivedBytes, sentBytes };
}

/** The number behind a name, in a file of `name number` lines. */
function fact(text: string, name: string): number | null {
  const match = new RegExp(`^${name} (\\d+)$`, 'm').exec(text);
  return match === null ? null : Number(match[1]);
}

/** Empty where the kernel was built without it. */
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
