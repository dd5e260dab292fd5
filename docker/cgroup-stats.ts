/**
 * What containers use, from the kernel's own files and never through the daemon, which takes a second for each and hangs
 * at times. Where the files of a container are is found out once for each of its runs.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ContainerReader, type ContainerUsage } from './container-reader.ts';
import { KernelFiles } from './kernel-file.ts';

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
  /** Reads at once; what seldom changes is a few readings old at most. */
  usage(target: UsageTarget): ContainerUsage | Unreadable;
  /** It is not going to be asked for again: nothing is kept of it. */
  forgetUsage(containerId: string): void;
}

export interface UsageOptions {
  /** Null: the Engine is on another machine. */
  readonly procRoot: string | null;
  readonly cgroupRoot: string;
  readonly files?: KernelFiles;
}

const READERS_KEPT = 5000;

export class Usages implements UsageEngine {
  readonly #options: UsageOptions;
  readonly #files: KernelFiles;
  /** By container: where its groups are does not change while its process lives. */
  readonly #readers = new Map<string, ContainerReader>();

  constructor(options: UsageOptions) {
    this.#options = options;
    this.#files = options.files ?? new KernelFiles();
  }

  usage(target: UsageTarget): ContainerUsage | Unreadable {
    const { procRoot } = this.#options;
    if (procRoot === null) return { unreadable: 'its host is another machine' };
    if (target.pid <= 0) return { unreadable: 'it does not run' };
    try {
      return this.#readerOf(target, procRoot).read();
    } catch {
      this.forgetUsage(target.containerId);
      return { unreadable: 'its control groups cannot be read from here' };
    }
  }

  forgetUsage(containerId: string): void {
    this.#readers.get(containerId)?.close();
    this.#readers.delete(containerId);
  }

  close(): void {
    for (const id of [...this.#readers.keys()]) this.forgetUsage(id);
  }

  #readerOf({ containerId, pid }: UsageTarget, procRoot: string): ContainerReader {
    const known = this.#readers.get(containerId);
    if (known?.pid === pid) return known;
    this.forgetUsage(containerId);
    if (this.#readers.size >= READERS_KEPT) this.close();
    const reader = new ContainerReader({
      ...{ containerId, pid, procRoot, cgroupRoot: this.#options.cgroupRoot, files: this.#files },
      groups: readFileSync(path.join(procRoot, String(pid), 'cgroup'), 'utf8'),
    });
    this.#readers.set(containerId, reader);
    return reader;
  }
}
