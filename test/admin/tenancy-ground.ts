/** A Tidegate of tests with tenants, tokens and an audit log, all of them real, and ways to ask it as somebody. */
import type { TestContext } from 'node:test';
import type { Store } from '#store/store';
import type { Platform } from '#test/apps/support/platform';
import { FakeClock } from '#test/support/fake-clock';
import { withVault } from './certificate-ground.ts';
import type { Tenancy } from './tenancy-parts.ts';
import { type Asked, Json, type Tidegate } from './tidegate.ts';

export interface TenancyGround extends Tenancy {
  readonly tidegate: Tidegate;
  readonly store: Store;
  /** Asks with a token, from an address. */
  readonly as: (token: string, path: string, asked?: Asked, from?: string) => Promise<Response>;
  /** A token, made through the API by the operator. */
  readonly token: (wish: Readonly<Record<string, unknown>>, tenant?: string) => Promise<{ id: string; text: string }>;
}

/** @param platform where apps run; left out: there are none but those of labels */
export async function withTenancy(t: TestContext, platform: Platform | null = null): Promise<TenancyGround> {
  const { tidegate, store, tenancy } = await withVault(t, { clock: new FakeClock(), platform });
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
  return { ...tenancy, tidegate, store, as, token };
}

export async function jsonOf(response: Response): Promise<{ status: number; json: Json }> {
  return { status: response.status, json: new Json(await response.json()) };
}
