/** Endpoints of deployments: begun, watched, and told to go on, stand still or go back. */
import { z } from '@hono/zod-openapi';
import type { Apps } from '#apps/apps';
import { CANARY_STEPS, type DeploymentRecord, hasEnded, READY_WITHIN_MS, STRATEGIES } from '#apps/deployment-record';
import { parseDuration } from '#core/duration';
import { nearest } from '#core/nearest';
import type { SetSpec } from '#core/set-spec';
import { ContainerInput, readContainers } from './container-input.ts';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import { DeploymentShape, deploymentJson, OperationShape } from './operation-shapes.ts';
import { accepted, newestFirst } from './operations.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import { type Fault, Problem } from './problem.ts';
import { inTurnOf } from './set-turns.ts';
import { pageOf } from './shapes.ts';
import type { SpecGate } from './spec-gate.ts';

const STEPS_MAX = 20;

const DeploymentRequest = z
  .strictObject({
    sets: z.array(z.string()).min(1).optional().openapi({ description: 'Left out: all sets of the app.' }),
    image: z.string().optional().openapi({ description: 'For the first container of each set.' }),
    containers: z.array(ContainerInput).min(1).optional().openapi({ description: 'In the place of those of the set.' }),
    strategy: z.enum(STRATEGIES).default('rolling'),
    steps: z
      .array(z.strictObject({ weight: z.number().min(1).max(100), hold: z.string() }))
      .max(STEPS_MAX)
      .optional()
      .openapi({ description: 'Of a canary: percent of the traffic, and how long it is watched at that.' }),
    members: z.array(z.number().int().min(0)).optional().openapi({ description: 'Indices that `member` replaces.' }),
    ready_within: z.string().optional().openapi({ description: 'How long new replicas may take.', example: '2m' }),
    cause: z.string().max(200).optional().openapi({ description: 'Why, for those who look later.' }),
  })
  .openapi('DeploymentRequest');

const AppParams = z.object({ app: z.string() });
const Params = z.object({ app: z.string(), d: z.string() });

export function addDeployments(endpoints: Endpoints, apps: Apps, gate: SpecGate): void {
  endpoints.add(
    {
      method: 'post',
      path: '/v1/apps/{app}/deployments',
      id: 'createDeployment',
      summary: 'Brings sets of an app to a new revision',
      needs: 'deploy',
      params: AppParams,
      query: NOTHING,
      body: DeploymentRequest,
      answer: OperationShape,
      status: 202,
      problems: ['not_found'],
    },
    async ({ scope, params: { app }, body, headers }) => {
      const { tenant, principal } = scope;
      const sets = body.sets ?? apps.library.sets(tenant, app).map((one) => one.name);
      // It begins from the sets as they are wished: nobody changes them before it is kept.
      const record = await inTurnOf(apps, { tenant, app, sets }, async () => {
        const draft = draftOf(apps, tenant, app, { ...body, sets });
        if (draft instanceof Problem) return draft;
        for (const { set, spec } of draft.turns) {
          const faults = spec === null ? [] : gate.faultsOf(scope, { app, set }, spec);
          if (faults.length > 0) return invalid(faults);
        }
        return await apps.deploy({ ...draft, tenant, app, by: principal.id });
      });
      return record instanceof Problem ? record : await answerOf(apps, record, headers);
    },
  );

  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/deployments',
      id: 'listDeployments',
      summary: 'Deployments of an app, the newest first',
      needs: 'read',
      params: AppParams,
      query: PageQuery,
      body: null,
      answer: pageOf(DeploymentShape),
    },
    ({ scope, params: { app }, query }) => {
      const page = pageOfEntries(apps.deployments.book.list(scope.tenant, app), newestFirst, query);
      return { ...page, items: page.items.map(deploymentJson) };
    },
  );

  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/deployments/{d}',
      id: 'getDeployment',
      summary: 'A deployment, and why it failed if it did',
      needs: 'read',
      params: Params,
      query: NOTHING,
      body: null,
      answer: DeploymentShape,
      problems: ['not_found'],
    },
    ({ scope, params: { app, d } }) => {
      const found = apps.deployments.book.get(scope.tenant, app, d);
      return found === null ? missing(app, d) : deploymentJson(found);
    },
  );
  addWishes(endpoints, apps);
}

const WISHES = {
  cancel: 'Ends a deployment; what was before is put back',
  abort: 'Ends a deployment as one that is no good; weights are put back first',
  promote: 'Lets a canary take over now, without waiting for its steps',
  pause: 'Stops the time of the steps of a canary',
  resume: 'Lets the time of the steps of a canary go on',
} as const;

