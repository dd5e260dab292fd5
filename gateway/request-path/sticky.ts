/**
 * Stickiness by cookie: a client stays with the replica, or on the revision, that answered it first for as long as that
 * takes requests. The cookies hold the upstream's opaque tag, and the name of the revision, and nothing else.
 */

/** A visitor is kept on a revision for so long, a rollout and a little more. */
const REVISION_COOKIE_S = 86_400;

/** The value of one cookie in a Cookie field (RFC 6265 4.2.1), or null. */
export function cookieValue(cookies: string | undefined, name: string): string | null {
  if (cookies === undefined) return null;
  for (const pair of cookies.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return null;
}

/** A Set-Cookie value for the life of the browser session. */
export function stickyCookie(name: string, tag: string, secure: boolean): string {
  return `${name}=${tag}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
}

/** A Set-Cookie value for a day. */
export function revisionCookie(name: string, revision: string, secure: boolean): string {
  return `${stickyCookie(name, revision, secure)}; Max-Age=${REVISION_COOKIE_S}`;
}
