/**
 * What tenants have of what their plans limit. A reservation is a write on the version of what was counted, to be made in
 * one transaction with the thing itself: of two that would pass only one at a time, one does.
 */
import { isTidegateError } from '#core/errors';
import type { DocumentChange, Store, StoredDocument } from '#store/store';
import { type Amounts, type Limits, NOTHING_USED, QUOTA_RESOURCES, type QuotaResource } from './plan.ts';

export const USAGE_KIND = 'usage';
/** Whoever was overtaken this often in a row gives up. */
const TRIES = 20;
/** Cores are counted to a thousandth, so that sums of fractions come back to zero. */
const FINEST = 1000;

export interface QuotaExceeded {
  readonly kind: 'quota_exceeded';
  readonly tenant: string;
  readonly resource: QuotaResource;
  readonly used: number;
  readonly limit: number;
  /** How much more was asked for. */
  readonly asked: number;
}

/** More of something, or less of it. */
export type AmountChanges = Readonly<Partial<Record<QuotaResource, number>>>;

export interface QuotasOptions {
  readonly store: Pick<Store, 'document' | 'changeDocuments'>;
  /** @throws TidegateError `tenants.unknown` */
  readonly limitsOf: (tenant: string) => Limits;
  /** What others count by looking at what there is; it goes before what was written down. Left out: nobody does. */
  readonly measured?: (tenant: string) => Partial<Amounts>;
}

export function isQuotaExceeded(outcome: readonly DocumentChange[] | QuotaExceeded): outcome is QuotaExceeded {
  return !Array.isArray(outcome);
}

export class Quotas {
  readonly #options: QuotasOptions;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: QuotasOptions) {
    this.#options = options;
  }

  async used(tenant: string): Promise<Amounts> {
    return this.#amountsIn(await this.#options.store.document(USAGE_KIND, tenant), tenant);
  }

  /** Runs what takes or gives back something of a tenant when all that came before it is done. Never nest two of them. */
  async inTurn<T>(tenant: string, run: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(tenant) ?? Promise.resolve()).then(run);
    const settled = turn.catch(() => {});
    this.#turns.set(tenant, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(tenant) === settled) this.#turns.delete(tenant);
    }
  }

  /**
   * Changes that take (or give back) amounts, to be written with the thing itself by `changeDocuments`. That throws
   * `store.conflict` with `detail.kind` `usage` when another was quicker: reserve again; {@link commit} does.
   * @throws TidegateError `tenants.unknown`
   */
  async reserve(tenant: string, changes: AmountChanges): Promise<readonly DocumentChange[] | QuotaExceeded> {
    const limits = this.#options.limitsOf(tenant);
    const found = await this.#options.store.document(USAGE_KIND, tenant);
    const before = this.#amountsIn(found, tenant);
    const after: Record<QuotaResource, number> = { ...before };
    for (const resource of QUOTA_RESOURCES) {
      const asked = changes[resource] ?? 0;
      const used = before[resource];
      const sum = Math.round((used + asked) * FINEST) / FINEST;
      const limit = limits[resource];
      if (asked > 0 && limit !== null && sum > limit) {
        return { kind: 'quota_exceeded', tenant, resource, used, limit, asked };
      }
      after[resource] = Math.max(0, sum);
    }
    return [{ kind: USAGE_KIND, id: tenant, expected: found?.version ?? null, body: after }];
  }

  /**
   * Reserves and writes, again as often as another was quicker. Null: it is written.
   * @param changesWith what to write, reservation included; called for each try
   * @throws TidegateError `store.conflict` of other documents than the count; `tenants.unknown`
   */
  async commit(
    tenant: string,
    asked: AmountChanges,
    changesWith: (usage: readonly DocumentChange[]) => readonly DocumentChange[],
  ): Promise<QuotaExceeded | null> {
    return this.inTurn(tenant, async () => {
      for (let tries = 1; ; tries++) {
        const usage = await this.reserve(tenant, asked);
        if (isQuotaExceeded(usage)) return usage;
        try {
          await this.#options.store.changeDocuments(changesWith(usage));
          return null;
        } catch (error) {
          const isOvertaken = isTidegateError(error, 'store.conflict') && error.detail.kind === USAGE_KIND;
          if (!isOvertaken || tries === TRIES) throw error;
        }
      }
    });
  }

  #amountsIn(usage: StoredDocument | null, tenant: string): Amounts {
    const kept = usage === null ? NOTHING_USED : (usage.body as Amounts);
    return { ...kept, ...this.#options.measured?.(tenant) };
  }
}
