/**
 * The ground a test Engine stands on: a folder, a bridge, address ranges and a control group of its own, written down
 * in the folder before anything is made, so that whatever a crashed run leaves behind can be found and taken away.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { freeBridgeAddress } from './free-address.ts';
import { isAlive, isStillThere, listProcesses, type ProcessMark, processMark, sendSignal } from './system-processes.ts';
import { until } from './until.ts';

/** Short: the path of a unix socket has 107 bytes at most. */
const FOLDER_PREFIX = '/tmp/tg-';
const BRIDGE_PREFIX = 'tg-';
const NOTE = 'ground.json';
const CGROUP_ROOT = '/sys/fs/cgroup';
const ENGINE_PROGRAMS = /^(dockerd|containerd|docker-proxy|runc)/;

const run = promisify(execFile);

export interface Ground {
  readonly id: string;
  readonly folder: string;
  readonly bridge: string;
  /** Address of the bridge with its prefix length. */
  readonly bridgeAddress: string;
  /** Control group of all containers, without a leading slash. */
  readonly cgroup: string;
  /** Name of the network namespace that the Engine and its bridge are in; null: the machine's own. */
  readonly netns: string | null;
  readonly dataRoot: string;
  /** Present while this ground holds a data root that outlives it. */
  readonly dataLock: string | null;
  readonly owner: ProcessMark;
}

/**
 * Takes a ground for this process and makes its bridge.
 * @param sharedRoot folder of data roots that consecutive grounds use again; null: a data root for this ground alone
 * @param ownNetwork whether it has a network namespace of its own, where an Engine may set up a firewall
 */
export async function takeGround(sharedRoot: string | null, ownNetwork = false): Promise<Ground> {
  await sweepStaleGrounds();
  const id = randomBytes(4).toString('hex');
  const folder = FOLDER_PREFIX + id;
  const owner = processMark(process.pid);
  const shared = sharedRoot === null ? null : lockDataRoot(sharedRoot, owner);
  const ground: Ground = {
    id,
    folder,
    bridge: BRIDGE_PREFIX + id,
    bridgeAddress: freeBridgeAddress(),
    cgroup: BRIDGE_PREFIX + id,
    netns: ownNetwork ? BRIDGE_PREFIX + id : null,
    dataRoot: shared?.dataRoot ?? path.join(folder, 'data'),
    dataLock: shared?.lock ?? null,
    owner,
  };
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(path.join(folder, NOTE), JSON.stringify(ground));
  if (ground.netns !== null) await run('ip', ['netns', 'add', ground.netns]);
  const there = ground.netns === null ? [] : ['-netns', ground.netns];
  await run('ip', [...there, 'link', 'set', 'lo', 'up']);
  await run('ip', [...there, 'link', 'add', 'name', ground.bridge, 'type', 'bridge']);
  await run('ip', [...there, 'address', 'add', ground.bridgeAddress, 'dev', ground.bridge]);
  await run('ip', [...there, 'link', 'set', ground.bridge, 'up']);
  return ground;
}

/** Takes away everything that stands on a ground, then the ground. Safe to do twice, also at the same time. */
export async function sweepGround(ground: Ground): Promise<void> {
  await killEngine(ground);
  for (const target of mountsUnder([ground.folder, ground.dataRoot]))
    await run('umount', ['-l', target]).catch(() => {});
  for (const folder of cgroupFolders(ground).toReversed()) removeCgroup(folder);
  for (const link of await linksOf(ground)) await run('ip', ['link', 'delete', link]).catch(() => {});
  // What is in it goes with it.
  if (ground.netns !== null) await run('ip', ['netns', 'delete', ground.netns]).catch(() => {});
  for (const socket of shimSockets(ground)) rmSync(socket, { force: true });
  if (ground.dataLock !== null) rmSync(ground.dataLock, { force: true });
  await rm(ground.folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Sweeps the grounds of processes that are gone. */
export async function sweepStaleGrounds(): Promise<void> {
  const parent = path.dirname(FOLDER_PREFIX);
  const prefix = path.basename(FOLDER_PREFIX);
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(prefix))) {
    const ground = readGround(path.join(parent, name));
    if (ground && !isStillThere(ground.owner)) await sweepGround(ground);
  }
}

