/**
 * What a changed container means to an operator: the events that tell of it. Pure.
 */
import type { EventDraft, EventType } from '#core/event';
import type { ContainerStatus } from '#core/set';
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
    for (const [type, cause, data] of lifeOf(before?.contribution ?? null, after?.contribution ?? null, first)) {
      tell(type, cause, data);
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

/** The event of a container that ran out of memory. */
export function outOfMemory(replica: string, translation: Translation): EventDraft {
  const change = { replica, before: null, after: translation };
  const cause = 'it ran out of memory; the kernel ended a process of it';
  return {
    type: 'container.oom',
    ...subject(change, translation.contribution),
    cause,
    data: { container: translation.name },
  };
}

type Happening = readonly [type: EventType, cause: string, data?: Readonly<Record<string, unknown>>];

function lifeOf(before: Contribution | null, after: Contribution | null, first: boolean): readonly Happening[] {
  if (after === null) return before === null ? [] : [['container.destroyed', 'it was removed']];
  const was = before?.replica.status ?? null;
  const { status, exitCode, unroutable } = after.replica;
  const ran = was !== null && UP.includes(was);
  const happened: Happening[] = [];
  if (UP.includes(status) && !ran && !first) happened.push(['container.started', 'it began to run']);
  if (status === 'stopping' && was !== 'stopping')
    happened.push(['container.stopping', 'a stop signal was sent to it']);
  if (!UP.includes(status) && ran) {
    happened.push(['container.died', `it ended with exit code ${exitCode ?? 'unknown'}`, { exit_code: exitCode }]);
  } else if (before !== null && ran && after.replica.startedAt !== before.replica.startedAt) {
    happened.push(['container.died', 'it ended unseen'], ['container.started', 'it began to run again']);
  }
  if (unroutable !== null && unroutable !== before?.replica.unroutable) {
    happened.push(['route.unroutable', unroutable]);
  }
  return happened;
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
