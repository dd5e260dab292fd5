/**
 * The most liberal reading of a path that an upstream may have: needless escapes decoded, backslashes as slashes,
 * parameters cut off, doubled slashes merged, dot segments resolved. The gateway forwards paths untouched (RFC 9110 7.7)
 * and routes by them as they stand; where this reading is routed elsewhere, the request means two things and is refused.
 */

/** What may stand in a path unescaped, as the gateway reads requests; without `%`, with the backslash that some take. */
const UNESCAPED = /[-\w.~!$&'()*+,;=:@/|[\]^\\]/;

/**
 * `path` starts with "/", so does the result. Escapes of what could not stand in a path unescaped stay as they are, as
 * they do in a route's path. Decodes once: a doubly escaped octet is data to every reader of RFC 3986 2.4.
 */
export function liberalPath(path: string): string {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (found, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return UNESCAPED.test(character) ? character : found;
  });
  const kept: string[] = [];
  let open = false;
  for (const segment of decoded.split(/[/\\]+/).slice(1)) {
    const semicolon = segment.indexOf(';');
    const name = semicolon < 0 ? segment : segment.slice(0, semicolon);
    open = name === '' || name === '.' || name === '..';
    if (name === '..') kept.pop();
    else if (!open) kept.push(name);
  }
  if (kept.length === 0) return '/';
  return `/${kept.join('/')}${open ? '/' : ''}`;
}