function addWishes(endpoints: Endpoints, apps: Apps): void {
  for (const [wish, summary] of Object.entries(WISHES) as [keyof typeof WISHES, string][]) {
    endpoints.add(
      {
        method: 'post',
        path: `/v1/apps/{app}/deployments/{d}/${wish}`,
        id: `${wish}Deployment`,
        summary,
        needs: 'deploy',
        params: Params,
        query: NOTHING,
        body: null,
        answer: DeploymentShape,
        status: 202,
        problems: ['not_found', 'conflict'],
      },
      async ({ scope, params: { app, d } }) => {
        const found = apps.deployments.book.get(scope.tenant, app, d);
        if (found === null) return missing(app, d);
        const done =
          wish === 'pause' || wish === 'resume'
            ? await apps.deployments.setPaused(found, wish === 'pause')
            : await apps.deployments.wish(found, wish);
        if (!done) {
          const detail = hasEnded(found.state) ? `It has ended: ${found.state}.` : 'It has not begun yet.';
          return new Problem('conflict', { detail });
        }
        return deploymentJson(apps.deployments.book.get(scope.tenant, app, d) ?? found);
      },
    );
  }
}

/** The operation of a deployment, as a long action answers. */
export async function answerOf(apps: Apps, record: DeploymentRecord, headers: Headers) {
  const operation = apps.operations.get(record.tenant, record.operation);
  if (operation === null) return new Problem('internal', { detail: 'The operation of the deployment is gone.' });
  return await accepted(apps, operation, headers);
}

type Body = z.output<typeof DeploymentRequest> & { readonly sets: readonly string[] };

function draftOf(apps: Apps, tenant: string, app: string, body: Body) {
  const known = apps.library.sets(tenant, app);
  if (known.length === 0)
    return new Problem('not_found', { detail: `This tenant has no app "${app}" of its own making.` });
  const faults: Fault[] = [];
  const names = body.sets;
  const { strategy, image, members = [] } = body;
  if (image !== undefined && body.containers !== undefined) {
    faults.push({ pointer: '/image', code: 'contradiction', detail: 'Give image or containers, not both.' });
  }
  if (strategy === 'member' && members.length === 0) {
    faults.push({
      pointer: '/members',
      code: 'missing',
      detail: 'member needs the indices of the containers to replace.',
    });
  }
  const containers = body.containers === undefined ? null : readContainers(body.containers, '/containers');
  if (containers !== null && 'faults' in containers) faults.push(...containers.faults);
  const steps = (body.steps ?? []).map(({ weight, hold }, i) => {
    const holdMs = parseDuration(hold);
    if (holdMs === null) {
      faults.push({
        pointer: `/steps/${i}/hold`,
        code: 'bad_value',
        detail: `"${hold}" is no time such as 30s or 5m.`,
      });
    }
    return { weight, holdMs: holdMs ?? 0 };
  });
  const within = body.ready_within === undefined ? READY_WITHIN_MS : parseDuration(body.ready_within);
  if (within === null || within <= 0) {
    faults.push({ pointer: '/ready_within', code: 'bad_value', detail: 'ready_within is a time such as 2m.' });
  }
  const turns = names.map((name, i) => {
    const set = known.find((one) => one.name === name);
    if (set === undefined) {
      const meant = nearest(
        name,
        known.map((one) => one.name),
      );
      const hint = meant === null ? '' : ` Did you mean "${meant}"?`;
      faults.push({ pointer: `/sets/${i}`, code: 'unknown', detail: `The app has no set "${name}".${hint}` });
      return { set: name, spec: null, revision: null };
    }
    const given = containers === null || 'faults' in containers ? null : containers.containers;
    const spec = withImage(given === null ? set.spec : merged(set.spec, given, members), image);
    const called = spec.containers.map((one) => one.name);
    const twice = called.find((one, place) => called.indexOf(one) !== place);
    if (twice !== undefined) {
      const detail = `Two containers of "${name}" would be called "${twice}": give each of those in "members" its name.`;
      faults.push({ pointer: '/containers', code: 'repeated', detail });
    }
    return { set: name, spec, revision: null };
  });
  if (faults.length > 0) return invalid(faults);
  return {
    ...{ strategy, members, turns, readyWithinMs: within ?? READY_WITHIN_MS },
    steps: strategy === 'canary' && steps.length === 0 ? CANARY_STEPS : steps,
    cause: body.cause ?? `${strategy} deployment`,
  };
}

/** With members, only those that are listed are taken from what was given. */
function merged(spec: SetSpec, given: SetSpec['containers'], members: readonly number[]): SetSpec {
  if (members.length === 0) return { ...spec, containers: given };
  const containers = spec.containers.map((one) => {
    const replacement = given.find((other) => other.index === one.index);
    return members.includes(one.index) && replacement !== undefined ? replacement : one;
  });
  return { ...spec, containers };
}

function withImage(spec: SetSpec, image: string | undefined): SetSpec {
  const [first, ...rest] = spec.containers;
  if (image === undefined || first === undefined) return spec;
  return { ...spec, containers: [{ ...first, image }, ...rest] };
}

function missing(app: string, d: string): Problem {
  return new Problem('not_found', { detail: `The app "${app}" has no deployment "${d}".` });
}
