/** Endpoints of plans, for operators: how much tenants may have, and what their sets may ask of a host. */
import { z } from '@hono/zod-openapi';
import { isName } from '#core/name';
import type { Plan } from '#tenants/plan';
import { Done, etagOf, unmet } from './answer.ts';
import { type Endpoints, invalid, NOTHING } from './endpoint.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import { isBuiltIn, NewPlan, PlanShape, PlanWish, planJson, planOf } from './plan-shapes.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { pageOf } from './shapes.ts';

const LIST = '/v1/plans';
const ONE = `${LIST}/{plan}`;
const PlanParams = z.object({ plan: z.string() });

export function addPlans(endpoints: Endpoints, { tenancy }: AdminPorts): void {
  const directory = tenancy?.tenants;
  const needs = 'operator';

  endpoints.add(
    {
      method: 'get',
      path: LIST,
      id: 'listPlans',
      summary: 'Plans, by name',
      needs,
      params: NOTHING,
      query: PageQuery,
      body: null,
      answer: pageOf(PlanShape),
      problems: ['unavailable'],
    },
    ({ query }) => {
      if (directory === undefined) return absent();
      const page = pageOfEntries(directory.plans(), ({ name }) => name, query);
      return { ...page, items: page.items.map(planJson) };
    },
  );

  endpoints.add(
    {
      method: 'post',
      path: LIST,
      id: 'createPlan',
      summary: 'Makes a plan',
      needs,
      params: NOTHING,
      query: NOTHING,
      body: NewPlan,
      answer: PlanShape,
      status: 201,
      versioned: true,
      problems: ['conflict', 'unavailable'],
    },
    async ({ body: { name, ...wish } }) => {
      if (directory === undefined) return absent();
      if (directory.plan(name) !== null) {
        return new Problem('conflict', { detail: `There is a plan "${name}" already.`, fix: [`PUT ${LIST}/${name}`] });
      }
      const plan = named(name, wish);
      if (plan instanceof Problem) return plan;
      await directory.putPlan(plan);
      return found(plan);
    },
  );

  const one = { params: PlanParams, query: NOTHING, needs, versioned: true } as const;

  endpoints.add(
    {
      ...one,
      method: 'get',
      path: ONE,
      id: 'getPlan',
      summary: 'A plan',
      body: null,
      answer: PlanShape,
      problems: ['not_found', 'unavailable'],
    },
    ({ params }) => {
      if (directory === undefined) return absent();
      const plan = directory.plan(params.plan);
      return plan === null ? missing(params.plan) : found(plan);
    },
  );

  endpoints.add(
    {
      ...one,
      method: 'put',
      path: ONE,
      id: 'putPlan',
      summary: 'Makes a plan, or changes it for all tenants that have it; what they have already stays theirs',
      body: PlanWish,
      answer: PlanShape,
      problems: ['conflict', 'unavailable'],
    },
    async ({ params, body, headers }) => {
      if (directory === undefined) return absent();
      const before = directory.plan(params.plan);
      const problem = before === null ? null : unmet(headers, etagOf(planJson(before)));
      if (problem !== null) return problem;
      if (isBuiltIn(params.plan)) return fixed(params.plan);
      const plan = named(params.plan, body);
      if (plan instanceof Problem) return plan;
      await directory.putPlan(plan);
      return found(plan);
    },
  );

  endpoints.add(
    {
      ...one,
      method: 'delete',
      path: ONE,
      id: 'removePlan',
      summary: 'Removes a plan that no tenant has',
      body: null,
      answer: NOTHING,
      status: 204,
      problems: ['not_found', 'conflict', 'unavailable'],
    },
    async ({ params, headers }) => {
      if (directory === undefined) return absent();
      const plan = directory.plan(params.plan);
      if (plan === null) return missing(params.plan);
      const problem = unmet(headers, etagOf(planJson(plan)));
      if (problem !== null) return problem;
      if (isBuiltIn(plan.name)) return fixed(plan.name);
      const holders = directory.tenants().filter((tenant) => tenant.plan === plan.name);
      if (holders.length > 0) {
        const detail = `${holders.length} tenants have the plan "${plan.name}", "${holders[0]?.name}" among them.`;
        return new Problem('conflict', { detail, fix: ['PATCH /v1/tenants/{tenant} puts them on another one.'] });
      }
      await directory.removePlan(plan.name);
      return {};
    },
  );
}

function named(name: string, wish: z.output<typeof PlanWish>): Plan | Problem {
  if (!isName(name)) {
    const detail = 'A name has up to 40 lower-case letters, digits and hyphens, and begins with a letter.';
    return invalid([{ pointer: '/name', code: 'bad_name', detail }]);
  }
  const plan = planOf(name, wish);
  return 'name' in plan ? plan : invalid(plan);
}

function found(plan: Plan) {
  const value = planJson(plan);
  return new Done(value, { location: `${LIST}/${plan.name}`, etag: etagOf(value) });
}

function fixed(name: string): Problem {
  return new Problem('conflict', {
    detail: `The plan "${name}" is built in, and stays as it is.`,
    fix: ['PUT a plan of another name, and PATCH tenants onto it.'],
  });
}

function missing(name: string): Problem {
  return new Problem('not_found', { detail: `There is no plan "${name}".`, fix: [`GET ${LIST} lists them.`] });
}

function absent(): Problem {
  return new Problem('unavailable', { detail: 'Nobody keeps plans here.' });
}
