/** Endpoints through which apps are made, stopped, started, restarted and taken away. */
import { z } from '@hono/zod-openapi';
import type { AppRecord } from '#apps/app-record';
import type { Apps } from '#apps/apps';
import { isName } from '#core/name';
import { Done } from './answer.ts';
import { answerOf } from './deployments.ts';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import { EnvShape, faultsOfEnv } from './environment.ts';
import { OperationShape } from './operation-shapes.ts';
import { accepted } from './operations.ts';
import { ownApp } from './own.ts';
import type { PlanGate } from './plan-gate.ts';
import { Problem } from './problem.ts';

const AppParams = z.object({ app: z.string() });

const AppRequest = z
  .strictObject({
    description: z.string().max(500).optional(),
    env: EnvShape.optional().openapi({ description: 'For all containers of all sets, from their next revision on.' }),
  })
  .openapi('AppRequest');

export const WishedAppShape = z
  .object({
    name: z.string(),
    tenant: z.string(),
    description: z.string(),
    stopped: z.boolean().openapi({ description: 'A person or program keeps it down.' }),
    env: z.record(z.string(), z.string()),
    sets: z.array(z.string()),
    created_at: z.string().openapi({ format: 'date-time' }),
  })
  .openapi('WishedApp');

export function addAppLifecycle(endpoints: Endpoints, apps: Apps, plan: PlanGate): void {
  for (const method of ['put', 'patch'] as const) {
    endpoints.add(
      {
        method,
        path: '/v1/apps/{app}',
        id: `${method}App`,
        summary: method === 'put' ? 'Makes an app, or makes it what is given' : 'Changes what is given of an app',
        needs: 'deploy',
        params: AppParams,
        query: NOTHING,
        body: AppRequest,
        answer: WishedAppShape,
        problems: ['not_found', 'quota_exceeded'],
      },
      async ({ scope, params: { app }, body }) => {
        const { tenant, principal } = scope;
        if (!isName(app)) return badName(app);
        const known = apps.library.app(tenant, app);
        if (method === 'patch' && known === null) return ownApp(apps, scope, app) as Problem;
        const faults = faultsOfEnv(body.env ?? {}, '/env');
        if (faults.length > 0) return invalid(faults);
        const whole = method === 'put' ? { description: '', env: {} } : {};
        const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
        const asker = { tenant, by: principal.id };
        const asked = () => ({ apps: apps.library.app(tenant, app) === null ? 1 : 0 });
        const outcome = await plan.taking(scope, asked, (taken) =>
          apps.putApp(asker, app, { ...whole, ...given }, taken),
        );
        return outcome instanceof Problem ? outcome : wishedAppJson(apps, outcome.app);
      },
    );
  }

  endpoints.add(
    {
      method: 'delete',
      path: '/v1/apps/{app}',
      id: 'deleteApp',
      summary: 'Takes an app away with all its sets; its volumes only when that is asked',
      needs: 'manage',
      params: AppParams,
      query: z.object({
        volumes: z.enum(['true', 'false']).default('false').openapi({ description: 'Its data goes, too.' }),
      }),
      body: null,
      answer: OperationShape,
      status: 202,
      problems: ['not_found'],
    },
    async ({ scope, params: { app }, query, headers }) => {
      const known = ownApp(apps, scope, app);
      if (known instanceof Problem) return known;
      const asker = { tenant: scope.tenant, by: scope.principal.id };
      return await accepted(apps, await apps.removal.removeApp(asker, app, query.volumes === 'true'), headers);
    },
  );

  for (const [verb, summary] of [
    ['stop', 'Keeps all sets of an app down: requests are answered 503 `stopped` until it is started'],
    ['start', 'Lets the sets of an app come up again, as their scale says'],
  ] as const) {
    endpoints.add(
      {
        method: 'post',
        path: `/v1/apps/{app}/${verb}`,
        id: `${verb}App`,
        summary,
        needs: 'deploy',
        params: AppParams,
        query: NOTHING,
        body: null,
        answer: WishedAppShape,
        problems: ['not_found'],
      },
      async ({ scope, params: { app } }) => {
        const known = ownApp(apps, scope, app);
        if (known instanceof Problem) return known;
        await apps.setStopped({ tenant: scope.tenant, by: scope.principal.id }, known, verb === 'stop');
        return wishedAppJson(apps, apps.library.app(scope.tenant, app) ?? known);
      },
    );
  }

  endpoints.add(
    {
      method: 'post',
      path: '/v1/apps/{app}/restart',
      id: 'restartApp',
      summary: 'Makes all replicas of an app anew, one after the other',
      needs: 'deploy',
      params: AppParams,
      query: NOTHING,
      body: null,
      answer: OperationShape,
      status: 202,
      problems: ['not_found', 'conflict'],
    },
    async ({ scope, params: { app }, headers }) => {
      const known = ownApp(apps, scope, app);
      if (known instanceof Problem) return known;
      const asker = { tenant: scope.tenant, by: scope.principal.id };
      const deployment = await apps.revisions.restart(asker, app, apps.library.sets(scope.tenant, app));
      if (deployment === null) return new Problem('conflict', { detail: 'None of its sets has a revision in force.' });
      return await answerOf(apps, deployment, headers);
    },
  );
}

function wishedAppJson(apps: Apps, { name, tenant, description, stopped, env, createdAt }: AppRecord) {
  const sets = apps.library.sets(tenant, name).map((one) => one.name);
  const created_at = new Date(createdAt).toISOString();
  return new Done({ name, tenant, description, stopped, env: { ...env }, sets, created_at });
}

function badName(app: string): Problem {
  const detail = `"${app}" cannot be a name: a to z, 0 to 9 and "-", 40 characters at most, beginning with a letter.`;
  return invalid([{ pointer: '/app', code: 'bad_name', detail }]);
}
