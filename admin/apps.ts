/** Endpoints of apps and sets: what is discovered, how it is scaled, and leases that keep it awake. */
import { z } from '@hono/zod-openapi';
import { amountsBetween } from '#apps/amounts';
import { formatDuration, parseDuration } from '#core/duration';
import { NO_OVERRIDE, scaleTarget } from '#scaler/scale-target';
import { seesApp } from './access.ts';
import { Done, etagOf, unmet } from './answer.ts';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import type { KnownSets } from './known-sets.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import { PlanGate } from './plan-gate.ts';
import type { AdminPorts, ScaleSetting } from './ports.ts';
import { Problem } from './problem.ts';
import { faultsOfWish, isEmptyWish, mergedWish, ScaleChange } from './scale-change.ts';
import { AppShape, LeaseShape, pageOf, ScaleShape, SetShape } from './shapes.ts';
import { appJson, type KnownSet, scaleJson, setJson } from './views.ts';

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
      problems: ['not_found'],
    },
    ({ scope, params }) => {
      const set = known.set(scope.tenant, params.app, params.set);
      return set instanceof Problem ? set : setJson(set);
    },
  );

  addScale(endpoints, known, ports);
  addLease(endpoints, known, ports);
}

function addScale(endpoints: Endpoints, known: KnownSets, ports: AdminPorts): void {
  const plan = new PlanGate(ports);
  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/sets/{set}/scale',
      id: 'getScale',
      summary: 'The scale of a set: in force, asked for, and of the labels',
      needs: 'read',
      params: SetParams,
      query: NOTHING,
      body: null,
      answer: ScaleShape,
      versioned: true,
      problems: ['not_found'],
    },
    ({ scope, params }) => scaleOf(known.set(scope.tenant, params.app, params.set)),
  );

  endpoints.add(
    {
      method: 'put',
      path: '/v1/apps/{app}/sets/{set}/scale',
      id: 'putScale',
      summary: 'Changes the scale of a set, beside its labels and for good',
      needs: 'deploy',
      params: SetParams,
      query: NOTHING,
      body: ScaleChange,
      answer: ScaleShape,
      versioned: true,
      dryRun: true,
      problems: ['not_found', 'quota_exceeded'],
    },
    async ({ scope, params, body, headers, dryRun }) => {
      const { tenant, principal } = scope;
      const set = known.set(tenant, params.app, params.set);
      if (set instanceof Problem) return set;
      const changed = unmet(headers, scaleTag(set));
      if (changed !== null) return changed;
      const wish = mergedWish(set.setting, body);
      const faults = faultsOfWish(wish, set.snapshot);
      if (faults.length > 0) return invalid(faults);
      const setting = isEmptyWish(wish) ? null : { ...wish, by: principal.id, at: ports.clock.wall() };
      if (dryRun) return scaleOf(wouldBe(set, setting));
      const { key } = set.snapshot;
      const spec = ports.apps?.library.set(tenant, params.app, params.set)?.spec ?? null;
      const change = (): Promise<void> => ports.scaling.change(key, setting);
      // What is found by labels is its operator's, and no plan counts it.
      if (spec === null) await change();
      else {
        const asked = () => amountsBetween(spec, ports.scaling.setting(key), setting);
        const refused = await plan.taking(scope, asked, change);
        if (refused instanceof Problem) return refused;
      }
      ports.record({
        type: 'set.scaled',
        tenant,
        app: params.app,
        set: params.set,
        cause: setting === null ? `${principal.id} went back to the labels` : `${principal.id} asked for it`,
        data: { ...wish },
      });
      return scaleOf(known.set(tenant, params.app, params.set));
    },
  );
}

function scaleOf(set: KnownSet | Problem) {
  return set instanceof Problem ? set : new Done(scaleJson(set), { etag: scaleTag(set) });
}

/** Of what people and labels ask for; how many replicas are ready changes by itself. */
function scaleTag(set: KnownSet): string {
  const { override, labels } = scaleJson(set);
  return etagOf({ override, labels });
}

/** The set as it would be with another setting. */
function wouldBe(set: KnownSet, setting: ScaleSetting | null): KnownSet {
  const { policy, replicas } = set.snapshot;
  const target = scaleTarget({
    class: policy.class,
    policy: policy.scale,
    override: setting ?? NO_OVERRIDE,
    made: replicas.filter((one) => one.cloneOf === null).length,
    desired: set.live?.scaling?.desired ?? null,
    scheduled: 0,
  });
  return { ...set, setting, live: set.live === null ? null : { ...set.live, target } };
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
    ({ scope, params, body }) => {
      const sets = known.app(scope.tenant, params.app);
      if (sets instanceof Problem) return sets;
      const ttlMs = typeof body.ttl === 'number' ? body.ttl * 1000 : parseDuration(body.ttl);
      if (ttlMs === null || ttlMs <= 0 || ttlMs > LEASE_MAX_MS) {
        const limit = formatDuration(LEASE_MAX_MS);
        const detail = `ttl is a duration such as 30s, 10m or 1h, longer than 0 and at most ${limit}.`;
        return invalid([{ pointer: '/ttl', code: 'bad_duration', detail }]);
      }
      if (!ports.scaling.lease(scope.tenant, params.app, ttlMs)) {
        return new Problem('not_found', { detail: `The app "${params.app}" has just gone.` });
      }
      const until = new Date(ports.clock.wall() + ttlMs).toISOString();
      return { app: params.app, ttl: formatDuration(ttlMs), until };
    },
  );
}
