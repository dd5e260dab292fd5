/**
 * Stickiness by cookie: a client stays with the replica that answered it first for as long as that takes requests. The
 * cookie holds the upstream's opaque tag and nothing else.
 */

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
