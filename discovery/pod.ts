/**
 * A replica that Tidegate made, put together from its containers: the pause container stands for it and holds its network,
 * the main member says how it is. Pure.
 */
import type { MemberName } from '#core/replica-labels';
import type { MemberSnapshot, ReplicaSnapshot } from '#core/set';
import type { EngineContainer } from '#docker/engine';
import { isDown, isUp, statusOf } from './container-state.ts';
import type { LabelReader } from './label-reader.ts';
import { LABELS } from './labels.ts';

/** Which part of which replica a container is. */
export type PodPlace =
  | { readonly role: 'pause'; readonly replica: string /** That it was made with. */; readonly memberCount: number }
  | { readonly role: 'member'; readonly replica: string; readonly member: MemberName };

export interface PodMember extends MemberName {
  readonly container: EngineContainer;
  /** A stop signal was sent. */
  readonly stopping: boolean;
}

export interface Pod {
  /** In the order of their indices, one for each name. */
  readonly members: readonly PodMember[];
  /** Null: it is not there (yet). */
  readonly main: PodMember | null;
  /** All its members are there. */
  readonly isWhole: boolean;
  /** They are, or were once: before that it is still being made. */
  readonly wasWhole: boolean;
}

/** Null: it is no part of such a replica, or a label stands in the way (which is noted). */
export function readPlace(reader: LabelReader): PodPlace | null {
  const replica = reader.read(LABELS.replica);
  const role = reader.read(LABELS.role);
  const member = reader.read(LABELS.member);
  const memberCount = reader.read(LABELS.members) ?? 1;
  reader.read(LABELS.instance);
  if (replica === null || role === null) return null;
  if (role === 'pause') return { role, replica, memberCount };
  return member === null ? null : { role, replica, member };
}

/** True when a label that makes it a part of a replica had to be rejected. */
export function hasBadPlace(reader: LabelReader): boolean {
  const { replica, role, member, members, instance } = LABELS;
  return [replica, role, member, members, instance].some((label) => reader.rejectedLabel(label));
}

/** Ports that it may be dialled at: what was known when it was made, else what the main member EXPOSEs. */
export function exposedBy(pause: EngineContainer, { main }: Pod): readonly number[] {
  return pause.exposedPorts.length > 0 ? pause.exposedPorts : (main?.container.exposedPorts ?? []);
}

/** It has a network and a main process. */
export function isPodUp(pause: EngineContainer, { main }: Pod): boolean {
  return isUp(pause) && main !== null && isUp(main.container);
}

type Run = Pick<
  ReplicaSnapshot,
  | 'status'
  | 'startedAt'
  | 'exitCode'
  | 'pid'
  | 'hasHealthcheck'
  | 'stopTimeoutS'
  | 'members'
  | 'isIncomplete'
  | 'isSandbox'
>;

/**
 * Members as they are to be looked at, in order: where one is being replaced there are two of a name for a while, and the
 * one that runs counts, else the newer one.
 */
export function inOrder(members: readonly PodMember[]): readonly PodMember[] {
  const standing = new Map<string, PodMember>();
  for (const member of members) {
    const { index, name, container } = member;
    const other = standing.get(`${index}.${name}`)?.container;
    const isBetter =
      other === undefined ||
      (isUp(container) === isUp(other) ? container.createdAt > other.createdAt : isUp(container));
    if (isBetter) standing.set(`${index}.${name}`, member);
  }
  return [...standing.values()].sort((a, b) => a.index - b.index || (a.name < b.name ? -1 : 1));
}

/** How the replica is, as its main member is; without its pause container it is nothing. */
export function runOfPod(pause: EngineContainer, stopping: boolean, pod: Pod): Run {
  const main = pod.main?.container ?? null;
  const common = {
    startedAt: main?.startedAt ?? null,
    exitCode: main?.exitCode ?? null,
    // The Engine looks after all of them, and nobody may freeze one of them behind its back.
    hasHealthcheck: pod.members.some((one) => one.container.hasHealthcheck),
    stopTimeoutS: main?.stopTimeoutS ?? pause.stopTimeoutS,
    members: pod.members.map(memberSnapshot),
    ...(pod.isWhole ? {} : { isIncomplete: true }),
  };
  if (!isUp(pause)) return { ...common, status: statusOf(pause, stopping), pid: 0 };
  const isSandbox = pod.members.every((one) => isDown(one.container)) ? { isSandbox: true } : {};
  if (main === null) return { ...common, ...isSandbox, status: 'created', pid: 0 };
  const isStopping = stopping || pod.main?.stopping === true;
  return { ...common, ...isSandbox, status: statusOf(main, isStopping), pid: main.pid };
}

function memberSnapshot({ index, name, container, stopping }: PodMember): MemberSnapshot {
  return {
    index,
    name,
    containerId: container.id,
    image: container.image,
    status: statusOf(container, stopping),
    startedAt: container.startedAt,
    exitCode: container.exitCode,
    oomKilled: container.oomKilled,
    pid: container.pid,
  };
}
