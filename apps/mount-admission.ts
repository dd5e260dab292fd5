/**
 * What a container may have of files: volumes of the app wherever they harm nobody, and, where the plan allows it, paths
 * and devices of the host. The Engine's own files are the host itself: only those who may have it whole get at them.
 */
import path from 'node:path';
import type { ContainerOptions } from '#core/set-spec';
import { type Judge, shown } from './admission-judge.ts';

const NAME = /^[a-z0-9](?:[-a-z0-9_.]{0,62}[a-z0-9])?$/i;
const KERNEL: readonly string[] = ['/proc', '/sys', '/dev'];
/** Mounted there, a volume hides what a container needs to run, or what keeps it in: of the kernel's, below them as well. */
const CLOSED: readonly string[] = ['/', '/etc', '/bin', '/sbin', '/lib', '/lib64', '/usr', ...KERNEL];
/** Whoever has one of these, or what lies above or below, has the Engine. */
const ENGINE = [
  ...['/run/docker.sock', '/run/docker', '/run/containerd', '/run/podman', '/run/crio', '/run/user', '/run/secrets'],
  ...['/var/lib/docker', '/var/lib/containerd', '/etc/docker', '/proc', '/sys', '/dev'],
];
const PATH_MAX = 4096;
const DEVICE = /^\/dev\/[^:]+(?::\/[^:]+)?(?::[rwm]{1,3})?$/;

export interface MountedSpec {
  readonly name: string;
  readonly path: string;
}

/** @param at JSON pointer of the options */
export function admitMounts(options: ContainerOptions, at: string, shared: MountedSpec | null, judge: Judge): void {
  const { volumes, binds, devices } = options;
  for (const [i, volume] of volumes.entries()) admitVolume(volume, `${at}/volumes/${i}`, judge);
  for (const [i, bind] of binds.entries()) admitBind(bind, `${at}/binds/${i}`, judge);
  const places = [
    ...(shared === null ? [] : [{ pointer: '/volume/path', of: clean(shared.path) }]),
    ...volumes.map((one, i) => ({ pointer: `${at}/volumes/${i}/path`, of: clean(one.path) })),
    ...binds.map((one, i) => ({ pointer: `${at}/binds/${i}/path`, of: clean(one.path) })),
  ];
  judge.repeated(places, (of) => `Two things are mounted at ${of}; give each a path of its own.`);
  for (const [i, device] of devices.entries()) {
    const pointer = `${at}/devices/${i}`;
    if (!judge.rules.devices) judge.notAllowed(pointer, 'devices of the host');
    else if (!DEVICE.test(device) || clean(device.split(':')[0] ?? '') !== device.split(':')[0]) {
      judge.badValue(pointer, `"${shown(device)}" is not a device such as /dev/fuse or /dev/fuse:/dev/fuse:rw.`);
    }
  }
}

/** @param at JSON pointer of the volume */
export function admitVolume({ name, path: place }: MountedSpec, at: string, judge: Judge): void {
  if (!NAME.test(name)) {
    const detail = `"${shown(name)}" cannot be the name of a volume (letters, digits, "-", "_" and "."); paths of the host are \`binds\`.`;
    judge.refuse(`${at}/name`, 'bad_name', detail);
  }
  admitPlace(place, `${at}/path`, judge);
}

function admitBind(
  { source, path: place }: { readonly source: string; readonly path: string },
  at: string,
  judge: Judge,
): void {
  admitPlace(place, `${at}/path`, judge, judge.rules.privileged ? ['/'] : CLOSED);
  if (!judge.rules.binds) {
    judge.notAllowed(at, 'paths of the host');
    return;
  }
  if (!isPath(source)) judge.badValue(`${at}/source`, 'source is an absolute path of the host without "..".');
  else if (!judge.rules.privileged && holdsEngine(source)) judge.notAllowed(`${at}/source`, "the Engine's own files");
}

function admitPlace(place: string, pointer: string, judge: Judge, closed = CLOSED): void {
  if (!isPath(place)) {
    judge.badValue(pointer, 'path is an absolute path without "..".');
    return;
  }
  const there = clean(place);
  if (closed.some((one) => one === there || (KERNEL.includes(one) && isWithin(one, there)))) {
    judge.badValue(pointer, `Nothing can be mounted at ${there}; choose a path of its own, such as /data.`);
  }
}

/** Links on the host are not followed here: `/var/run` is one everywhere, others are an operator's own. */
function holdsEngine(source: string): boolean {
  const there = clean(source).replace(/^\/var\/run(?=\/|$)/, '/run');
  return ENGINE.some((one) => isWithin(one, there) || isWithin(there, one));
}

function isWithin(outer: string, inner: string): boolean {
  return outer === inner || inner.startsWith(outer === '/' ? '/' : `${outer}/`);
}

function isPath(text: string): boolean {
  const parts = text.split('/');
  return text.startsWith('/') && text.length < PATH_MAX && !parts.includes('..') && !/[:\p{Cc}]/u.test(text);
}

/** One spelling for one place: no `//`, no `/./`, no slash at the end. */
function clean(text: string): string {
  const normal = path.posix.normalize(text).replace(/^\/+/, '/');
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
