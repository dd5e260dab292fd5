/** Tenants, tokens and audit log as they are, on a store of a test, with chance that is seeded. */
import type { TestContext } from 'node:test';
import type { AdminPorts } from '#admin/ports';
import type { Clock } from '#core/clock';
import { silentLog } from '#core/log';
import type { Store } from '#store/store';
import { AuditLog } from '#tenants/audit-log';
import type { Amounts } from '#tenants/plan';
import { Quotas } from '#tenants/quotas';
import { TenantDirectory } from '#tenants/tenant-directory';
import { TokenBook } from '#tenants/token-book';
import { seeded } from '#test/router/sample';

export type Tenancy = NonNullable<AdminPorts['tenancy']>;

export async function tenancyOn(
  t: TestContext,
  store: Store,
  { clock, measured }: { readonly clock: Clock; readonly measured: (tenant: string) => Partial<Amounts> },
): Promise<Tenancy> {
  const chance = seeded(5);
  const random = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => Math.floor(chance() * 256));
  const tenants = await TenantDirectory.open(store);
  const quotas = new Quotas({ store, limitsOf: (tenant) => tenants.limitsOf(tenant), measured });
  const tokens = await TokenBook.open({ store, quotas, clock, random, log: silentLog });
  const audit = await AuditLog.open({ store, clock, random, log: silentLog });
  t.after(() => tokens.close());
  return { tenants, quotas, tokens, audit };
}
