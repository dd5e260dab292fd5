/** What the kernel says of processor time and memory, read from /proc. Linux only. */
import { readFileSync } from 'node:fs';
import { listProcesses } from '../test/support/system-processes.ts';

/** USER_HZ: 100 on every Linux that Node runs on, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/<pid>/stat behind the name of the program (proc(5): utime, stime, cutime, cstime). */
const TIME_FIELDS = [11, 12, 13, 14];
/** Columns of a processor in /proc/stat that are waiting, not work: idle and iowait. */
const IDLE_COLUMNS = [3, 4];
/** guest and guest_nice are part of user and nice already. */
const COUNTED_COLUMNS = 8;

/** A process and everything it has started, by id. */
export function processTree(pid: number): readonly number[] {
  const all = listProcesses();
  const found = [pid];
  for (const parent of found) found.push(...all.filter((one) => one.parent === parent).map((one) => one.pid));
  return found;
}

/** Processor time of these processes so far, user and system, in ms. One that is gone counts nothing. */
export function processorMs(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + processorMsOf(readOrEmpty(`/proc/${pid}/stat`)), 0);
}

/** Resident memory of these processes, in MB. */
export function residentMb(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + residentMbOf(readOrEmpty(`/proc/${pid}/status`)), 0);
}

export interface CoreTime {
  readonly busy: number;
  readonly all: number;
}

/** Time of each processor core so far, in ticks, by its number. */
export function coreTimes(): readonly CoreTime[] {
  return coreTimesOf(readFileSync('/proc/stat', 'utf8'));
}

/** Share of the time between two readings in which these cores worked, 0 to 1. */
export function busyShare(
  before: readonly CoreTime[],
  after: readonly CoreTime[],
  cores: readonly number[] = [...after.keys()],
): number {
  let busy = 0;
  let all = 0;
  for (const core of cores) {
    busy += (after[core]?.busy ?? 0) - (before[core]?.busy ?? 0);
    all += (after[core]?.all ?? 0) - (before[core]?.all ?? 0);
  }
  return all > 0 ? busy / all : 0;
}

/** @param stat text of /proc/<pid>/stat; the name of the program may hold blanks and parentheses */
export function processorMsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = TIME_FIELDS.reduce((total, field) => total + Number(fields[field] ?? 0), 0);
  return (ticks * 1000) / TICKS_PER_SECOND;
}

/** @param status text of /proc/<pid>/status */
export function residentMbOf(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

/** @param stat text of /proc/stat */
export function coreTimesOf(stat: string): readonly CoreTime[] {
  return [...stat.matchAll(/^cpu\d+ (.+)$/gm)].map(([, columns = '']) => {
    const ticks = columns.trim().split(/\s+/).slice(0, COUNTED_COLUMNS).map(Number);
    const all = ticks.reduce((total, one) => total + one, 0);
    const idle = IDLE_COLUMNS.reduce((total, column) => total + (ticks[column] ?? 0), 0);
    return { busy: all - idle, all };
  });
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
