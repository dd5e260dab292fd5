/**
 * Which containers make up a replica, kept from what was seen of their labels, so that acting on a whole replica asks
 * the Engine nothing first. It may know less than there is, which shows by the number of members; never more than was
 * seen.
 */
import { MEMBER_LABEL, MEMBERS_LABEL, REPLICA_LABEL, ROLE_LABEL, readMemberLabel } from '#core/replica-labels';

type Labels = Readonly<Record<string, string>>;

export interface Member {
  readonly id: string;
  readonly index: number;
  readonly name: string;
}

/** A replica by its pause container. */
export interface KnownReplica {
  /** `rep_…` */
  readonly replica: string;
  /** In the order of their indices. */
  readonly members: readonly Member[];
  /** All that it was made of are known. */
  readonly isWhole: boolean;
}

interface Pause {
  readonly replica: string;
  readonly memberCount: number;
}

/** What the labels of a container say of its place in a replica; null: it is a container like any other. */
export type ReplicaPart =
  | { readonly role: 'pause'; readonly replica: string; readonly memberCount: number }
  | { readonly role: 'member'; readonly replica: string; readonly index: number; readonly name: string };

export function replicaPart(labels: Labels): ReplicaPart | null {
  const replica = labels[REPLICA_LABEL];
  if (replica === undefined || replica === '') return null;
  if (labels[ROLE_LABEL] === 'pause') {
    return { role: 'pause', replica, memberCount: Number(labels[MEMBERS_LABEL]) || 0 };
  }
  const member = labels[ROLE_LABEL] === 'member' ? readMemberLabel(labels[MEMBER_LABEL]) : null;
  return member === null ? null : { role: 'member', replica, ...member };
}

export class ReplicaIndex {
  /** By container id. */
  readonly #pauses = new Map<string, Pause>();
  /** By container id: of which replica. */
  readonly #memberOf = new Map<string, string>();
  /** By replica, by container id. */
  readonly #members = new Map<string, Map<string, Member>>();

  saw(id: string, labels: Labels): void {
    const part = replicaPart(labels);
    if (part === null) return;
    if (part.role === 'pause') {
      this.#pauses.set(id, { replica: part.replica, memberCount: part.memberCount });
      return;
    }
    const members = this.#members.get(part.replica) ?? new Map<string, Member>();
    members.set(id, { id, index: part.index, name: part.name });
    this.#members.set(part.replica, members);
    this.#memberOf.set(id, part.replica);
  }

  /** Takes a complete list: what is not in it is forgotten. */
  sawAll(containers: readonly { readonly id: string; readonly labels: Labels }[]): void {
    this.#pauses.clear();
    this.#memberOf.clear();
    this.#members.clear();
    for (const { id, labels } of containers) this.saw(id, labels);
  }

  forget(id: string): void {
    this.#pauses.delete(id);
    const replica = this.#memberOf.get(id);
    this.#memberOf.delete(id);
    if (replica === undefined) return;
    const members = this.#members.get(replica);
    members?.delete(id);
    if (members?.size === 0) this.#members.delete(replica);
  }

  /** Null: the container is no pause container, as far as is known. */
  ofPause(id: string): KnownReplica | null {
    const pause = this.#pauses.get(id);
    if (pause === undefined) return null;
    const members = [...(this.#members.get(pause.replica)?.values() ?? [])].sort((a, b) => a.index - b.index);
    const places = new Set(members.map((one) => `${one.index}.${one.name}`));
    return { replica: pause.replica, members, isWhole: places.size >= pause.memberCount };
  }
}

/** Members in groups of one index each, ascending. */
export function byIndex(members: readonly Member[]): Member[][] {
  const groups = new Map<number, Member[]>();
  for (const member of members) groups.set(member.index, [...(groups.get(member.index) ?? []), member]);
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}
