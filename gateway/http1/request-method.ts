/**
 * The methods that are served. Others could be forwarded by the letter of HTTP, but servers disagree on what unknown
 * methods mean for framing, and common ones refuse them; so they are answered 501 here.
 */

/** All methods Node's own parser knows, without CONNECT (no tunnels) and TRACE (it would echo what the gateway adds). */
const SERVED = [
  'ACL',
  'BIND',
  'CHECKOUT',
  'COPY',
  'DELETE',
  'GET',
  'HEAD',
  'LINK',
  'LOCK',
  'M-SEARCH',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'MKCOL',
  'MOVE',
  'NOTIFY',
  'OPTIONS',
  'PATCH',
  'POST',
  'PROPFIND',
  'PROPPATCH',
  'PURGE',
  'PUT',
  'QUERY',
  'REBIND',
  'REPORT',
  'SEARCH',
  'SOURCE',
  'SUBSCRIBE',
  'UNBIND',
  'UNLINK',
  'UNLOCK',
  'UNSUBSCRIBE',
];

const BY_NAME: ReadonlyMap<string, string> = new Map(SERVED.map((method) => [method, method]));
const KNOWN_BUT_REFUSED: ReadonlySet<string> = new Set(['CONNECT', 'TRACE']);

/** Longer than any method; a longer token is unknown without reading on. */
export const METHOD_MAX_BYTES = 16;

const G = 0x47;
const P = 0x50;

/** The method in `b[from, to)` as a shared string, or null if it is not served. Methods are case-sensitive. */
export function methodAt(b: Buffer, from: number, to: number): string | null {
  const length = to - from;
  const first = b[from];
  if (length === 3 && first === G && b[from + 1] === 0x45 && b[from + 2] === 0x54) return 'GET';
  if (length === 4 && first === P && b[from + 1] === 0x4f && b[from + 2] === 0x53 && b[from + 3] === 0x54)
    return 'POST';
  return BY_NAME.get(b.toString('latin1', from, to)) ?? null;
}

/** Whether `method` is one this gateway knows and will not serve, as opposed to one it never heard of. */
export function isRefusedMethod(method: string): boolean {
  return KNOWN_BUT_REFUSED.has(method);
}
