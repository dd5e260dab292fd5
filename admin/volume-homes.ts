/** Endpoints of the volumes of a set: on which host they are, and the way out when that host is gone for good. */
import { z } from '@hono/zod-openapi';
import type { SetRecord } from '#apps/app-record';
import type { Apps } from '#apps/apps';
import type { StaysHome } from '#apps/volume-release';
import type { Endpoints } from './endpoint.ts';
import { NOTHING } from './endpoint.ts';
import { ownSet } from './own.ts';
import { Problem } from './problem.ts';
import { inTurnOf } from './set-turns.ts';
import { timeOf } from './time.ts';

const SetParams = z.object({ app: z.string(), set: z.string() });

const LeftShape = z
  .object({
    volume: z.string().openapi({ description: "The Engine's name of it.", example: 'tidegate-acme.shop.data' }),
    host: z.string(),
    by: z.string(),
    at: z.string().openapi({ format: 'date-time' }),
    returned: z.boolean().openapi({ description: 'Its host has answered since, and has it still.' }),
  })
  .openapi('VolumeLeftBehind');

const HomesShape = z
  .object({
    items: z.array(
      z.object({
        volume: z.string(),
        host: z.string(),
        state: z.enum(['reachable', 'silent', 'removed', 'missing']).openapi({
          description:
            '`silent`: the host does not answer; `removed`: it is not in TIDEGATE_DOCKER any more; `missing`: it has lost the volume.',
        }),
      }),
    ),
    left_behind: z.array(LeftShape),
  })
  .openapi('VolumeHomes');

const GivenUpShape = z
  .object({
    left_behind: z.array(LeftShape),
    note: z.string().openapi({ description: 'What becomes of the data.' }),
  })
  .openapi('VolumesGivenUp');

export function addVolumeHomes(endpoints: Endpoints, apps: Apps): void {
  const path = '/v1/apps/{app}/sets/{set}/volume-homes';
  endpoints.add(
    {
      method: 'get',
      path,
      id: 'listVolumeHomes',
      summary: 'On which hosts the volumes of a set are, and what was given up of them',
      needs: 'read',
      params: SetParams,
      query: NOTHING,
      body: null,
      answer: HomesShape,
      problems: ['not_found'],
    },
    ({ scope, params }) => {
      const set = ownSet(apps, scope, params);
      if (set instanceof Problem) return set;
      return {
        items: apps.volumes.homesOf(set).map((one) => ({ ...one })),
        left_behind: apps.volumes.leftOf(set).map(leftJson),
      };
    },
  );

  endpoints.add(
    {
      method: 'delete',
      path: `${path}/{host}`,
      id: 'giveUpVolumeHome',
      summary:
        'Gives up what a set has on a host that is gone for good: it begins anew on another one, without that data',
      needs: 'manage',
      params: SetParams.extend({ host: z.string() }),
      query: NOTHING,
      body: null,
      answer: GivenUpShape,
      dryRun: true,
      problems: ['not_found', 'conflict'],
    },
    async ({ scope, params, dryRun }) => {
      const { tenant, principal } = scope;
      return await inTurnOf(apps, { tenant, app: params.app, sets: [params.set] }, async () => {
        const set = ownSet(apps, scope, params);
        if (set instanceof Problem) return set;
        const { host } = params;
        const refusal = apps.volumes.refusal(set, host);
        if (refusal !== null) return refused(apps, set, host, refusal);
        const isLost = apps.volumes.homesOf(set).some((one) => one.host === host && one.state === 'missing');
        const note = isLost
          ? `${host} has lost the volume: the next one is empty, there or on another host.`
          : `What is in the volumes on ${host} stays there, and is neither used nor removed when it comes back.`;
        if (dryRun) return { left_behind: [], note };
        const left = await apps.volumes.giveUp({ tenant, by: principal.id }, set, host);
        return typeof left === 'string' ? refused(apps, set, host, left) : { left_behind: left.map(leftJson), note };
      });
    },
  );
}

function refused(apps: Apps, set: SetRecord, host: string, why: StaysHome): Problem {
  if (why === 'reachable') {
    return new Problem('conflict', {
      detail: `The host "${host}" answers: what the set "${set.name}" has there is not given up.`,
      fix: ['Data that is to go is removed with its app (`tide apps rm APP --volumes`).'],
    });
  }
  const hosts = [...new Set(apps.volumes.homesOf(set).map((one) => one.host))];
  return new Problem('not_found', {
    detail: `The set "${set.name}" has no volume on a host "${host}".`,
    fix: [hosts.length === 0 ? 'None of its volumes has a host.' : `Its volumes are on ${hosts.join(', ')}.`],
  });
}

function leftJson({ volume, host, by, at, told }: ReturnType<Apps['volumes']['leftOf']>[number]) {
  return { volume, host, by, at: timeOf(at), returned: told };
}
