/** Endpoints through which sets are made, changed and taken away: what is asked for is checked whole before anything of it is kept. */
import { z } from '@hono/zod-openapi';
import type { SetRecord } from '#apps/app-record';
import type { Apps } from '#apps/apps';
import { READY_WITHIN_MS, STRATEGIES, type Strategy } from '#apps/deployment-record';
import { withScaled } from '#apps/scale-bounds';
import { parseDuration } from '#core/duration';
import { isName } from '#core/name';
import { setKey } from '#core/set';
import type { SetSpec } from '#core/set-spec';
import type { Scope } from './access.ts';
import { Done, unmet } from './answer.ts';
import { answerOf } from './deployments.ts';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import { mergePatch } from './merge-patch.ts';
import { OperationShape } from './operation-shapes.ts';
import { accepted } from './operations.ts';
import { ownSet } from './own.ts';
import type { PlanGate } from './plan-gate.ts';
import { Problem } from './problem.ts';
import type { ScaleHold } from './scale-hold.ts';
import { readSetInput, SetInput, setInputJson } from './set-input.ts';
import { tagOfWish } from './set-tag.ts';
import { inTurnOf } from './set-turns.ts';
import type { SpecGate } from './spec-gate.ts';

const SetParams = z.object({ app: z.string(), set: z.string() });
/** Of a deployment for which nobody said another. */
const CAUSE = 'the spec changed';
const CAUSE_MAX = 200;
const NO_TIME = { pointer: '/ready_within', code: 'bad_value', detail: 'ready_within is a time such as 2m.' };

const ChangeQuery = z.object({
  strategy: z
    .enum(STRATEGIES)
    .default('rolling')
    .openapi({ description: 'How replicas are replaced where they have to be.' }),
  ready_within: z.string().optional().openapi({ description: 'How long new replicas may take.', example: '2m' }),
  cause: z.string().max(CAUSE_MAX).optional().openapi({ description: 'Why, for whoever reads of it later.' }),
});

const REFERENCE = { allOf: [{ $ref: '#/components/schemas/SetSpec' }] };
/** Checked by its reader, which knows more than one spelling. */
const WholeSet = z.looseObject({}).openapi('SetRequest', REFERENCE);
const PartOfSet = z
  .looseObject({})
  .openapi('SetPatch', { description: 'What of a set is to become another; null takes it away.' });

export const WishedSetShape = z
  .object({
    name: z.string(),
    app: z.string(),
    spec: SetInput,
    revision: z.string().nullable().openapi({ description: 'In force; null: none has proved itself yet.' }),
    shares: z.array(
      z.object({ revision: z.string(), weight: z.number(), replicas: z.number().int().nullable(), held: z.boolean() }),
    ),
    deployment: z.string().nullable().openapi({ description: 'Id of what brings it about; null: it is in force.' }),
    operation: z.string().nullable(),
  })
  .openapi('WishedSet');

interface Parts {
  readonly endpoints: Endpoints;
  readonly apps: Apps;
  readonly gate: SpecGate;
  readonly plan: PlanGate;
  readonly hold: ScaleHold;
}

export function addSetWishes(parts: Parts): void {
  addChanges(parts);
  const { endpoints, apps } = parts;
  endpoints.add(
    {
      method: 'delete',
      path: '/v1/apps/{app}/sets/{set}',
      id: 'deleteSet',
      summary: 'Takes a set away: traffic first, containers after they have finished, volumes never',
      needs: 'manage',
      params: SetParams,
      query: NOTHING,
      body: null,
      answer: OperationShape,
      status: 202,
      problems: ['not_found'],
    },
    async ({ scope, params, headers }) => {
      const set = ownSet(apps, scope, params);
      if (set instanceof Problem) return set;
      const operation = await apps.removal.removeSet({ tenant: scope.tenant, by: scope.principal.id }, set);
      return await accepted(apps, operation, headers);
    },
  );

  const Resources = z.strictObject({
    cpu: z.union([z.number(), z.string()]).optional(),
    memory: z.union([z.number(), z.string()]).optional(),
  });
  endpoints.add(
    {
      method: 'patch',
      path: '/v1/apps/{app}/sets/{set}/resources',
      id: 'resizeSet',
      summary: 'Changes the limits of a set while its containers run: nothing is started again',
      needs: 'deploy',
      params: SetParams,
      query: NOTHING,
      body: Resources,
      answer: WishedSetShape,
      dryRun: true,
      problems: ['not_found', 'conflict', 'quota_exceeded'],
    },
    async ({ scope, params, body, dryRun }) => {
      return await inTurn(apps, scope, params, async () => {
        const set = ownSet(apps, scope, params);
        if (set instanceof Problem) return set;
        const before = setInputJson(set.spec);
        return await change(parts, scope, params, {
          ...{ input: { ...before, resources: { ...before.resources, ...body } }, strategy: 'rolling', dryRun },
          ...{ cause: CAUSE, readyWithinMs: READY_WITHIN_MS, isWhole: false, inPlace: true },
        });
      });
    },
  );
}

