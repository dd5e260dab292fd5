/** Endpoints of revisions: what can be gone back to, what is in force, and how traffic is split among them. */
import { z } from '@hono/zod-openapi';
import type { SetRecord } from '#apps/app-record';
import type { Apps } from '#apps/apps';
import { STRATEGIES } from '#apps/deployment-record';
import { nearest } from '#core/nearest';
import type { Revision } from '#core/set-spec';
import { Done, unmet } from './answer.ts';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import { OperationShape } from './operation-shapes.ts';
import { ownSet } from './own.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import { Problem } from './problem.ts';
import { type ActivationParts, activate } from './revision-activation.ts';
import { RevisionShape, revisionJson } from './revision-shape.ts';
import { inTurnOf } from './set-turns.ts';
import { pageOf } from './shapes.ts';
import { readTraffic, TrafficRequest, TrafficShape, trafficJson, trafficTag } from './traffic-split.ts';

const SetParams = z.object({ app: z.string(), set: z.string() });
const RevisionParams = SetParams.extend({ r: z.string() });
const StrategyQuery = z.object({ strategy: z.enum(STRATEGIES).exclude(['member', 'canary']).default('rolling') });

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
      versioned: true,
      problems: ['not_found'],
    },
    ({ scope, params }) => {
      const set = ownSet(apps, scope, params);
      return set instanceof Problem ? set : new Done(trafficJson(set), { etag: trafficTag(set) });
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
      versioned: true,
      problems: ['not_found', 'conflict', 'precondition_failed'],
    },
    async ({ scope, params, body, headers }) => {
      const { tenant, principal } = scope;
      // No deployment begins between what is looked at here and what is kept.
      return await inTurnOf(apps, { tenant, app: params.app, sets: [params.set] }, async () => {
        const set = ownSet(apps, scope, params);
        if (set instanceof Problem) return set;
        const changed = unmet(headers, trafficTag(set));
        if (changed !== null) return changed;
        if (apps.deployments.book.isMoving(tenant, params.app, params.set)) {
          return new Problem('conflict', {
            detail: 'A deployment moves the traffic of this set.',
            fix: ['Wait for its end, or cancel it.'],
          });
        }
        const split = readTraffic(body, apps.library.revisions(tenant, params.app, params.set));
        if ('faults' in split) return invalid(split.faults);
        const asker = { tenant, by: principal.id };
        const kept = await apps.revisions.setTraffic(asker, set, split.shares, split.routing);
        if (kept === null) return ownSet(apps, scope, params) as Problem;
        return new Done(trafficJson(kept), { etag: trafficTag(kept) });
      });
    },
  );
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
