/**
 * What stands between a wish and the plan of its tenant. Wishes of one tenant pass one after the other, each with what the
 * ones before it came to: so none is counted twice, and no two take the same rest.
 */

import type { DocumentChange } from '#store/store';
import { type AmountChanges, isQuotaExceeded } from '#tenants/quotas';
import type { Scope } from './access.ts';
import type { AdminPorts } from './ports.ts';
import type { Problem } from './problem.ts';
import { quotaProblem } from './quota-problem.ts';

export class PlanGate {
  readonly #tenancy: AdminPorts['tenancy'];

  constructor({ tenancy }: Pick<AdminPorts, 'tenancy'>) {
    this.#tenancy = tenancy;
  }

  /**
   * Does what takes something of the plan, if there is as much.
   * @param asked what it takes; looked at when all earlier wishes of the tenant are done
   * @param act with what is to be kept in the same step
   * @throws TidegateError `tenants.unknown`
   */
  async taking<T>(
    { tenant }: Scope,
    asked: () => AmountChanges,
    act: (also: readonly DocumentChange[]) => Promise<T>,
  ): Promise<T | Problem> {
    const quotas = this.#tenancy?.quotas;
    if (quotas === undefined) return act([]);
    return quotas.inTurn(tenant, async () => {
      const taken = await quotas.reserve(tenant, asked());
      return isQuotaExceeded(taken) ? quotaProblem(taken) : act(taken);
    });
  }

  /** Resources that the plan limits, so that a set has to say how much it is to have. */
  limited({ tenant }: Scope): { readonly cpu: boolean; readonly memory: boolean } {
    const tenants = this.#tenancy?.tenants;
    if (tenants === undefined || tenants.tenant(tenant) === null) return { cpu: false, memory: false };
    const { cpu, memory } = tenants.limitsOf(tenant);
    return { cpu: cpu !== null, memory: memory !== null };
  }
}
