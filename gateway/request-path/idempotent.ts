/** Methods that may be asked twice to the same effect. */

/** RFC 9110 9.2.2, and the safe ones of WebDAV and of QUERY. */
export const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
  'QUERY',
]);
