/**
 * Tenants and plans. All of them are held in memory as they are kept; `default` and the built-in plans are there without
 * being kept. A tenant goes only when it has no app, and its tokens go with it.
 */
import { isTidegateError, TidegateError } from '#core/errors';
import type { DocumentChange, Store } from '#store/store';
import {
  type Allowances,
  BUILT_IN_PLANS,
  DEFAULT_PLAN,
  type Limits,
  NO_WAKE_LIMITS,
  NOTHING_USED,
  ORDINARY,
  type Plan,
  type WakeLimits,
} from './plan.ts';
import { USAGE_KIND } from './quotas.ts';

const TENANT_KIND = 'tenant';
const PLAN_KIND = 'plan';
export const DEFAULT_TENANT = 'default';

export const TENANT_STATES = ['active', 'suspended'] as const;
export type TenantState = (typeof TENANT_STATES)[number];

export interface Tenant {
  readonly name: string;
  readonly plan: string;
  /** `suspended`: its tokens read and do nothing else; its traffic is served. */
  readonly state: TenantState;
  /** Ms since the epoch; null: it has always been there. */
  readonly createdAt: number | null;
}

export type TenantWish = Pick<Tenant, 'plan' | 'state'>;

export class TenantDirectory {
  readonly #store: Pick<Store, 'documents' | 'document' | 'changeDocuments' | 'putDocument' | 'dropDocument'>;
  readonly #tenants = new Map<string, Tenant>();
  readonly #plans = new Map<string, Plan>(BUILT_IN_PLANS.map((plan) => [plan.name, plan]));

  private constructor(store: Store) {
    this.#store = store;
    this.#tenants.set(DEFAULT_TENANT, { name: DEFAULT_TENANT, plan: DEFAULT_PLAN, state: 'active', createdAt: null });
  }

  /** @throws TidegateError `store.…` */
  static async open(store: Store): Promise<TenantDirectory> {
    const directory = new TenantDirectory(store);
    for (const { id, body } of await store.documents(PLAN_KIND)) directory.#plans.set(id, body as Plan);
    for (const { id, body } of await store.documents(TENANT_KIND)) directory.#tenants.set(id, body as Tenant);
    return directory;
  }

  tenants(): readonly Tenant[] {
    return [...this.#tenants.values()];
  }

  tenant(name: string): Tenant | null {
    return this.#tenants.get(name) ?? null;
  }

  plans(): readonly Plan[] {
    return [...this.#plans.values()];
  }

  plan(name: string): Plan | null {
    return this.#plans.get(name) ?? null;
  }

  /** @throws TidegateError `tenants.unknown` */
  limitsOf(tenant: string): Limits {
    return this.#planOf(tenant).limits;
  }

  /** What sets of the tenant may ask of a host. @throws TidegateError `tenants.unknown` */
  allowancesOf(tenant: string): Allowances {
    return this.#planOf(tenant).allowances;
  }

  /** How many sleeping sets of it may be started; one that labels alone name has no limits. */
  wakesOf(tenant: string): WakeLimits {
    return this.#tenants.has(tenant) ? (this.#planOf(tenant).wakes ?? NO_WAKE_LIMITS) : NO_WAKE_LIMITS;
  }

  /** Null: there is one already. @param now ms since the epoch */
  async add(name: string, wish: TenantWish, now: number): Promise<Tenant | null> {
    if (this.#tenants.has(name)) return null;
    const tenant: Tenant = { name, ...wish, createdAt: now };
    try {
      await this.#store.changeDocuments([
        { kind: TENANT_KIND, id: name, expected: null, body: tenant },
        // There from the beginning, so that whatever is counted after the tenant has gone is in conflict with that.
        { kind: USAGE_KIND, id: name, body: NOTHING_USED },
      ]);
    } catch (error) {
      if (isTidegateError(error, 'store.conflict')) return null;
      throw error;
    }
    this.#tenants.set(name, tenant);
    return tenant;
  }

  /** Null: there is none. */
  async change(name: string, wish: Partial<TenantWish>): Promise<Tenant | null> {
    const before = this.#tenants.get(name);
    if (before === undefined) return null;
    const tenant = { ...before, ...wish };
    await this.#store.putDocument(TENANT_KIND, name, tenant);
    this.#tenants.set(name, tenant);
    return tenant;
  }

  /**
   * Removes a tenant that has no apps, with what is given.
   * @throws TidegateError `store.conflict` when it got something at this moment
   */
  async remove(name: string, drops: readonly DocumentChange[]): Promise<void> {
    const usage = await this.#store.document(USAGE_KIND, name);
    await this.#store.changeDocuments([
      { kind: TENANT_KIND, id: name, drop: true },
      { kind: USAGE_KIND, id: name, expected: usage?.version ?? null, drop: true },
      ...drops,
    ]);
    this.#tenants.delete(name);
  }

  async putPlan(plan: Plan): Promise<void> {
    await this.#store.putDocument(PLAN_KIND, plan.name, plan);
    this.#plans.set(plan.name, plan);
  }

  async removePlan(name: string): Promise<void> {
    await this.#store.dropDocument(PLAN_KIND, name);
    this.#plans.delete(name);
  }

  #planOf(tenant: string): Plan {
    const found = this.#tenants.get(tenant);
    if (found === undefined) {
      throw new TidegateError('tenants.unknown', `there is no tenant "${tenant}"`, { detail: { tenant } });
    }
    const plan = this.#plans.get(found.plan);
    // A plan with tenants is not removed. Were it lost nevertheless, they would get nothing more.
    return plan ?? { name: found.plan, limits: NOTHING_USED, allowances: ORDINARY };
  }
}
