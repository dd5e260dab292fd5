/** Tenants and tokens for tests of the API: the real ones, on a real store, with chance that is seeded. */
import type { TestContext } from 'node:test';
import { silentLog } from '#core/log';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { AuditLog } from '#tenants/audit-log';
import { Quotas } from '#tenants/quotas';
import { TenantDirectory } from '#tenants/tenant-directory';
import { TokenBook } from '#tenants/token-book';
import { seeded } from '#test/router/sample';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';
import { type Asked, Json, Tidegate } from './tidegate.ts';

export interface TenancyGround {
  readonly tidegate: Tidegate;
  readonly store: Store;
  readonly tokens: TokenBook;
  readonly tenants: TenantDirectory;
  readonly quotas: Quotas;
  readonly audit: AuditLog;
  /** Asks with a token, from an address. */
  readonly as: (token: string, path: string, asked?: Asked, from?: string) => Promise<Response>;
  /** A token, made through the API by the operator. */
  readonly token: (wish: Readonly<Record<string, unknown>>, tenant?: string) => Promise<{ id: string; text: string }>;
}

export async function withTenancy(t: TestContext, clock = new FakeClock()): Promise<TenancyGround> {
  const store = await openSqliteStore(temporaryDirectory(t));
  t.after(() => store.close());
  const chance = seeded(5);
  const random = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => Math.floor(chance() * 256));
  const tenants = await TenantDirectory.open(store);
  const quotas = new Quotas({ store, limitsOf: (tenant) => tenants.limitsOf(tenant) });
  const tokens = await TokenBook.open({ store, quotas, clock, random, log: silentLog });
  t.after(() => tokens.close());
  const audit = await AuditLog.open({ store, clock, random, log: silentLog });
  const tidegate = await Tidegate.start(100, { answers: store, tenancy: { tokens, tenants, quotas, audit } }, clock);
  const as: TenancyGround['as'] = async (token, path, { method = 'GET', body, headers = {} } = {}, from) => {
    const init = {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    };
    const env = from === undefined ? {} : { incoming: { socket: { remoteAddress: from } } };
    return tidegate.app.request(path, init, env);
  };
  const token: TenancyGround['token'] = async (wish, tenant = 'default') => {
    const headers = { 'tidegate-tenant': tenant };
    const made = await tidegate.json('/v1/tokens', { method: 'POST', body: wish, headers });
    if (made.status !== 201) throw new Error(JSON.stringify(made.json.value));
    return { id: String(made.json.at('id')), text: String(made.json.at('token')) };
  };
  return { tidegate, store, tokens, tenants, quotas, audit, as, token };
}

export async function jsonOf(response: Response): Promise<{ status: number; json: Json }> {
  return { status: response.status, json: new Json(await response.json()) };
}
