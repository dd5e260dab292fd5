/** Endpoints of apps and sets: what is discovered, and leases that keep it awake. */
import { z } from '@hono/zod-openapi';
import { formatDuration, parseDuration } from '#core/duration';
import { seesApp } from './access.ts';
import { Done } from './answer.ts';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import type { KnownSets } from './known-sets.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { tagOfSet } from './set-tag.ts';
import { AppShape, LeaseShape, pageOf, SetShape } from './shapes.ts';
import { appJson, setJson } from './views.ts';

const LEASE_MAX_MS = 86_400_000;

const AppParams = z.object({ app: z.string() });
const SetParams = z.object({ app: z.string(), set: z.string() });

const LeaseRequest = z
  .strictObject({
    ttl: z
      .union([z.string(), z.number().int()])
      .openapi({ description: 'How long: `30s`, `10m`, `1h`; a bare number is seconds. At most 24h.', example: '10m' }),
  })
  .openapi('LeaseRequest');

export function addApps(endpoints: Endpoints, known: KnownSets, ports: AdminPorts): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps',
      id: 'listApps',
      summary: 'Apps of the tenant, by name',
      needs: 'read',
      filtered: true,
      params: NOTHING,
      query: PageQuery,
      body: null,
      answer: pageOf(AppShape),
    },
    ({ scope, query }) => {
      const seen = [...known.apps(scope.tenant)].filter(([name]) => seesApp(scope, name));
      const page = pageOfEntries(seen, ([name]) => name, query);
      return { ...page, items: page.items.map(([name, sets]) => appJson(name, scope.tenant, sets)) };
    },
  );

  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}',
      id: 'getApp',
      summary: 'An app and the state of its sets',
      needs: 'read',
      params: AppParams,
      query: NOTHING,
      body: null,
      answer: AppShape,
      problems: ['not_found'],
    },
    ({ scope, params }) => {
      const sets = known.app(scope.tenant, params.app);
      return sets instanceof Problem ? sets : appJson(params.app, scope.tenant, sets);
    },
  );

  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/sets',
      id: 'listSets',
      summary: 'Sets of an app, by name',
      needs: 'read',
      params: AppParams,
      query: PageQuery,
      body: null,
      answer: pageOf(SetShape),
      problems: ['not_found'],
    },
    ({ scope, params, query }) => {
      const sets = known.app(scope.tenant, params.app);
      if (sets instanceof Problem) return sets;
      const page = pageOfEntries(sets, ({ snapshot }) => snapshot.set, query);
      return { ...page, items: page.items.map(setJson) };
    },
  );

  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/sets/{set}',
      id: 'getSet',
      summary: 'A set: policy, routes, scale, and replicas with their state',
      needs: 'read',
      params: SetParams,
      query: NOTHING,
      body: null,
      answer: SetShape,
      versioned: true,
      problems: ['not_found'],
    },
    ({ scope, params }) => {
      const set = known.set(scope.tenant, params.app, params.set);
      return set instanceof Problem ? set : new Done(setJson(set), { etag: tagOfSet(set.snapshot, set.made) });
    },
  );

  addLease(endpoints, known, ports);
}

function addLease(endpoints: Endpoints, known: KnownSets, ports: AdminPorts): void {
  endpoints.add(
    {
      method: 'post',
      path: '/v1/apps/{app}/lease',
      id: 'leaseApp',
      summary: 'Keeps every set of an app awake for a while, traffic or not',
      needs: 'deploy',
      params: AppParams,
      query: NOTHING,
      body: LeaseRequest,
      answer: LeaseShape,
      problems: ['not_found'],
    },
    async ({ scope, params, body }) => {
      const sets = known.app(scope.tenant, params.app);
      if (sets instanceof Problem) return sets;
      const ttlMs = typeof body.ttl === 'number' ? body.ttl * 1000 : parseDuration(body.ttl);
      if (ttlMs === null || ttlMs <= 0 || ttlMs > LEASE_MAX_MS) {
        const limit = formatDuration(LEASE_MAX_MS);
        const detail = `ttl is a duration such as 30s, 10m or 1h, longer than 0 and at most ${limit}.`;
        return invalid([{ pointer: '/ttl', code: 'bad_duration', detail }]);
      }
      if (!(await ports.scaling.lease(scope.tenant, params.app, ttlMs))) {
        return new Problem('not_found', { detail: `The app "${params.app}" has just gone.` });
      }
      const until = new Date(ports.clock.wall() + ttlMs).toISOString();
      return { app: params.app, ttl: formatDuration(ttlMs), until };
    },
  );
}
