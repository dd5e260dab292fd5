/** Endpoint of usage: what the tenant has of what its plan limits, and what its sets may ask of a host. */
import { type Endpoints, NOTHING } from './endpoint.ts';
import { UsageShape, usageJson } from './plan-shapes.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';

export function addUsage(endpoints: Endpoints, { tenancy, domains }: AdminPorts): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/usage',
      id: 'getUsage',
      summary: 'What the tenant has, and what its plan allows',
      needs: 'read',
      params: NOTHING,
      query: NOTHING,
      body: null,
      answer: UsageShape,
      problems: ['unavailable'],
    },
    async ({ scope: { tenant } }) => {
      if (tenancy === undefined) return new Problem('unavailable', { detail: 'Nobody counts here.' });
      const { tenants, quotas } = tenancy;
      const known = tenants.tenant(tenant);
      const used = { ...(await quotas.used(tenant)), domains: (await domains?.list(tenant))?.length ?? 0 };
      return usageJson({ tenant, plan: known === null ? null : tenants.plan(known.plan), used });
    },
  );
}
