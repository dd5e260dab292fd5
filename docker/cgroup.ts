/**
 * Where the control groups of a container are. A path is used only if it names the container, so that a process id that
 * means another process here (another machine, another namespace) can do no harm.
 */
import path from 'node:path';

export interface Cgroup {
  readonly version: 1 | 2;
  /** Of the container itself, without groups that it made within. */
  readonly path: string;
}

/**
 * Finds the container's group for a controller in the text of `/proc/<pid>/cgroup` (lines of `id:controllers:path`,
 * proc(5), cgroups(7)). Null: there is none that is the container's.
 */
export function cgroupOf(text: string, containerId: string, controller: string): Cgroup | null {
  const lines = text.split('\n').map((line) => /^(\d+):([^:]*):(\/.*)$/.exec(line));
  // Where both versions are mounted, the Engine uses the first one for as long as it has the controller.
  const first = lines.find((match) => match?.[2]?.split(',').includes(controller));
  const line = first ?? lines.find((match) => match?.[1] === '0' && match[2] === '');
  const segments = line?.[3]?.split('/') ?? [];
  const last = segments.findIndex((segment) => segment.includes(containerId));
  if (last < 0 || segments.includes('..')) return null;
  return { version: first === undefined ? 2 : 1, path: segments.slice(0, last + 1).join('/') };
}

/** The folder of a group. */
export function cgroupFolder(cgroupRoot: string, controller: string, { version, path: within }: Cgroup): string {
  return path.join(cgroupRoot, version === 1 ? controller : '', within);
}
