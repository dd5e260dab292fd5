/** Endpoints of tenants, for operators: who shares this Tidegate, on which plan, and whether they may change anything. */
import { z } from '@hono/zod-openapi';
import { isName } from '#core/name';
import { DEFAULT_PLAN } from '#tenants/plan';
import { DEFAULT_TENANT, TENANT_STATES, type Tenant } from '#tenants/tenant-directory';
import { Done, etagOf, unmet } from './answer.ts';
import { type Endpoints, invalid, NOTHING } from './endpoint.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import { TenantShape, tenantJson } from './plan-shapes.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { pageOf } from './shapes.ts';

const LIST = '/v1/tenants';
const ONE = `${LIST}/{tenant}`;
const TenantParams = z.object({ tenant: z.string() });

const NewTenant = z
  .strictObject({
    name: z.string().openapi({ example: 'acme' }),
    plan: z.string().default(DEFAULT_PLAN),
    state: z.enum(TENANT_STATES).default('active'),
  })
  .openapi('NewTenant');

const TenantPatch = z
  .strictObject({ plan: z.string().optional(), state: z.enum(TENANT_STATES).optional() })
  .openapi('TenantPatch');

export function addTenants(endpoints: Endpoints, { tenancy, logs, apps, clock }: AdminPorts): void {
  const directory = tenancy?.tenants;
  const needs = 'operator';

  endpoints.add(
    {
      method: 'get',
      path: LIST,
      id: 'listTenants',
      summary: 'Tenants, by name',
      needs,
      params: NOTHING,
      query: PageQuery,
      body: null,
      answer: pageOf(TenantShape),
      problems: ['unavailable'],
    },
    ({ query }) => {
      if (directory === undefined) return absent();
      const page = pageOfEntries(directory.tenants(), ({ name }) => name, query);
      return { ...page, items: page.items.map(tenantJson) };
    },
  );

  endpoints.add(
    {
      method: 'post',
      path: LIST,
      id: 'createTenant',
      summary: 'Makes a tenant',
      needs,
      params: NOTHING,
      query: NOTHING,
      body: NewTenant,
      answer: TenantShape,
      status: 201,
      versioned: true,
      problems: ['conflict', 'unavailable'],
    },
    async ({ body }) => {
      if (directory === undefined) return absent();
      const { name, plan, state } = body;
      if (!isName(name)) return badName();
      if (directory.plan(plan) === null) return noPlan(plan);
      const made = await directory.add(name, { plan, state }, clock.wall());
      if (made !== null) return found(made);
      const detail = `There is a tenant "${name}" already.`;
      return new Problem('conflict', { detail, fix: [`PATCH ${LIST}/${name} changes its plan or state.`] });
    },
  );

  const one = { params: TenantParams, query: NOTHING, needs } as const;

  endpoints.add(
    {
      ...one,
      method: 'get',
      path: ONE,
      id: 'getTenant',
      summary: 'A tenant',
      body: null,
      answer: TenantShape,
      versioned: true,
      problems: ['not_found', 'unavailable'],
    },
    ({ params }) => {
      if (directory === undefined) return absent();
      const tenant = directory.tenant(params.tenant);
      return tenant === null ? missing(params.tenant) : found(tenant);
    },
  );

  endpoints.add(
    {
      ...one,
      method: 'patch',
      path: ONE,
      id: 'patchTenant',
      summary: 'Puts a tenant on another plan, suspends it, or lets it go on',
      body: TenantPatch,
      answer: TenantShape,
      versioned: true,
      problems: ['not_found', 'unavailable'],
    },
    async ({ params, body, headers }) => {
      if (directory === undefined) return absent();
      const before = directory.tenant(params.tenant);
      if (before === null) return missing(params.tenant);
      const problem = unmet(headers, etagOf(tenantJson(before)));
      if (problem !== null) return problem;
      const { plan = before.plan, state = before.state } = body;
      if (directory.plan(plan) === null) return noPlan(plan);
      const after = await directory.change(before.name, { plan, state });
      return after === null ? missing(params.tenant) : found(after);
    },
  );

  endpoints.add(
    {
      ...one,
      method: 'delete',
      path: ONE,
      id: 'removeTenant',
      summary: 'Removes a tenant without apps, and its tokens with it',
      body: null,
      answer: NOTHING,
      status: 204,
      versioned: true,
      problems: ['not_found', 'conflict', 'unavailable'],
    },
    async ({ params, headers }) => {
      if (tenancy === undefined || directory === undefined) return absent();
      const { tenant: name } = params;
      const tenant = directory.tenant(name);
      if (tenant === null) return missing(name);
      const problem = unmet(headers, etagOf(tenantJson(tenant)));
      if (problem !== null) return problem;
      if (name === DEFAULT_TENANT) {
        return new Problem('conflict', { detail: 'The tenant "default" is always there.' });
      }
      const answer = await removed(name, tenancy, apps);
      if (answer instanceof Problem) return answer;
      // Whoever is called so next is somebody else.
      await logs?.dropTenant(name);
      return answer;
    },
  );
}

async function removed(
  name: string,
  { tenants, tokens, quotas }: NonNullable<AdminPorts['tenancy']>,
  apps: AdminPorts['apps'],
) {
  return quotas.inTurn(name, async () => {
    if ((await quotas.used(name)).apps > 0) {
      const detail = `The tenant "${name}" has apps.`;
      return new Problem('conflict', { detail, fix: ['DELETE its apps first, or PATCH its state to "suspended".'] });
    }
    await tenants.remove(name, [...tokens.dropsOf(name), ...(apps?.registries.dropsOf(name) ?? [])]);
    tokens.forgetTenant(name);
    apps?.registries.forgetTenant(name);
    return {};
  });
}

function found(tenant: Tenant) {
  const value = tenantJson(tenant);
  return new Done(value, { location: `${LIST}/${tenant.name}`, etag: etagOf(value) });
}

function badName(): Problem {
  const detail = 'A name has up to 40 lower-case letters, digits and hyphens, and begins with a letter.';
  return invalid([{ pointer: '/name', code: 'bad_name', detail }]);
}

function noPlan(plan: string): Problem {
  const detail = `There is no plan "${plan}".`;
  return invalid([{ pointer: '/plan', code: 'unknown', detail }], ['GET /v1/plans lists them; PUT makes one.']);
}

function missing(name: string): Problem {
  return new Problem('not_found', { detail: `There is no tenant "${name}".`, fix: [`GET ${LIST} lists them.`] });
}

function absent(): Problem {
  return new Problem('unavailable', { detail: 'Nobody keeps tenants here.' });
}
