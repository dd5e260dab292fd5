/** Tenants, plans and usage as the API takes and shows them. */
import { z } from '@hono/zod-openapi';
import { parseBytes } from '#core/bytes';
import {
  ALLOWANCES,
  type Allowance,
  type Amounts,
  BUILT_IN_PLANS,
  type Limits,
  NO_LIMITS,
  NO_WAKE_LIMITS,
  ORDINARY,
  type Plan,
  QUOTA_RESOURCES,
  type QuotaResource,
} from '#tenants/plan';
import { TENANT_STATES, type Tenant } from '#tenants/tenant-directory';
import type { Fault } from './problem.ts';
import { timeOf } from './time.ts';

/** As much as any count may be: nothing is rounded below it. */
const MOST = Number.MAX_SAFE_INTEGER;

const amount = z.number().min(0).max(MOST).nullable();
const whole = z.number().int().min(0).max(MOST).nullable();

/** One schema a resource. */
function each<T extends z.ZodType>(schemaOf: (resource: QuotaResource) => T): Record<QuotaResource, T> {
  return Object.fromEntries(QUOTA_RESOURCES.map((one) => [one, schemaOf(one)])) as Record<QuotaResource, T>;
}

function eachAllowance<T extends z.ZodType>(schema: T): Record<Allowance, T> {
  return Object.fromEntries(ALLOWANCES.map((one) => [one, schema])) as Record<Allowance, T>;
}

const LimitsShape = z.object(each(() => amount)).openapi('Limits', {
  description: 'How much there may be; null: as much as there is. `cpu` in cores, `memory` in bytes.',
});
const AllowancesShape = z.object(eachAllowance(z.boolean())).openapi('Allowances', {
  description: 'What sets may ask of a host beyond an ordinary container.',
});

const wakeLimit = z.number().int().min(1).max(MOST).nullable();
const WakesShape = z.object({ per_minute: wakeLimit, at_once: wakeLimit }).openapi('WakeLimits', {
  description: 'How many sleeping sets may be started in a minute and at a time; null: as many as the machine takes.',
});

const limitWishes = {
  wakes: z
    .strictObject({ per_minute: wakeLimit.optional(), at_once: wakeLimit.optional() })
    .default({})
    .openapi({ description: 'What is left out is not limited.' }),
  limits: z
    .strictObject({
      ...each(() => whole.optional()),
      cpu: amount.optional(),
      memory: z.union([whole, z.string()]).optional().openapi({ example: '4Gi' }),
    })
    .default({})
    .openapi({ description: 'What is left out is not limited.' }),
  allowances: z
    .strictObject(eachAllowance(z.boolean().optional()))
    .default({})
    .openapi({ description: 'What is left out is as for an ordinary tenant.' }),
};

export const PlanWish = z.strictObject(limitWishes).openapi('PlanWish');
export const NewPlan = z.strictObject({ name: z.string(), ...limitWishes }).openapi('NewPlan');

export const PlanShape = z
  .object({
    name: z.string(),
    limits: LimitsShape,
    allowances: AllowancesShape,
    wakes: WakesShape,
    built_in: z.boolean().openapi({ description: 'It is always there, and stays as it is.' }),
  })
  .openapi('Plan');

export const TenantShape = z
  .object({
    name: z.string(),
    plan: z.string(),
    state: z
      .enum(TENANT_STATES)
      .openapi({ description: '`suspended`: its tokens read and do nothing else; its traffic is served.' }),
    created_at: z.string().nullable().openapi({ description: 'Null: it has always been there.' }),
  })
  .openapi('Tenant');

export const UsageShape = z
  .object({
    tenant: z.string(),
    plan: z.string().nullable(),
    used: z.object(each(() => z.number())),
    limits: LimitsShape,
    allowances: AllowancesShape,
  })
  .openapi('Usage');

export function isBuiltIn(plan: string): boolean {
  return BUILT_IN_PLANS.some(({ name }) => name === plan);
}

export function planJson({ name, limits, allowances, wakes }: Plan): z.input<typeof PlanShape> {
  const { perMinute, atOnce } = wakes ?? NO_WAKE_LIMITS;
  return {
    name,
    limits: { ...limits },
    allowances: { ...allowances },
    wakes: { per_minute: perMinute, at_once: atOnce },
    built_in: isBuiltIn(name),
  };
}

export function tenantJson({ name, plan, state, createdAt }: Tenant): z.input<typeof TenantShape> {
  return { name, plan, state, created_at: timeOf(createdAt) };
}

export interface UsageFacts {
  readonly tenant: string;
  readonly plan: Plan | null;
  readonly used: Amounts;
}

/** @param plan null: a tenant of labels alone, which no plan limits */
export function usageJson({ tenant, plan, used }: UsageFacts): z.input<typeof UsageShape> {
  const limits = { ...(plan?.limits ?? NO_LIMITS) };
  return {
    tenant,
    plan: plan?.name ?? null,
    used: { ...used },
    limits,
    allowances: { ...(plan?.allowances ?? ORDINARY) },
  };
}

/** The plan that is asked for, or what is wrong with it. */
export function planOf(
  name: string,
  { limits, allowances, wakes }: z.output<typeof PlanWish>,
): Plan | readonly Fault[] {
  const { memory: written = null } = limits;
  const memory = typeof written === 'string' ? parseBytes(written) : written;
  if (written !== null && memory === null) {
    return [
      { pointer: '/limits/memory', code: 'bad_size', detail: 'memory is a size such as 512Mi or 4Gi, or bytes.' },
    ];
  }
  const asked: Limits = { ...NO_LIMITS, ...defined(limits), memory };
  return {
    name,
    limits: asked,
    allowances: { ...ORDINARY, ...defined(allowances) },
    wakes: { perMinute: wakes.per_minute ?? null, atOnce: wakes.at_once ?? null },
  };
}

function defined<T extends object>(wish: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined)) as never;
}
