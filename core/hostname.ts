/**
 * Hostnames as routes and requests name them. A Hostname is normalised once, here: lower case, A-labels (IDNA), no port,
 * no trailing dot. Whatever compares hostnames compares these.
 */
import { domainToASCII } from 'node:url';

const LONGEST = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

export type HostnameFault = 'empty' | 'too-long' | 'bad-label' | 'bad-wildcard' | 'not-idna' | 'is-address';

export type ParsedHostname =
  | { readonly ok: true; readonly hostname: string; readonly wildcard: boolean }
  | { readonly ok: false; readonly fault: HostnameFault; readonly detail: string };

/**
 * A hostname as a route may claim it: exact (`shop.example.com`) or with one leading wildcard label (`*.example.com`).
 * A wildcard comes back in `hostname` with its `*.`.
 */
export function parseHostPattern(text: string): ParsedHostname {
  const trimmed = text.trim();
  if (!trimmed.startsWith('*')) return parseHostname(trimmed);
  if (!trimmed.startsWith('*.') || trimmed.length === 2) {
    return fault('bad-wildcard', `"${text}" has its * in the wrong place; write *.name`);
  }
  const parent = parseHostname(trimmed.slice(2));
  if (!parent.ok) return parent;
  return { ok: true, hostname: `*.${parent.hostname}`, wildcard: true };
}

/** A hostname without wildcard, normalised. IP addresses are refused: routes are by name. */
export function parseHostname(text: string): ParsedHostname {
  let name = text.trim();
  if (name.endsWith('.')) name = name.slice(0, -1);
  if (name === '') return fault('empty', 'the hostname is empty');
  if (name.includes('*')) return fault('bad-wildcard', `"${text}" has its * in the wrong place; write *.name`);
  if (/[^\x20-\x7e]/.test(name)) {
    const ascii = domainToASCII(name);
    if (ascii === '') return fault('not-idna', `"${text}" is not a valid internationalised name`);
    name = ascii;
  }
  name = name.toLowerCase();
  if (name.length > LONGEST) return fault('too-long', `"${text}" is longer than ${LONGEST} characters`);
  if (IPV4.test(name)) return fault('is-address', `"${text}" is an address; routes are by name`);
  for (const label of name.split('.')) {
    if (!LABEL.test(label)) return fault('bad-label', `"${text}" has the label "${label}", which DNS does not allow`);
  }
  return { ok: true, hostname: name, wildcard: false };
}

/**
 * The hostname in a request's Host header or `:authority`, normalised for lookup, or null when it is none. Cheap on the
 * common form: no allocation beyond the result.
 */
export function hostnameOfAuthority(authority: string): string | null {
  let end = authority.length;
  if (authority.charCodeAt(0) === 91) return null; // an IPv6 literal serves no route
  const colon = authority.lastIndexOf(':');
  if (colon >= 0) {
    for (let i = colon + 1; i < end; i++) {
      const digit = authority.charCodeAt(i) - 48;
      if (digit < 0 || digit > 9) return null;
    }
    if (end - colon > 6) return null;
    end = colon;
  }
  if (end > 0 && authority.charCodeAt(end - 1) === 46) end--;
  if (end === 0 || end > LONGEST) return null;
  let upper = false;
  for (let i = 0; i < end; i++) {
    const c = authority.charCodeAt(i);
    if ((c >= 97 && c <= 122) || (c >= 48 && c <= 57) || c === 46 || c === 45 || c === 95) continue;
    if (c >= 65 && c <= 90) upper = true;
    else return null;
  }
  const name = end === authority.length ? authority : authority.slice(0, end);
  return upper ? name.toLowerCase() : name;
}

function fault(kind: HostnameFault, detail: string): ParsedHostname {
  return { ok: false, fault: kind, detail };
}
