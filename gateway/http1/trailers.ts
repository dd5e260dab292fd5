/**
 * Trailer fields (RFC 9110 6.5): walked as strictly as any head, then only those kept that may follow a body. A trailer
 * that would change the framing or the target of what it ends is no metadata but an attack, and refused.
 */
import type { FieldLines } from './field-lines.ts';
import { NAME, TWIN } from './field-names.ts';

export const TRAILERS_MAX_BYTES = 8_192;
export const TRAILERS_MAX = 32;

/**
 * Left out: what RFC 9110 6.5.1 forbids in trailers (routing, request modifiers, authentication, response control,
 * content format) and what the gateway vouches for in heads. Merged into a head, any of them would override it.
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'accept-ranges',
  'age',
  'allow',
  'alt-svc',
  'authentication-info',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-location',
  'content-range',
  'content-security-policy',
  'content-type',
  'cookie',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'location',
  'origin',
  'pragma',
  'range',
  'retry-after',
  'set-cookie',
  'strict-transport-security',
  'vary',
  'warning',
  'www-authenticate',
]);

/**
 * The trailers that go on, as a flat list of name, value, … in the spelling they came in; null if the section carries a
 * framing or routing field. `lines` has walked the section and holds its text.
 */
export function keepTrailers(lines: FieldLines): string[] | null {
  const kept: string[] = [];
  for (let k = 0; k < lines.count; k++) {
    const name = (lines.name[k] as number) & ~TWIN;
    if (name === NAME.contentLength || name === NAME.transferEncoding || name === NAME.host) return null;
    if (name !== NAME.other && name !== NAME.date) continue;
    const text = lines.nameText(k);
    if (!FORBIDDEN.has(text.toLowerCase())) kept.push(text, lines.valueText(k));
  }
  return kept;
}

/** Trailers as field lines, each ended by CRLF. */
export function writeTrailers(trailers: readonly string[]): string {
  let out = '';
  for (let i = 0; i < trailers.length; i += 2) out += `${trailers[i]}: ${trailers[i + 1]}\r\n`;
  return out;
}
