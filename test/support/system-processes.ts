/** The processes of this machine, read from /proc: who is alive, and who belongs to whom. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

export interface SystemProcess {
  readonly pid: number;
  readonly parent: number;
  /** Base name of its program. */
  readonly program: string;
  readonly commandLine: string;
}

/** A process that is told apart from a later one with the same number. */
export interface ProcessMark {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startedAt: string;
}

const STATE = 0;
const PARENT = 1;
const STARTED_AT = 19;

export function listProcesses(): SystemProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const program = path.basename(readlinkSync(`/proc/${name}/exe`));
        const commandLine = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent: Number(fields(name)[PARENT]), program, commandLine }];
      } catch {
        return []; // a thread of the kernel, or gone in the meantime
      }
    });
}

export function processMark(pid: number): ProcessMark {
  return { pid, startedAt: fields(pid)[STARTED_AT] ?? '' };
}

/** False as well for a process that is dead and not yet collected. */
export function isAlive(pid: number): boolean {
  try {
    return !['Z', 'X'].includes(fields(pid)[STATE] ?? 'X');
  } catch {
    return false;
  }
}

export function isStillThere({ pid, startedAt }: ProcessMark): boolean {
  return isAlive(pid) && processMark(pid).startedAt === startedAt;
}

/** @returns false when it is gone already */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** What follows the program's name in /proc/<pid>/stat; the name may hold blanks. */
function fields(pid: number | string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
