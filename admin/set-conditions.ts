/**
 * What stands against a set as it is wished, in words: whether its last deployment came to a good end, and whether the host
 * that has its volumes is there. Each says why, since when, and what there is to be done about it.
 */
import { z } from '@hono/zod-openapi';
import type { SetRecord } from '#apps/app-record';
import type { Apps } from '#apps/apps';
import type { VolumeHome } from '#apps/volume-release';
import type { HostView } from './ports.ts';
import { timeOf } from './time.ts';

export const ConditionShape = z
  .object({
    type: z.enum(['Deployed', 'VolumeReachable']),
    status: z.enum(['True', 'False', 'Unknown']),
    reason: z.string().openapi({ description: 'For programs: the code of what went wrong, if something did.' }),
    message: z.string(),
    since: z.string().nullable().openapi({ format: 'date-time', description: 'Null: not known.' }),
  })
  .openapi('SetCondition');

export type ConditionJson = z.input<typeof ConditionShape>;

export interface ConditionFacts {
  readonly apps: Apps;
  readonly hosts: () => Iterable<HostView>;
}

/** Of a set that was made through the API, in the order in which they are to be read. */
export function conditionsOf({ apps, hosts }: ConditionFacts, set: SetRecord): ConditionJson[] {
  const volume = volumeCondition(set, apps.volumes.homesOf(set), [...hosts()]);
  return [deployedCondition(apps, set), ...(volume === null ? [] : [volume])];
}

function deployedCondition({ deployments }: Apps, set: SetRecord): ConditionJson {
  const type = 'Deployed';
  const last = deployments.book.lastAttempt(set);
  const turn = last?.turns.find((one) => one.set === set.name);
  const serves = set.current === null ? 'nothing serves' : `r${set.current} serves`;
  const isOver = last === null || last.state === 'succeeded' || turn?.done === true;
  // Limits and policy come into force without a deployment: what failed before that is not what is wished now.
  const isOutdated = turn?.revision != null && set.current !== null && set.current > turn.revision;
  if (!isOver && !isOutdated) {
    const { error, id, endedAt } = last;
    const failed = turn?.revision == null ? 'What was wished' : `r${turn.revision}`;
    const where = error?.set === set.name ? '' : ` at the set "${error?.set ?? ''}"`;
    const message = `${failed} did not come into force (${id} failed${where} while ${error?.phase ?? ''}): ${error?.detail ?? ''}; ${serves}.`;
    return { type, status: 'False', reason: error?.code ?? last.state, message, since: timeOf(endedAt) };
  }
  if (set.current === null) {
    return {
      type,
      status: 'Unknown',
      reason: 'nothing_yet',
      message: 'No revision has proved itself yet.',
      since: null,
    };
  }
  return { type, status: 'True', reason: 'in_force', message: `${serves}.`, since: timeOf(last?.endedAt ?? null) };
}

/** Null: none of its volumes has a host yet. */
function volumeCondition(
  { app, name }: SetRecord,
  homes: readonly VolumeHome[],
  hosts: readonly HostView[],
): ConditionJson | null {
  const type = 'VolumeReachable';
  const away = homes.find((one) => one.state !== 'reachable') ?? homes[0];
  if (away === undefined) return null;
  const { host, state } = away;
  const since = timeOf(hosts.find((one) => one.name === host)?.since ?? null);
  const volumes = homes.filter((one) => one.host === host).map((one) => one.volume);
  const named = volumes.join(', ');
  if (state === 'reachable') {
    return { type, status: 'True', reason: 'host_answers', message: `${named} is on ${host}.`, since };
  }
  const { reason, why, back } = TROUBLE[state];
  const message =
    `${named} is on ${host}, ${why(since ?? 'the start')}; no replica is made anywhere else. Either ${back}, or, if it is gone ` +
    `for good, let the set begin anew, without the data: \`tide volumes give-up ${name} ${host} --app ${app}\`.`;
  return { type, status: 'False', reason, message, since: state === 'missing' ? null : since };
}

const TROUBLE = {
  silent: {
    reason: 'host_silent',
    why: (since: string) => `which does not answer (since ${since})`,
    back: 'bring the host back',
  },
  removed: {
    reason: 'host_removed',
    why: () => 'which is not in TIDEGATE_DOCKER any more',
    back: 'put it back there',
  },
  missing: {
    reason: 'volume_missing',
    why: () => 'or was: it is not there any more',
    back: 'put the volume back there',
  },
} as const;
