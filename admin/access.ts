/**
 * Who may ask, and for which tenant. The token counts in the Authorization header alone: never in a cookie, which a
 * browser would send along from any page (CSRF, DNS rebinding), and never in a URL, which ends up in logs.
 */
import { isName } from '#core/name';
import type { AdminPorts, Principal } from './ports.ts';
import { Problem } from './problem.ts';

const TENANT_HEADER = 'tidegate-tenant';
const DEFAULT_TENANT = 'default';

/** What a request may see. */
export interface Scope {
  readonly principal: Principal;
  readonly tenant: string;
}

export async function scopeOf(headers: Headers, authenticate: AdminPorts['authenticate']): Promise<Scope | Problem> {
  const credentials = headers.get('authorization');
  if (credentials === null) return unauthorized('Bearer realm="tidegate"', 'The request carries no token.');
  const token = /^bearer +(\S+) *$/i.exec(credentials)?.[1];
  const principal = token === undefined ? null : await authenticate(token);
  if (principal === null) {
    return unauthorized('Bearer realm="tidegate", error="invalid_token"', 'The token is not one that is in force.');
  }
  const tenant = headers.get(TENANT_HEADER) ?? DEFAULT_TENANT;
  if (!isName(tenant)) {
    return new Problem('bad_request', { detail: `Tidegate-Tenant: "${tenant}" is not the name of a tenant.` });
  }
  return { principal, tenant };
}

function unauthorized(challenge: string, detail: string): Problem {
  return new Problem('unauthorized', {
    detail,
    fix: [
      'Send the header "Authorization: Bearer <token>"; the first token is in operator.token in the state directory.',
    ],
    headers: { 'www-authenticate': challenge },
  });
}
