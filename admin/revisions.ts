/** Endpoints of revisions: what can be gone back to, what is in force, and how traffic is split among them. */
import { z } from '@hono/zod-openapi';
import type { SetRecord } from '#apps/app-record';
import type { Apps } from '#apps/apps';
import { STRATEGIES } from '#apps/deployment-record';
import { nearest } from '#core/nearest';
import type { Revision } from '#core/set-spec';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import { OperationShape } from './operation-shapes.ts';
import { ownSet } from './own.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import { type Fault, Problem } from './problem.ts';
import { type ActivationParts, activate } from './revision-activation.ts';
import { RevisionShape, revisionJson } from './revision-shape.ts';
import { pageOf } from './shapes.ts';

const SetParams = z.object({ app: z.string(), set: z.string() });
const RevisionParams = SetParams.extend({ r: z.string() });
const StrategyQuery = z.object({ strategy: z.enum(STRATEGIES).exclude(['member', 'canary']).default('rolling') });

const TrafficShape = z
  .object({
    targets: z.array(z.object({ revision: z.string(), weight: z.number() })),
    match: z.array(
      z.object({
        header: z.string().optional(),
        cookie: z.string().optional(),
        value: z.string(),
        revision: z.string(),
      }),
    ),
    sticky: z.boolean().openapi({ description: 'A visitor stays on the revision that was chosen for him.' }),
  })
  .openapi('Traffic');

const TrafficRequest = z
  .strictObject({
    targets: z
      .array(z.strictObject({ revision: z.string(), weight: z.number().int().min(0).max(1000) }))
      .min(1)
      .max(10),
    match: z
      .array(
        z.strictObject({
          header: z.string().min(1).max(64).optional(),
          cookie: z.string().min(1).max(64).optional(),
          value: z.string().max(256),
          revision: z.string(),
        }),
      )
      .max(50)
      .default([]),
    sticky: z.boolean().default(false),
  })
  .openapi('TrafficRequest');

export function addRevisions(endpoints: Endpoints, parts: ActivationParts): void {
  const { apps } = parts;
  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/sets/{set}/revisions',
      id: 'listRevisions',
      summary: 'Revisions of a set that can be gone back to, the newest first',
      needs: 'read',
      params: SetParams,
      query: PageQuery,
      body: null,
      answer: pageOf(RevisionShape),
      problems: ['not_found'],
    },
    ({ scope, params, query }) => {
      const set = ownSet(apps, scope, params);
      if (set instanceof Problem) return set;
      const all = apps.library.revisions(scope.tenant, params.app, params.set);
      const page = pageOfEntries(all, ({ number }) => String(10 ** 9 - number), query);
      return { ...page, items: page.items.map((one) => revisionJson(set, one)) };
    },
  );

  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/sets/{set}/revisions/{r}',
      id: 'getRevision',
      summary: 'A revision, with its images pinned',
      needs: 'read',
      params: RevisionParams,
      query: NOTHING,
      body: null,
      answer: RevisionShape,
      problems: ['not_found'],
    },
    ({ scope, params }) => {
      const set = ownSet(apps, scope, params);
      if (set instanceof Problem) return set;
      const revision = revisionOf(apps, set, params.r);
      return revision instanceof Problem ? revision : revisionJson(set, revision);
    },
  );

  endpoints.add(
    {
      method: 'post',
      path: '/v1/apps/{app}/sets/{set}/revisions/{r}/activate',
      id: 'activateRevision',
      summary: 'Takes a revision up again; nothing is pulled',
      needs: 'deploy',
      params: RevisionParams,
      query: StrategyQuery,
      body: null,
      answer: OperationShape,
      status: 202,
      problems: ['not_found', 'conflict', 'quota_exceeded'],
    },
    async ({ scope, params, query, headers }) => {
      const set = ownSet(apps, scope, params);
      if (set instanceof Problem) return set;
      const revision = revisionOf(apps, set, params.r);
      if (revision instanceof Problem) return revision;
      return await activate(parts, { scope, set, revision, strategy: query.strategy, headers });
    },
  );
  addRollback(endpoints, parts);
  addTraffic(endpoints, apps);
}

