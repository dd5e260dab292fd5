/**
 * What a token may do: scopes, each of which holds those before it, roles as names for them, and the apps that it is
 * limited to. Whoever asks for what a token reaches asks here, so there is one answer.
 */

/** From looking on to owning: each holds those before it. */
export const ACCESS_SCOPES = ['read', 'deploy', 'manage', 'admin'] as const;
export type AccessScope = (typeof ACCESS_SCOPES)[number];

/** What people call a token with a scope. */
export const ROLES = {
  viewer: 'read',
  developer: 'deploy',
  manager: 'manage',
  owner: 'admin',
} as const satisfies Record<string, AccessScope>;
export type Role = keyof typeof ROLES;

/** `pat`: of a person; `svc`: of a service; `dep`: of a pipeline that deploys; `op`: of an operator. */
export const TOKEN_KINDS = ['pat', 'svc', 'dep', 'op'] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

const PREFIX = 'app:';
const RESOURCE = /^app:(?:[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?|[-a-z0-9]{0,39}\*)$/;

/** Whether scopes hold the one that is needed. */
export function holdsScope(scopes: readonly AccessScope[], needed: AccessScope): boolean {
  const rank = ACCESS_SCOPES.indexOf(needed);
  return scopes.some((one) => ACCESS_SCOPES.indexOf(one) >= rank);
}

/** The role that scopes come to; null: they allow nothing. */
export function roleOf(scopes: readonly AccessScope[]): Role | null {
  const highest = ACCESS_SCOPES.findLast((one) => holdsScope(scopes, one));
  const found = Object.entries(ROLES).find(([, scope]) => scope === highest);
  return found === undefined ? null : (found[0] as Role);
}

/** `app:shop`, or `app:shop-*` for all whose name begins so. */
export function isAppResource(text: string): boolean {
  return RESOURCE.test(text);
}

/** Whether a token that is limited to these resources (none: not limited) reaches an app. */
export function reachesApp(resources: readonly string[], app: string): boolean {
  return resources.length === 0 || resources.some((one) => matches(one.slice(PREFIX.length), app));
}

/** Whether everything that `inner` reaches is reached by `outer`, too. */
export function holdsResources(outer: readonly string[], inner: readonly string[]): boolean {
  if (outer.length === 0) return true;
  if (inner.length === 0) return false;
  // A pattern is held by one that is as wide: its own text, star included, begins as the wider one does.
  return inner.every((one) => outer.some((wide) => matches(wide.slice(PREFIX.length), one.slice(PREFIX.length))));
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
