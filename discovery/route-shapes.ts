/**
 * Shapes of what a route is made of: hostnames, path prefixes, ports. What they read is normalised already, so that two
 * spellings of one claim are one claim.
 */
import { parseHostPattern } from '#core/hostname';
import { listOf, pattern, type Shape, wholeNumber } from './shape.ts';

/** Characters of a path segment (RFC 3986 pchar) without `*`, which people mean as a glob. */
const PATH = /^(?:\/(?:[\w\-.~!$&'()+,;=:@]|%[0-9a-f]{2})+)+$/i;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;

export const port: Shape<number> = {
  expected: 'a port from 1 to 65535',
  read: wholeNumber({ min: 1, max: 65_535 }).read,
  bend: (text) => /(?:^|[^\d])(\d{1,5})(?:\/tcp)?$/i.exec(text.trim())?.[1] ?? null,
};

const hostname: Shape<string> = {
  expected: 'a hostname',
  read(text) {
    const parsed = parseHostPattern(text);
    return parsed.ok ? { value: parsed.hostname } : null;
  },
  bend: (text) =>
    text
      .toLowerCase()
      .replace(/^https?:\/\//, '')
      .replace(/[/?#].*$/, '')
      .replace(/:\d*$/, '')
      .replace(/^\*(?=[^.])/, '*.')
      .replace(/^\.(?=[^.])/, '*.'),
};

export const hostnames = listOf(hostname, 'hostnames, exact or *.name, comma-separated, without scheme, port or path');

/** A path prefix without a slash at its end, unless it is `/`. */
export const pathPrefix: Shape<string> = {
  expected: 'a path prefix such as /api, without query, * or dot segments',
  read(text) {
    if (text === '/') return { value: '/' };
    const path = text.endsWith('/') ? text.slice(0, -1) : text;
    return PATH.test(path) && !DOT_SEGMENT.test(path) ? { value: path } : null;
  },
  bend(text) {
    const path = text
      .replace(/^https?:\/\/[^/]*/, '')
      .replace(/[?#].*$/, '')
      .replace(/\*+$/, '');
    return `/${path}`.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  },
};

/** A path as a probe asks for it: it may have a query. */
export const probePath = pattern('a path such as /healthz', /^\/[!-~]*$/, (text) => {
  const path = text.trim().replace(/^https?:\/\/[^/]*/, '');
  return path.startsWith('/') ? path : `/${path}`;
});
