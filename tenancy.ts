/** Who shares this Tidegate: tenants with their plans, what they have of them, and the tokens in force; opened in order. */
import { randomBytes } from 'node:crypto';
import { amountsOf } from '#apps/amounts';
import type { AppLibrary } from '#apps/app-library';
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import { setKey } from '#core/set';
import type { OperatorToken } from '#store/operator-token';
import type { ScaleSettings } from '#store/scale-settings';
import type { Store } from '#store/store';
import { AuditLog } from '#tenants/audit-log';
import type { Amounts } from '#tenants/plan';
import { operatorOf, type Principal } from '#tenants/principal';
import { Quotas } from '#tenants/quotas';
import { TenantDirectory } from '#tenants/tenant-directory';
import { TokenBook } from '#tenants/token-book';

export interface Tenancy {
  readonly tenants: TenantDirectory;
  readonly quotas: Quotas;
  readonly tokens: TokenBook;
  readonly audit: AuditLog;
  /** Null: not a token in force. @param client address that the request came from; null: it is not known */
  readonly authenticate: (text: string, client: string | null) => Promise<Principal | null>;
  readonly close: () => Promise<void>;
}

export interface TenancyOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Stands above all others, and is not one of the book. */
  readonly operator: OperatorToken;
  /** What tenants have of what plans limit, by a look at what there is. */
  readonly measured: (tenant: string) => Partial<Amounts>;
}

/** What a tenant has made through the API. */
export function amountsHeld(library: AppLibrary, scales: Pick<ScaleSettings, 'get'>, tenant: string): Partial<Amounts> {
  const held = { apps: 0, sets: 0, replicas: 0, cpu: 0, memory: 0, secrets: 0 };
  for (const app of library.apps()) {
    if (app.tenant !== tenant) continue;
    held.apps++;
    held.secrets += library.secrets(tenant, app.name).length;
    for (const { name, spec } of library.sets(tenant, app.name)) {
      const { replicas, cpu, memory } = amountsOf(spec, scales.get(setKey(tenant, app.name, name)));
      held.sets++;
      held.replicas += replicas;
      held.cpu += cpu;
      held.memory += memory;
    }
  }
  return held;
}

/** @throws TidegateError `store.…` */
export async function openTenancy({ store, clock, log, operator, measured }: TenancyOptions): Promise<Tenancy> {
  const tenants = await TenantDirectory.open(store);
  const quotas = new Quotas({ store, limitsOf: (tenant) => tenants.limitsOf(tenant), measured });
  const tokens = await TokenBook.open({ store, quotas, clock, random: randomBytes, log });
  const audit = await AuditLog.open({ store, clock, random: randomBytes, log });
  const first = operatorOf(operator.id);
  return {
    ...{ tenants, quotas, tokens, audit },
    authenticate: async (text, client) => (operator.matches(text) ? first : tokens.authenticate(text, client)),
    close: () => tokens.close(),
  };
}
