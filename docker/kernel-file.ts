/**
 * Files in which the kernel says how things stand, read over and over: kept open and read from their beginning, which
 * makes the text anew at a quarter of what opening costs. They are never waited for: the kernel answers from memory, and
 * a promise for each costs fifteen times the reading (docs/decisions/0019).
 *
 * A file of a group that is gone fails (ENODEV); an open file keeps no group from going.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** More files are opened for each reading: descriptors are for connections first. */
const KEPT_OPEN = 4096;
const FIRST_BYTES = 16_384;

/** Shares out what may be kept open. */
export class KernelFiles {
  readonly #limit: number;
  #open = 0;
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);

  constructor(limit = KEPT_OPEN) {
    this.#limit = limit;
  }

  /** Files that are open now. */
  get open(): number {
    return this.#open;
  }

  file(path: string): KernelFile {
    return new KernelFile(path, this);
  }

  /** @internal Of {@link KernelFile}: null when there are enough. @throws when it cannot be opened */
  take(path: string): number | null {
    if (this.#open >= this.#limit) return null;
    const fd = openSync(path, 'r');
    this.#open++;
    return fd;
  }

  /** @internal */
  give(fd: number): void {
    this.#open--;
    closeSync(fd);
  }

  /** @internal */
  text(fd: number): string {
    for (;;) {
      const length = readSync(fd, this.#buffer, 0, this.#buffer.length, 0);
      if (length < this.#buffer.length) return this.#buffer.toString('latin1', 0, length);
      this.#buffer = Buffer.allocUnsafe(this.#buffer.length * 2);
    }
  }
}

export class KernelFile {
  readonly #path: string;
  readonly #files: KernelFiles;
  #fd: number | null = null;

  constructor(path: string, files: KernelFiles) {
    this.#path = path;
    this.#files = files;
  }

  /** @throws the system's error when it is not there, or not any more */
  read(): string {
    this.#fd ??= this.#files.take(this.#path);
    return this.#fd === null ? readFileSync(this.#path, 'latin1') : this.#files.text(this.#fd);
  }

  close(): void {
    if (this.#fd !== null) this.#files.give(this.#fd);
    this.#fd = null;
  }
}
