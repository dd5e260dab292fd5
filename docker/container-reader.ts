/**
 * Reads what one run of a container uses: control groups of both versions, and the network as its process sees it. A
 * container that did nothing since the last reading costs one file; what seldom changes is read every few times.
 *
 * Kernel documentation: cgroup-v1/{cpuacct,memory,pids,blkio-controller}, cgroup-v2; proc(5), /proc/[pid]/net/dev.
 */
import path from 'node:path';
import { cgroupFolder, cgroupOf } from './cgroup.ts';
import type { KernelFile, KernelFiles } from './kernel-file.ts';

/** What the first version writes where there is no limit: the most that fits, in pages. */
const UNLIMITED_BYTES = 2 ** 60;
const MICROSECOND_NS = 1000;
/** Limits and kills are looked at every so many readings, and so is a container whose processor time stands still. */
const SELDOM = 5;

/** Counters since the container's start, but for what is a state of now. */
export interface ContainerUsage {
  readonly cpuNs: number;
  /** How long it was held back by its limit. */
  readonly throttledNs: number;
  /** In cores; null: none. */
  readonly cpuLimit: number | null;
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

export interface ContainerReaderOptions {
  readonly containerId: string;
  readonly pid: number;
  readonly procRoot: string;
  readonly cgroupRoot: string;
  /** Text of `/proc/<pid>/cgroup`. */
  readonly groups: string;
  readonly files: KernelFiles;
}

type Seldom = Pick<ContainerUsage, 'cpuLimit' | 'memoryLimitBytes' | 'oomKills'>;
type Version = 1 | 2;

export class ContainerReader {
  readonly pid: number;
  readonly #options: ContainerReaderOptions;
  /** By controller and name. */
  readonly #files = new Map<string, KernelFile>();
  readonly #versions = new Map<string, Version>();
  readonly #network: KernelFile;
  #seldom: Seldom | null = null;
  #last: ContainerUsage | null = null;
  /** Readings since everything was read. */
  #age = 0;

  constructor(options: ContainerReaderOptions) {
    this.#options = options;
    this.pid = options.pid;
    this.#network = options.files.file(path.join(options.procRoot, String(options.pid), 'net/dev'));
  }

