/**
 * What listens in the network of a process, from the kernel's own tables: when a probe finds nobody, this says where
 * the program really is.
 *
 * proc(5), /proc/[pid]/net/tcp: addresses are words of the machine's byte order, state 0A is LISTEN.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ListeningPort } from './host-engine.ts';

const LISTEN = '0A';
/** 127.0.0.11: the Engine's own name server is in every network that a user makes. */
const ENGINE_DNS = '0B00007F';
const MAPPED_V4 = '0000000000000000FFFF0000';
const V6_LOOPBACK = '00000000000000000000000001000000';

export interface ProcessOfContainer {
  readonly pid: number;
  readonly containerId: string;
}

/** Ascending. Null: there is no such process here, or it is not of that container. */
export async function readListeningPorts(
  { pid, containerId }: ProcessOfContainer,
  procRoot: string,
): Promise<readonly ListeningPort[] | null> {
  if (pid <= 0) return null;
  const folder = path.join(procRoot, String(pid));
  try {
    // On another machine the same number is another process.
    if (!(await readFile(path.join(folder, 'cgroup'), 'utf8')).includes(containerId)) return null;
    const v4 = await readFile(path.join(folder, 'net/tcp'), 'utf8');
    const v6 = await readFile(path.join(folder, 'net/tcp6'), 'utf8').catch(() => '');
    return listeningIn(`${v4}\n${v6}`);
  } catch {
    return null;
  }
}

/** @param table text of `net/tcp`, `net/tcp6` or both */
export function listeningIn(table: string): ListeningPort[] {
  const ports = new Map<number, boolean>();
  for (const line of table.split('\n')) {
    const [, address, portText, state] = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) /.exec(line) ?? [];
    if (address === undefined || portText === undefined || state !== LISTEN || address === ENGINE_DNS) continue;
    const port = Number.parseInt(portText, 16);
    ports.set(port, isLoopback(address) && (ports.get(port) ?? true));
  }
  return [...ports].map(([port, loopbackOnly]) => ({ port, loopbackOnly })).sort((a, b) => a.port - b.port);
}

function isLoopback(address: string): boolean {
  const v4 = address.startsWith(MAPPED_V4) ? address.slice(MAPPED_V4.length) : address;
  return v4.length === 8 ? v4.endsWith('7F') : address === V6_LOOPBACK;
}
