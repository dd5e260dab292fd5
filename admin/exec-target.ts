/** Which container of an app a command is meant for, and whether it can run there now. */
import type { ReplicaSnapshot, SetSnapshot } from '#core/set';
import type { LiveReplica } from './ports.ts';
import { Problem } from './problem.ts';
import type { KnownSet } from './views.ts';

export interface ExecWish {
  readonly set?: string | undefined;
  readonly replica?: string | undefined;
  readonly member?: string | undefined;
}

export interface ExecTarget {
  readonly set: SetSnapshot;
  readonly replica: ReplicaSnapshot;
  readonly containerId: string;
}

const CONTAINER_PREFIX_MIN = 6;
/** Phases in which the processes of a replica run. */
const AWAKE = ['ready', 'probing', 'unhealthy', 'ejected', 'unroutable', 'running', 'draining', 'starting'];

/** The set that is meant, or why none is. */
export function setOf(sets: readonly KnownSet[], { set }: ExecWish): KnownSet | Problem {
  const names = sets.map(({ snapshot }) => snapshot.set).join(', ');
  const [only, second] = sets;
  if (set === undefined && only !== undefined && second === undefined) return only;
  if (set === undefined) {
    const detail = `The app has several sets: ${names}.`;
    return new Problem('invalid', { detail, errors: [{ pointer: '/set', code: 'missing', detail }] });
  }
  const found = sets.find(({ snapshot }) => snapshot.set === set);
  if (found !== undefined) return found;
  return new Problem('not_found', { detail: `The app has no set "${set}".`, fix: [`Its sets are ${names}.`] });
}

/** The container, with its replica; null: none of those that are meant runs. */
export function targetOf({ snapshot, live }: KnownSet, wish: ExecWish): ExecTarget | Problem | null {
  const meant = snapshot.replicas.filter((one) => wish.replica === undefined || isMeant(one, wish.replica));
  if (meant.length === 0 && wish.replica !== undefined) {
    const names = snapshot.replicas.map(({ name }) => name).join(', ');
    const fix = names === '' ? [] : [`Its replicas are ${names}.`];
    return new Problem('not_found', { detail: `The set has no replica "${wish.replica}".`, fix });
  }
  const running = meant.filter(({ status }) => status === 'running' || status === 'paused');
  const replica = running.find((one) => phaseOf(one, live?.replicas) === 'ready') ?? running[0];
  if (replica === undefined) return null;
  const { members } = replica;
  if (members === undefined) {
    if (wish.member === undefined) return { set: snapshot, replica, containerId: replica.containerId };
    return new Problem('not_found', { detail: `Its replicas are one container each: there is no member.` });
  }
  const member = wish.member === undefined ? members[0] : members.find(({ name }) => name === wish.member);
  if (member === undefined) {
    const fix = [`Its containers are ${members.map(({ name }) => name).join(', ')}.`];
    return new Problem('not_found', { detail: `The replicas have no container "${wish.member}".`, fix });
  }
  if (member.status !== 'running' && member.status !== 'paused') return null;
  return { set: snapshot, replica, containerId: member.containerId };
}

/** Whether its processes run now: one that is frozen has to be thawed first. */
export function isAwake({ snapshot, live }: KnownSet, replicaId: string): boolean {
  const replica = snapshot.replicas.find(({ id }) => id === replicaId);
  if (replica?.status !== 'running') return false;
  const phase = phaseOf(replica, live?.replicas);
  return phase !== undefined && AWAKE.includes(phase);
}

function phaseOf({ id }: ReplicaSnapshot, live: readonly LiveReplica[] = []): string | undefined {
  return live.find((one) => one.id === id)?.phase;
}

function isMeant({ id, name, containerId }: ReplicaSnapshot, word: string): boolean {
  if (word === id || word === name) return true;
  return word.length >= CONTAINER_PREFIX_MIN && containerId.startsWith(word);
}
