/**
 * Where the records of `dns-01` are written, as TIDEGATE_ACME_DNS says it: a webhook, or a name server that takes dynamic
 * updates. What a URL leaves open or gets wrong is told at the start, before an order depends on it.
 */
import { nearest } from './nearest.ts';
import type { Parsed } from './setting-shapes.ts';

/** RFC 8945 6: those that are neither broken (md5) nor on their way out (sha1). */
export const TSIG_ALGORITHMS = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const;
export type TsigAlgorithm = (typeof TSIG_ALGORITHMS)[number];

export interface UpdateServer {
  readonly kind: 'rfc2136';
  readonly host: string;
  readonly port: number;
  /** Lower case, no trailing dot; null: the server is asked which zone a name is in. */
  readonly zone: string | null;
  /** Name of the TSIG key, lower case, no trailing dot. */
  readonly key: string;
  readonly algorithm: TsigAlgorithm;
}

export type DnsProviderUrl = { readonly kind: 'webhook'; readonly url: string } | UpdateServer;

const FORM = 'rfc2136://<server>/<zone>?key=<name of the TSIG key>';
const DNS_PORT = 53;
const PARAMETERS = ['key', 'alg'];
const NAME_MAX = 253;
/** Bytes; what is shorter is a password or a slip, no key. */
const SECRET_MIN = 16;

export function dnsProviderUrl(value: string): Parsed<DnsProviderUrl> {
  const scheme = /^(https?|rfc2136):\/\//i.exec(value)?.[1]?.toLowerCase();
  if (scheme === undefined || !URL.canParse(value)) {
    return { problem: `write the http(s) URL of a webhook, or ${FORM}` };
  }
  const url = new URL(value);
  if (url.username + url.password !== '') {
    return { problem: 'the secret belongs into TIDEGATE_ACME_DNS_SECRET, not into the URL' };
  }
  return scheme === 'rfc2136' ? updateServer(url) : { value: { kind: 'webhook', url: value } };
}

/**
 * The bytes of a TSIG secret as `tsig-keygen` and the panels of DNS hosters show it.
 * @returns null when it is none
 */
export function tsigSecret(text: string): Buffer | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length < SECRET_MIN ? null : bytes;
}

function updateServer(url: URL): Parsed<DnsProviderUrl> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '' || url.port === '0') return { problem: `name the server: ${FORM}` };
  const unknown = [...url.searchParams.keys()].find((one) => !PARAMETERS.includes(one));
  if (unknown !== undefined) {
    const meant = nearest(unknown, PARAMETERS);
    return { problem: `"${unknown}" is not a part of ${FORM}${meant === null ? '' : `; did you mean ${meant}?`}` };
  }
  const [zone = '', ...more] = url.pathname.split('/').filter((part) => part !== '');
  if (more.length > 0 || (zone !== '' && nameOf(zone) === null)) {
    return { problem: `"${url.pathname.slice(1)}" is not a zone; write one, or none and the server is asked: ${FORM}` };
  }
  const key = nameOf(url.searchParams.get('key') ?? '');
  if (key === null) return { problem: `name the TSIG key as the server knows it: ${FORM}` };
  const given = (url.searchParams.get('alg') ?? 'hmac-sha256').toLowerCase();
  const algorithm = TSIG_ALGORITHMS.find((one) => one === given);
  if (algorithm === undefined) return { problem: `alg=${given} cannot be used; make a key of ${listed()}` };
  const port = url.port === '' ? DNS_PORT : Number(url.port);
  return { value: { kind: 'rfc2136', host, port, zone: zone === '' ? null : nameOf(zone), key, algorithm } };
}

/** Null: no name of a zone or key. */
function nameOf(text: string): string | null {
  const name = text.toLowerCase().replace(/\.$/, '');
  const isName = name.length <= NAME_MAX && name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
  return isName ? name : null;
}

function listed(): string {
  return `${TSIG_ALGORITHMS.slice(0, -1).join(', ')} or ${TSIG_ALGORITHMS.at(-1)}`;
}
