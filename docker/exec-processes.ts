/**
 * Every process that came of a command run in a container, by a mark in its environment that children inherit and by its
 * session, so that a command can be ended with all that it began. Where the processes are not ours to see, a second
 * command in the container does the same.
 *
 * proc(5): /proc/[pid]/environ, /proc/[pid]/stat (field 6: session), /proc/[pid]/cgroup.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Name of the variable that marks them. */
export const EXEC_MARK = 'TIDEGATE_EXEC';

export interface MarkedProcesses {
  readonly containerId: string;
  /** Value of the mark. */
  readonly mark: string;
  /** Process id of the command on the host; 0: it is not known. */
  readonly pid: number;
}

/**
 * Sends a signal to all of them.
 * @returns how many there were; null: processes of the container cannot be seen from here
 */
export async function signalMarked(
  wanted: MarkedProcesses,
  signal: NodeJS.Signals,
  procRoot: string,
): Promise<number | null> {
  let seen = 0;
  let sent = 0;
  for (const name of await readdir(procRoot).catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const found = await isMarked(path.join(procRoot, name), wanted);
    if (found === null) continue;
    seen++;
    if (!found) continue;
    try {
      process.kill(Number(name), signal);
      sent++;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EPERM') return null;
    }
  }
  return seen === 0 ? null : sent;
}

/** Null: it is of another container, or gone. */
async function isMarked(folder: string, { containerId, mark, pid }: MarkedProcesses): Promise<boolean | null> {
  try {
    if (!(await readFile(path.join(folder, 'cgroup'), 'utf8')).includes(containerId)) return null;
    const stat = await readFile(path.join(folder, 'stat'), 'utf8');
    // The second field is the name of the program in brackets, with anything in it.
    const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
    if (pid > 0 && session === pid) return true;
    const environment = await readFile(path.join(folder, 'environ'), 'latin1');
    return environment.split('\0').includes(`${EXEC_MARK}=${mark}`);
  } catch {
    return null;
  }
}

/** For a container with a shell and grep. @param signal such as SIGTERM */
export function killCommand(mark: string, signal: NodeJS.Signals): string[] {
  const script = `for p in /proc/[0-9]*; do grep -q '${EXEC_MARK}=${mark}' "$p/environ" 2>/dev/null && kill -${signal.slice(3)} "\${p#/proc/}"; done`;
  return ['/bin/sh', '-c', script];
}
