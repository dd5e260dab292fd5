/**
 * How many domains a tenant may have. They are counted where they are kept, so the count is never wrong; one tenant's are
 * added one after the other, so that of two that would pass only one at a time, one does.
 */
import type { QuotaExceeded } from '#tenants/quotas';
import type { AdminPorts } from './ports.ts';

export class DomainQuota {
  readonly #ports: Pick<AdminPorts, 'tenancy' | 'domains'>;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(ports: Pick<AdminPorts, 'tenancy' | 'domains'>) {
    this.#ports = ports;
  }

  /** Adds one more, if the plan allows it. */
  async within<T>(tenant: string, add: () => Promise<T>): Promise<T | QuotaExceeded> {
    const before = this.#turns.get(tenant) ?? Promise.resolve();
    const turn = before.then(async () => (await this.#exceeded(tenant)) ?? add());
    const settled = turn.catch(() => {});
    this.#turns.set(tenant, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(tenant) === settled) this.#turns.delete(tenant);
    }
  }

  async #exceeded(tenant: string): Promise<QuotaExceeded | null> {
    const tenants = this.#ports.tenancy?.tenants;
    // Of a tenant that only labels name nothing is limited.
    const limit = tenants === undefined || tenants.tenant(tenant) === null ? null : tenants.limitsOf(tenant).domains;
    if (limit === null) return null;
    const used = (await this.#ports.domains?.list(tenant))?.length ?? 0;
    return used < limit ? null : { kind: 'quota_exceeded', tenant, resource: 'domains', used, limit, asked: 1 };
  }
}
