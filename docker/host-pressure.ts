/** Reads how short the memory of this machine is, without the Engine. Kernel: `/proc/meminfo`, `/proc/pressure/memory`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { HostPressure } from '#core/host-pressure';

const KIB = 1024;

/** Null: it cannot be read. */
export function readHostPressure(procRoot = '/proc'): HostPressure | null {
  const memory = read(path.join(procRoot, 'meminfo'));
  const totalBytes = kibibytes(memory, 'MemTotal');
  const availableBytes = kibibytes(memory, 'MemAvailable');
  if (totalBytes === null || availableBytes === null) return null;
  const stalled = /^some avg10=(\d+(?:\.\d+)?)/m.exec(read(path.join(procRoot, 'pressure/memory')))?.[1];
  return { availableBytes, totalBytes, someAvg10: stalled === undefined ? null : Number(stalled) };
}

function kibibytes(text: string, field: string): number | null {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return found === undefined ? null : Number(found) * KIB;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