/** Lets frozen containers run, whoever froze them. */
export function thawContainers(ground: Ground): void {
  for (const folder of cgroupFolders(ground)) {
    writeIfThere(path.join(folder, 'freezer.state'), 'THAWED');
    writeIfThere(path.join(folder, 'cgroup.freeze'), '0');
  }
}

async function killEngine(ground: Ground): Promise<void> {
  const all = listProcesses();
  const doomed = new Set(
    all
      .filter(({ program, commandLine }) => ENGINE_PROGRAMS.test(program) && commandLine.includes(`${ground.folder}/`))
      .map(({ pid }) => pid),
  );
  for (let size = -1; size !== doomed.size; ) {
    size = doomed.size;
    for (const { pid, parent } of all) if (doomed.has(parent)) doomed.add(pid);
  }
  for (const pid of doomed) sendSignal(pid, 'SIGKILL');
  thawContainers(ground);
  await until(
    () => {
      const inside = cgroupFolders(ground).flatMap(membersOf);
      for (const pid of inside) sendSignal(pid, 'SIGKILL');
      return inside.length === 0 && ![...doomed].some(isAlive);
    },
    { what: `the processes of ${ground.folder} have ended` },
  );
}

/** Every control group of the ground, in every hierarchy, parents first. */
function cgroupFolders({ cgroup }: Ground): string[] {
  const hierarchies = [CGROUP_ROOT, ...subfolders(CGROUP_ROOT)];
  return hierarchies.map((root) => path.join(root, cgroup)).flatMap(withSubfolders);
}

function withSubfolders(folder: string): string[] {
  return existsSync(folder) ? [folder, ...subfolders(folder).flatMap(withSubfolders)] : [];
}

function subfolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(folder, name));
  } catch {
    return [];
  }
}

function membersOf(cgroupFolder: string): number[] {
  try {
    return readFileSync(path.join(cgroupFolder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function removeCgroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {}
}

function writeIfThere(file: string, text: string): void {
  try {
    if (existsSync(file)) writeFileSync(file, text);
  } catch {} // gone in between, or the root group, which cannot be frozen
}

/** Mounts on or below the folders, deepest first. */
function mountsUnder(folders: readonly string[]): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((target) => folders.some((folder) => target === folder || target.startsWith(`${folder}/`)))
    .toReversed();
}

/**
 * The bridge and the bridges of user networks, whose names are made of the ids that stand in libnetwork's database.
 * (A range of addresses of their own would tell them as well, but a dockerd that is given one deletes the machine's
 * docker0 when it starts again.)
 */
async function linksOf({ bridge, dataRoot }: Ground): Promise<string[]> {
  const database = path.join(dataRoot, 'network/files/local-kv.db');
  const ids = existsSync(database) ? (readFileSync(database, 'latin1').match(/[0-9a-f]{64}/g) ?? []) : [];
  const own = new Set([bridge, ...ids.map((id) => `br-${id.slice(0, 12)}`)]);
  const { stdout } = await run('ip', ['-json', 'link']);
  const links = JSON.parse(stdout) as { ifname: string }[];
  return links.map(({ ifname }) => ifname).filter((link) => own.has(link));
}

/** Sockets that containerd's shims leave outside of every folder they are given. */
function shimSockets({ folder }: Ground): string[] {
  const tasks = path.join(folder, 'exec/containerd/daemon/io.containerd.runtime.v2.task/moby');
  return subfolders(tasks).flatMap((task) => {
    try {
      return [readFileSync(path.join(task, 'address'), 'utf8').replace('unix://', '')];
    } catch {
      return [];
    }
  });
}

export function readGround(folder: string): Ground | null {
  try {
    return JSON.parse(readFileSync(path.join(folder, NOTE), 'utf8')) as Ground;
  } catch {
    return null;
  }
}

function lockDataRoot(sharedRoot: string, owner: ProcessMark): { dataRoot: string; lock: string } {
  mkdirSync(sharedRoot, { recursive: true });
  for (let n = 0; ; n++) {
    const dataRoot = path.join(sharedRoot, String(n));
    const lock = `${dataRoot}.lock`;
    try {
      writeFileSync(lock, JSON.stringify(owner), { flag: 'wx' });
      return { dataRoot, lock };
    } catch {} // somebody holds it
  }
}
