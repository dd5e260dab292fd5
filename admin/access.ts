/**
 * Who may ask for what, and for which tenant. The token counts in the Authorization header alone: never in a cookie, which
 * a browser would send along from any page (CSRF, DNS rebinding), and never in a URL, which ends up in logs. What is
 * refused here is refused alike whether or not it exists.
 */
import { type AccessScope, holdsScope, ROLES, reachesApp } from '#core/access-scope';
import { isName } from '#core/name';
import type { Principal } from '#tenants/principal';
import type { TenantState } from '#tenants/tenant-directory';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';

const TENANT_HEADER = 'tidegate-tenant';
const DEFAULT_TENANT = 'default';

/** What an endpoint needs: a scope, or an operator (with `admin` for whatever is no GET). */
export type Need = AccessScope | 'operator';

/** What a request may see. */
export interface Scope {
  readonly principal: Principal;
  readonly tenant: string;
}

/** Whether the token reaches an app of the tenant. */
export function seesApp({ principal }: Scope, app: string): boolean {
  return reachesApp(principal.resources, app);
}

export interface Bearer {
  readonly headers: Headers;
  /** Address that the request came from; null: it is not known. */
  readonly client: string | null;
}

export async function scopeOf(
  { headers, client }: Bearer,
  { authenticate }: Pick<AdminPorts, 'authenticate'>,
): Promise<Scope | Problem> {
  const credentials = headers.get('authorization');
  if (credentials === null) return unauthorized('Bearer realm="tidegate"', 'The request carries no token.');
  const token = /^bearer +(\S+) *$/i.exec(credentials)?.[1];
  const principal = token === undefined ? null : await authenticate(token, client);
  if (principal === null) {
    return unauthorized('Bearer realm="tidegate", error="invalid_token"', 'The token is not one that is in force.');
  }
  const named = headers.get(TENANT_HEADER);
  if (named !== null && !isName(named)) {
    return new Problem('bad_request', { detail: 'Tidegate-Tenant does not hold the name of a tenant.' });
  }
  if (principal.tenant !== null && named !== null && named !== principal.tenant) {
    const detail = 'This token acts for its own tenant alone.';
    return new Problem('forbidden', { detail, fix: ['Leave the header Tidegate-Tenant out.'] });
  }
  return { principal, tenant: principal.tenant ?? named ?? DEFAULT_TENANT };
}

export interface Wanted {
  readonly method: string;
  readonly needs: Need;
  /** Whether it shows of several apps only what the token reaches. */
  readonly filtered: boolean;
  /** That it is about; null: it is about none in particular. */
  readonly app: string | null;
  /** Of the tenant that it is for; undefined: nobody made it, as those of labels. */
  readonly standing: TenantState | undefined;
}

/** Null: the token allows it. */
export function refusalOf({ principal }: Scope, { method, needs, filtered, app, standing }: Wanted): Problem | null {
  const { scopes, resources, operator } = principal;
  if (needs === 'operator' && !operator) {
    return new Problem('forbidden', { detail: 'This is for operators.', fix: ['Ask an operator to do it.'] });
  }
  const scope = needs !== 'operator' ? needs : method === 'get' ? 'read' : 'admin';
  if (!holdsScope(scopes, scope)) {
    const role = Object.entries(ROLES).find(([, one]) => one === scope)?.[0];
    return new Problem('forbidden', {
      detail: `This needs the scope "${scope}"; the token has ${scopes.map((one) => `"${one}"`).join(', ') || 'none'}.`,
      fix: [
        `Use a token with the scope "${scope}" (role ${role}): whoever owns the tenant makes one with POST /v1/tokens.`,
      ],
    });
  }
  if (standing === 'suspended' && !operator && method !== 'get') {
    const detail = 'The tenant is suspended: its tokens read, and change nothing.';
    return new Problem('forbidden', { detail, fix: ['Ask an operator why, and to let it go on.'] });
  }
  if (resources.length === 0 || (app === null ? filtered : reachesApp(resources, app))) return null;
  const what = app === null ? 'this is about more than single apps' : 'this app is none of them';
  return new Problem('forbidden', {
    detail: `The token is limited to ${resources.join(', ')}, and ${what}.`,
    fix: ['Use a token without that limit.'],
  });
}

function unauthorized(challenge: string, detail: string): Problem {
  return new Problem('unauthorized', {
    detail,
    fix: [
      'Send the header "Authorization: Bearer <token>"; the first token is in operator.token in the state directory.',
      'A token that worked before may have expired, been revoked, or be allowed from other addresses alone.',
    ],
    headers: { 'www-authenticate': challenge },
  });
}