function addChanges(parts: Parts): void {
  const { endpoints, apps } = parts;
  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/sets/{set}/spec',
      id: 'getSetSpec',
      summary: 'A set as it was asked for through the API',
      needs: 'read',
      params: SetParams,
      query: NOTHING,
      body: null,
      answer: WishedSetShape,
      versioned: true,
      problems: ['not_found'],
    },
    ({ scope, params }) => {
      const set = ownSet(apps, scope, params);
      return set instanceof Problem ? set : new Done(wishedJson(apps, set), { etag: tagOfWish(set) });
    },
  );
  for (const method of ['put', 'patch'] as const) {
    const isWhole = method === 'put';
    endpoints.add(
      {
        method,
        path: '/v1/apps/{app}/sets/{set}',
        id: `${method}Set`,
        summary: isWhole
          ? 'Makes a set, or makes it what is given: at once, or by a deployment where containers have to change'
          : 'Changes what is given of a set (RFC 7396)',
        needs: 'deploy',
        params: SetParams,
        query: ChangeQuery,
        body: isWhole ? WholeSet : PartOfSet,
        answer: WishedSetShape,
        versioned: true,
        dryRun: true,
        problems: ['not_found', 'conflict', 'precondition_failed', 'quota_exceeded'],
      },
      async ({ scope, params, query, body, headers, dryRun }) => {
        const readyWithinMs = query.ready_within === undefined ? READY_WITHIN_MS : parseDuration(query.ready_within);
        if (readyWithinMs === null || readyWithinMs <= 0) return invalid([NO_TIME]);
        // What is asked of the set as it is holds until it is changed: one after the other.
        const done = await inTurn(apps, scope, params, async () => {
          const set = apps.library.set(scope.tenant, params.app, params.set);
          if (!isWhole && set === null) return ownSet(apps, scope, params) as Problem;
          // Of what is not there nobody has a version.
          const changed = unmet(headers, set === null ? null : tagOfWish(set));
          if (changed !== null) return changed;
          const input = isWhole || set === null ? body : mergePatch(setInputJson(set.spec), body);
          const { strategy, cause = CAUSE } = query;
          return await change(parts, scope, params, {
            ...{ input, strategy, cause, readyWithinMs, dryRun, isWhole, inPlace: false },
          });
        });
        if (done instanceof Problem || dryRun) return done;
        if (done.deployment !== null && headers.get('prefer') !== null) {
          const record = apps.deployments.book.get(scope.tenant, params.app, done.deployment);
          if (record !== null) await answerOf(apps, record, headers);
        }
        const set = apps.library.set(scope.tenant, params.app, params.set);
        return new Done(answered(apps, set, done), set === null ? {} : { etag: tagOfWish(set) });
      },
    );
  }
}

function inTurn<T>(apps: Apps, { tenant }: Scope, { app, set }: z.output<typeof SetParams>, run: () => Promise<T>) {
  return inTurnOf(apps, { tenant, app, sets: [set] }, run);
}

interface Change {
  readonly input: unknown;
  readonly strategy: Strategy;
  readonly cause: string;
  readonly readyWithinMs: number;
  readonly dryRun: boolean;
  /** What it leaves out is not what it was before. */
  readonly isWhole: boolean;
  /** Replicas are not to be made anew for it. */
  readonly inPlace: boolean;
}

type Wished = z.input<typeof WishedSetShape>;

async function change(
  { apps, gate, plan, hold }: Parts,
  scope: Scope,
  { app, set }: z.output<typeof SetParams>,
  { input, isWhole, strategy, cause, readyWithinMs, dryRun, inPlace }: Change,
): Promise<Wished | Problem> {
  for (const [pointer, name] of [
    ['/app', app],
    ['/set', set],
  ] as const) {
    if (isName(name)) continue;
    const detail = `"${name}" cannot be a name: a to z, 0 to 9 and "-", 40 characters at most, beginning with a letter.`;
    return invalid([{ pointer, code: 'bad_name', detail }]);
  }
  const { tenant } = scope;
  const before = apps.library.set(tenant, app, set);
  const read = readSetInput(input);
  if ('faults' in read) return invalid(read.faults);
  const spec = isWhole ? withScaled(before, read.spec) : read.spec;
  const faults = gate.faultsOf(scope, { app, set }, spec, read.pointers);
  if (faults.length > 0) return invalid(faults);
  if (inPlace && !apps.isInPlace(tenant, app, set, spec)) {
    const detail = 'Limits can be raised and lowered while a set runs, but not taken away, and nothing else with them.';
    return new Problem('conflict', { detail, fix: ['PUT the whole set: its replicas are then made anew.'] });
  }
  const asked = () =>
    gate.askedBy({
      key: setKey(tenant, app, set),
      isNewApp: apps.library.app(tenant, app) === null,
      before: apps.library.set(tenant, app, set)?.spec ?? null,
      after: spec,
    });
  return plan.taking(scope, asked, async (taken): Promise<Wished> => {
    if (dryRun) return { ...previewOf(app, set, spec), revision: null };
    const by = scope.principal.id;
    const wish = { tenant, by, app, set, spec, strategy, cause, readyWithinMs };
    const outcome = await apps.putSet(wish, taken);
    await hold({ tenant, app, set, before, after: spec });
    const { deployment } = outcome;
    return {
      ...wishedJson(apps, outcome.set),
      deployment: deployment?.id ?? null,
      operation: deployment?.operation ?? null,
    };
  });
}

function answered(apps: Apps, set: SetRecord | null, before: Wished): Wished {
  return set === null
    ? before
    : { ...wishedJson(apps, set), deployment: before.deployment, operation: before.operation };
}

function previewOf(app: string, name: string, spec: SetSpec): Wished {
  return { name, app, spec: setInputJson(spec), revision: null, shares: [], deployment: null, operation: null };
}

function wishedJson(apps: Apps, set: SetRecord): Wished {
  const moving = apps.deployments.book.movingOf(set.tenant, set.app, set.name);
  return {
    ...previewOf(set.app, set.name, set.spec),
    revision: set.current === null ? null : `r${set.current}`,
    shares: set.shares.map((one) => ({ ...one })),
    deployment: moving?.id ?? null,
    operation: moving?.operation ?? null,
  };
}
