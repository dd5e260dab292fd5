/**
 * Labels that Tidegate itself puts on the containers of a replica that it makes: a pause container, which holds network,
 * IPC and volume, and its members. By them alone a replica is told from a container that a person made.
 */

/** Id of the replica, on each of its containers: `rep_…`. */
export const REPLICA_LABEL = 'tidegate.replica';
/** `pause` or `member`. */
export const ROLE_LABEL = 'tidegate.role';
/** On members: `<index>.<name>`, such as `1.main`. Members start in the order of their indices; the lowest is the main one. */
export const MEMBER_LABEL = 'tidegate.member';
/** On the pause container: how many members the replica was made of. One that has fewer is not whole. */
export const MEMBERS_LABEL = 'tidegate.members';
/** Of which instance of Tidegate (`ins_…`) a replica, network or volume is. */
export const INSTANCE_LABEL = 'tidegate.instance';

export const REPLICA_ROLES = ['pause', 'member'] as const;

export interface MemberName {
  readonly index: number;
  readonly name: string;
}

/** The value of {@link MEMBER_LABEL}. */
export function memberLabel({ index, name }: MemberName): string {
  return `${index}.${name}`;
}

/** Null: it is no such value. */
export function readMemberLabel(text: string | undefined): MemberName | null {
  const match = /^(\d{1,4})\.([a-z][-a-z0-9]{0,39})$/.exec(text ?? '');
  return match === null ? null : { index: Number(match[1]), name: match[2] as string };
}