  /** @throws when its groups are gone, or were never to be seen from here */
  read(): ContainerUsage {
    const isDue = this.#seldom === null || ++this.#age >= SELDOM;
    const version = this.#version('cpuacct');
    const stat = version === 2 ? this.#text('cpuacct', 'cpu.stat') : '';
    const cpuNs =
      version === 1 ? Number(this.#text('cpuacct', 'cpuacct.usage')) : (fact(stat, 'usage_usec') ?? 0) * MICROSECOND_NS;
    if (!isDue && this.#last?.cpuNs === cpuNs) return this.#last;
    if (isDue) this.#age = 0;
    this.#seldom = isDue || this.#seldom === null ? this.#readSeldom() : this.#seldom;
    const pids = Number(this.#text('pids', 'pids.current'));
    // A daemon that hangs leaves the groups of what has died.
    if (pids === 0) throw new Error('its processes are gone');
    this.#last = {
      cpuNs,
      throttledNs: this.#throttledNs(stat),
      memoryBytes: this.#memoryBytes(),
      pids,
      ...this.#io(),
      ...network(this.#network.read()),
      ...this.#seldom,
    };
    return this.#last;
  }

  close(): void {
    this.#network.close();
    for (const file of this.#files.values()) file.close();
  }

  /** @param read text of the one file of the second version that says what was used, too; empty: it was not read */
  #throttledNs(read: string): number {
    const isFirst = this.#version('cpu') === 1;
    const stat = isFirst || read === '' ? this.#text('cpu', 'cpu.stat') : read;
    if (isFirst) return fact(stat, 'throttled_time') ?? 0;
    return (fact(stat, 'throttled_usec') ?? 0) * MICROSECOND_NS;
  }

  #memoryBytes(): number {
    const isFirst = this.#version('memory') === 1;
    const used = Number(this.#text('memory', isFirst ? 'memory.usage_in_bytes' : 'memory.current'));
    const stat = this.#text('memory', 'memory.stat');
    const inactive = fact(stat, isFirst ? 'total_inactive_file' : 'inactive_file') ?? 0;
    return inactive < used ? used - inactive : used;
  }

  #readSeldom(): Seldom {
    const isFirst = this.#version('memory') === 1;
    const limit = Number(this.#text('memory', isFirst ? 'memory.limit_in_bytes' : 'memory.max'));
    return {
      cpuLimit: this.#cpuLimit(),
      // `max`, in the second version, is no number.
      memoryLimitBytes: Number.isNaN(limit) || limit >= UNLIMITED_BYTES ? null : limit,
      oomKills: fact(this.#text('memory', isFirst ? 'memory.oom_control' : 'memory.events'), 'oom_kill') ?? 0,
    };
  }

  #cpuLimit(): number | null {
    const isFirst = this.#version('cpu') === 1;
    const [quota, period] = isFirst
      ? [this.#attempt('cpu', 'cpu.cfs_quota_us'), this.#attempt('cpu', 'cpu.cfs_period_us')]
      : this.#attempt('cpu', 'cpu.max').split(' ');
    // -1 and `max` stand for none.
    const cores = Number(quota) / Number(period);
    return cores > 0 && Number.isFinite(cores) ? cores : null;
  }

  #io(): Pick<ContainerUsage, 'readBytes' | 'writtenBytes'> {
    const isFirst = this.#version('blkio') === 1;
    const text = this.#attempt('blkio', isFirst ? 'blkio.throttle.io_service_bytes' : 'io.stat');
    const [read, written] = isFirst ? [/ Read (\d+)/g, / Write (\d+)/g] : [/\brbytes=(\d+)/g, /\bwbytes=(\d+)/g];
    return { readBytes: sum(text, read), writtenBytes: sum(text, written) };
  }

  /** @throws when the container has no group of it */
  #version(controller: string): Version {
    const known = this.#versions.get(controller);
    if (known !== undefined) return known;
    const cgroup = cgroupOf(this.#options.groups, this.#options.containerId, controller);
    if (cgroup === null) throw new Error(`no ${controller} group`);
    this.#versions.set(controller, cgroup.version);
    return cgroup.version;
  }

  #text(controller: string, name: string): string {
    const key = `${controller}/${name}`;
    let file = this.#files.get(key);
    if (file === undefined) {
      const { groups, containerId, cgroupRoot, files } = this.#options;
      const cgroup = cgroupOf(groups, containerId, controller);
      if (cgroup === null) throw new Error(`no ${controller} group`);
      file = files.file(path.join(cgroupFolder(cgroupRoot, controller, cgroup), name));
      this.#files.set(key, file);
    }
    return file.read();
  }

  /** Empty where the kernel was built without it. */
  #attempt(controller: string, name: string): string {
    try {
      return this.#text(controller, name);
    } catch {
      return '';
    }
  }
}

/** @param table text of `net/dev`: behind the name eight numbers of what was received, then what was sent */
function network(table: string): Pick<ContainerUsage, 'receivedBytes' | 'sentBytes'> {
  let receivedBytes = 0;
  let sentBytes = 0;
  for (const line of table.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0 || line.slice(0, colon).trim() === 'lo') continue;
    const counts = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    receivedBytes += Number(counts[0]);
    sentBytes += Number(counts[8]);
  }
  return { receivedBytes, sentBytes };
}

/** The number behind a name, in a file of `name number` lines. */
function fact(text: string, name: string): number | null {
  const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  if (at === 0 && !text.startsWith(`${name} `)) return null;
  const number = Number.parseInt(text.slice(at + name.length + 1, at + name.length + 24), 10);
  return Number.isNaN(number) ? null : number;
}

function sum(text: string, pattern: RegExp): number {
  let bytes = 0;
  for (const [, count] of text.matchAll(pattern)) bytes += Number(count);
  return bytes;
}
