/**
 * What a changed container means to an operator: the events that tell of it. Pure.
 */
import type { EventDraft, EventType } from '#core/event';
import type { ContainerStatus, MemberSnapshot } from '#core/set';
import type { Change } from './inventory.ts';
import type { Contribution, Translation } from './translation.ts';

/** Statuses with a process that serves or could serve. */
const UP: readonly ContainerStatus[] = ['running', 'paused', 'stopping'];

/**
 * The events of one change.
 * @param first the host is listed for the first time: what runs already did not just begin to
 */
export function happenings(change: Change, first: boolean): readonly EventDraft[] {
  const { before, after } = change;
  const drafts: EventDraft[] = [];
  const contribution = after?.contribution ?? before?.contribution ?? null;
  const tell = (type: EventType, cause: string, data?: Readonly<Record<string, unknown>>): void => {
    const name = after?.name ?? before?.name ?? '';
    drafts.push({ type, ...subject(change, contribution), cause, data: { container: name, ...data } });
  };
  if (contribution !== null) {
    const lives = [before?.contribution ?? null, after?.contribution ?? null] as const;
    for (const [type, cause, data] of lifeOf(...lives, first)) tell(type, cause, data);
    for (const { name, happened } of livesOfMembers(...lives, first)) {
      const container = `${after?.name ?? before?.name ?? ''}-${name}`;
      for (const [type, cause, data] of happened) tell(type, cause, { container, member: name, ...data });
    }
  }
  for (const one of newIn(after, before, 'rejections')) {
    const { label, value, expected, nearest } = one;
    tell('label.rejected', one.message, { label, value, expected, nearest });
  }
  for (const one of newIn(after, before, 'unknown')) {
    tell('label.unknown', one.message, { label: one.label, nearest: one.nearest });
  }
  return drafts;
}

/**
 * The event of a container that ran out of memory.
 * @param translation of what stands for it: of its replica, when it is a member of one
 */
export function outOfMemory(replica: string, container: string, translation: Translation): EventDraft {
  const change = { replica, before: null, after: translation };
  return {
    type: 'container.oom',
    ...subject(change, translation.contribution),
    cause: 'it ran out of memory; the kernel ended a process of it',
    data: { container, hint: 'raise memory' },
  };
}

type Happening = readonly [type: EventType, cause: string, data?: Readonly<Record<string, unknown>>];

function lifeOf(before: Contribution | null, after: Contribution | null, first: boolean): readonly Happening[] {
  if (after === null) return before === null ? [] : [['container.destroyed', 'it was removed']];
  const { unroutable } = after.replica;
  const isPod = after.replica.members !== undefined;
  const happened: Happening[] = isPod ? [] : [...runsOf(before?.replica ?? null, after.replica, first)];
  if (isPod && before !== null && UP.includes(before.replica.status) && lostItsPause(after)) {
    happened.push(['container.died', 'it ended, and with it the network of its replica']);
  }
  if (unroutable !== null && unroutable !== before?.replica.unroutable) {
    happened.push(['route.unroutable', unroutable]);
  }
  return happened;
}

/** The pause container of a replica is down while its main member runs. */
function lostItsPause({ replica }: Contribution): boolean {
  const main = replica.members?.[0];
  return !UP.includes(replica.status) && main !== undefined && UP.includes(main.status);
}

type Life = Pick<MemberSnapshot, 'status' | 'startedAt' | 'exitCode'> & { readonly oomKilled?: boolean };

function runsOf(before: Life | null, after: Life, first: boolean): readonly Happening[] {
  const was = before?.status ?? null;
  const { status, exitCode } = after;
  const ran = was !== null && UP.includes(was);
  const happened: Happening[] = [];
  if (UP.includes(status) && !ran && !first) happened.push(['container.started', 'it began to run']);
  if (status === 'stopping' && was !== 'stopping')
    happened.push(['container.stopping', 'a stop signal was sent to it']);
  if (!UP.includes(status) && ran) {
    const oom = after.oomKilled === true ? { oom_killed: true, hint: 'raise memory' } : {};
    happened.push([
      'container.died',
      `it ended with exit code ${exitCode ?? 'unknown'}`,
      { exit_code: exitCode, ...oom },
    ]);
  } else if (before !== null && ran && after.startedAt !== before.startedAt) {
    happened.push(['container.died', 'it ended unseen'], ['container.started', 'it began to run again']);
  }
  return happened;
}

/** What happened to the members of a replica, each by its name. Of one that is gone as a whole nothing is said of them. */
function* livesOfMembers(
  before: Contribution | null,
  after: Contribution | null,
  first: boolean,
): Generator<{ readonly name: string; readonly happened: readonly Happening[] }> {
  if (after === null) return;
  const former = before?.replica.members ?? [];
  const members = after.replica.members ?? [];
  for (const member of members) {
    const was = former.find((one) => one.containerId === member.containerId) ?? null;
    yield { name: member.name, happened: runsOf(was, member, first) };
  }
  for (const { name, containerId } of former) {
    if (members.some((one) => one.containerId === containerId)) continue;
    yield { name, happened: [['container.destroyed', 'it was removed']] };
  }
}

/** Findings that the last translation did not have. */
function newIn<K extends 'rejections' | 'unknown'>(
  after: Translation | null,
  before: Translation | null,
  kind: K,
): readonly Translation[K][number][] {
  const known = new Set(before?.[kind].map((one) => one.message));
  return (after?.[kind] ?? []).filter((one) => !known.has(one.message));
}

function subject(
  change: Change,
  contribution: Contribution | null,
): Pick<EventDraft, 'tenant' | 'app' | 'set' | 'replica' | 'host'> {
  const { tenant = null, app = null, set = null } = contribution?.identity ?? {};
  const host = change.replica.slice(0, change.replica.lastIndexOf('/'));
  return { tenant, app, set, replica: change.replica, host };
}