function addRollback(endpoints: Endpoints, parts: ActivationParts): void {
  const { apps } = parts;
  const RollbackRequest = z
    .strictObject({
      set: z.string().optional().openapi({ description: 'Left out: the only set of the app, or its web.' }),
      revision: z
        .string()
        .optional()
        .openapi({ description: 'Left out: the last that proved itself and differs.', example: 'r2' }),
      strategy: StrategyQuery.shape.strategy,
    })
    .openapi('RollbackRequest');
  endpoints.add(
    {
      method: 'post',
      path: '/v1/apps/{app}/rollback',
      id: 'rollbackApp',
      summary: 'Goes back to the last revision that proved itself and differs, or to one that is named',
      needs: 'deploy',
      params: z.object({ app: z.string() }),
      query: NOTHING,
      body: RollbackRequest,
      answer: OperationShape,
      status: 202,
      problems: ['not_found', 'conflict', 'quota_exceeded'],
    },
    async ({ scope, params: { app }, body, headers }) => {
      const sets = apps.library.sets(scope.tenant, app);
      const name = body.set ?? (sets.length === 1 ? sets[0]?.name : 'web') ?? 'web';
      const set = ownSet(apps, scope, { app, set: name });
      if (set instanceof Problem) return set;
      const before = apps.revisions.before(set);
      const revision = body.revision === undefined ? before : revisionOf(apps, set, body.revision);
      if (revision instanceof Problem) return revision;
      if (revision === null) {
        return new Problem('conflict', {
          detail: `The set "${name}" has no revision before that proved itself and runs anything else.`,
          fix: ['Name the revision to go back to.'],
        });
      }
      return await activate(parts, { scope, set, revision, strategy: body.strategy, headers });
    },
  );
}

function addTraffic(endpoints: Endpoints, apps: Apps): void {
  const path = '/v1/apps/{app}/sets/{set}/traffic';
  endpoints.add(
    {
      method: 'get',
      path,
      id: 'getTraffic',
      summary: 'How the traffic of a set is split among its revisions',
      needs: 'read',
      params: SetParams,
      query: NOTHING,
      body: null,
      answer: TrafficShape,
      problems: ['not_found'],
    },
    ({ scope, params }) => {
      const set = ownSet(apps, scope, params);
      return set instanceof Problem ? set : trafficJson(set);
    },
  );

  endpoints.add(
    {
      method: 'put',
      path,
      id: 'putTraffic',
      summary: 'Splits the traffic of a set among revisions, until somebody says otherwise',
      needs: 'deploy',
      params: SetParams,
      query: NOTHING,
      body: TrafficRequest,
      answer: TrafficShape,
      problems: ['not_found', 'conflict'],
    },
    async ({ scope, params, body }) => {
      const set = ownSet(apps, scope, params);
      if (set instanceof Problem) return set;
      if (apps.deployments.isMoving(scope.tenant, params.app, params.set)) {
        return new Problem('conflict', {
          detail: 'A deployment moves the traffic of this set.',
          fix: ['Wait for its end, or cancel it.'],
        });
      }
      const faults: Fault[] = [];
      const shareOf = (name: string, pointer: string): string => {
        const found = revisionOf(apps, set, name);
        if (!(found instanceof Problem)) return found.share;
        faults.push({ pointer, code: 'unknown', detail: `The set has no revision "${name}".` });
        return name;
      };
      const shares = body.targets.map(({ revision, weight }, i) => ({
        ...{ revision: shareOf(revision, `/targets/${i}/revision`), weight, replicas: null, held: false },
      }));
      const names = shares.map((one) => one.revision);
      if (new Set(names).size < names.length) {
        faults.push({ pointer: '/targets', code: 'repeated', detail: 'Two targets have the same replicas.' });
      }
      if (shares.every((one) => one.weight === 0)) {
        faults.push({ pointer: '/targets', code: 'bad_value', detail: 'One target at least needs a weight above 0.' });
      }
      const matches = body.match.map(({ header, cookie, value, revision }, i) => {
        if ((header === undefined) === (cookie === undefined)) {
          faults.push({ pointer: `/match/${i}`, code: 'bad_value', detail: 'A match names a header or a cookie.' });
        }
        const share = shareOf(revision, `/match/${i}/revision`);
        if (!names.includes(share)) {
          faults.push({
            pointer: `/match/${i}/revision`,
            code: 'unknown',
            detail: `"${revision}" is not among the targets.`,
          });
        }
        const kind = header === undefined ? ('cookie' as const) : ('header' as const);
        return { kind, name: header?.toLowerCase() ?? cookie ?? '', value, revision: share };
      });
      if (faults.length > 0) return invalid(faults);
      const routing = matches.length === 0 && !body.sticky ? null : { matches, sticky: body.sticky };
      const asker = { tenant: scope.tenant, by: scope.principal.id };
      return trafficJson(await apps.revisions.setTraffic(asker, set, shares, routing));
    },
  );
}

function trafficJson({ shares, routing }: SetRecord): z.input<typeof TrafficShape> {
  return {
    targets: shares.map(({ revision, weight }) => ({ revision, weight })),
    match: (routing?.matches ?? []).map(({ kind, name, value, revision }) => ({ [kind]: name, value, revision })),
    sticky: routing?.sticky ?? false,
  };
}

function revisionOf(apps: Apps, set: SetRecord, name: string): Revision | Problem {
  const all = apps.library.revisions(set.tenant, set.app, set.name);
  const found = all.find((one) => one.name === name || String(one.number) === name);
  if (found !== undefined) return found;
  const meant = nearest(
    name,
    all.map((one) => one.name),
  );
  return new Problem('not_found', {
    detail: `The set "${set.name}" has no revision "${name}" that could be gone back to.`,
    fix: meant === null ? [] : [`Did you mean "${meant}"?`],
  });
}
