/**
 * Shapes of the policies that are followed at the edge: origins, methods, password hashes, networks of clients, targets of
 * redirects, codings.
 */
import { isIP } from 'node:net';
import {
  type BasicAuthPolicy,
  type ClientCertificatePolicy,
  CODINGS,
  type Coding,
  IGNORE_KINDS,
  type IgnoreRule,
} from '#core/edge-policy';
import { parseHostPattern } from '#core/hostname';
import { isName, nameFrom } from '#core/name';
import { nearest } from '#core/nearest';
import { choice, listOf, pattern, type Shape } from './shape.ts';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };
const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
/** What browsers do not keep longer than they live themselves. */
const LONGEST_AGE_S = 10 * 365 * 86_400;
const USERS_MAX = 1000;
/**
 * PHC string of scrypt (RFC 7914) with a cost between 2^10 and 2^17, so that no label can buy more memory than 128 MiB,
 * or what `htpasswd -B` writes.
 */
const HASH =
  /^(?:\$scrypt\$ln=1[0-7],r=[1-8],p=[1-4]\$[\w+/]{16,88}\$[\w+/]{22,88}|\$2[aby]\$(?:0[4-9]|1[0-4])\$[\w./]{53})$/;

const origin: Shape<string> = {
  expected: 'an origin such as https://app.example.com or https://*.example.com',
  read(text) {
    const match = /^(https?):\/\/([^/:?#@]+)(?::(\d{1,5}))?$/.exec(text);
    if (match === null) return null;
    const [, scheme = '', host = '', port] = match;
    const name = isIP(host) === 4 ? host : hostnameOf(host);
    if (name === null || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) return null;
    // As browsers write it: without the port that the scheme has anyway.
    return { value: `${scheme}://${name}${port === undefined || port === DEFAULT_PORTS[scheme] ? '' : `:${port}`}` };
  },
  bend(text) {
    const bent = text.toLowerCase().replace(/(?<=\w)\/.*$/, '');
    return /^[a-z]+:\/\//.test(bent) ? bent : `https://${bent}`;
  },
};

const originList = listOf(origin, '');

/** Origins that may share; `*` alone stands for all. */
export const origins: Shape<readonly string[]> = {
  expected: 'origins such as https://app.example.com or https://*.example.com, comma-separated, or *',
  read: (text) => (text === '*' ? { value: ['*'] } : originList.read(text)),
  bend: (text) => (/^(?:any|all|true|"\*"|'\*')$/i.test(text) ? '*' : originList.bend(text)),
};

export const methods = listOf(
  pattern('a method', /^[A-Z]{1,32}$/, (text) => text.toUpperCase()),
  'methods such as GET, comma-separated',
);

/** `user:hash`, comma-separated; what is between two commas may itself hold some. */
export const basicUsers: Shape<BasicAuthPolicy['users']> = {
  expected: 'user:hash, comma-separated, with a hash such as $scrypt$ln=14,r=8,p=1$<salt>$<key> or $2y$10$…',
  read(text) {
    const users: { name: string; hash: string }[] = [];
    for (const entry of text.split(/[,\n]\s*(?=[^,:\s]+:)/)) {
      const colon = entry.indexOf(':');
      const name = entry.slice(0, colon).trim();
      const hash = entry.slice(colon + 1).trim();
      if (colon < 1 || name === '' || /[^\x20-\x7e]/.test(name) || !HASH.test(hash)) return null;
      if (users.some((one) => one.name === name)) return null;
      users.push({ name, hash });
    }
    return users.length <= USERS_MAX ? { value: users } : null;
  },
  // In a compose file `$` has to be written twice, which is not undone elsewhere.
  bend: (text) => text.replaceAll('$$', '$'),
};

/** Stands within quotes (RFC 9110 11.5). */
export const realm = pattern('up to 64 characters without quotes and backslashes', /^[ !#-[\]-~]{1,64}$/, (text) =>
  text.replace(/["\\]/g, '').slice(0, 64),
);

const network: Shape<string> = {
  expected: 'an address or a CIDR',
  read(text) {
    const [address = '', bits, ...rest] = text.split('/');
    const family = isIP(address);
    if (family === 0 || rest.length > 0 || address.includes('%')) return null;
    if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))) return null;
    return { value: text };
  },
  bend: (text) => text.replace(/^\[(.*)\]$/, '$1').replace(/(?<=^\d+\.\d+\.\d+\.\d+):\d+$/, ''),
};

const IGNORE_VALUES: Readonly<Record<IgnoreRule['kind'], RegExp>> = {
  // A few wildcards, none beside another: more of them say nothing that fewer do not.
  ua: /^(?!(?:[^*]*\*){5})(?!.*\*\*)[ -~]{1,200}$/,
  path: /^(?!(?:[^*]*\*){5})(?!.*\*\*)\/[!-~]{0,200}$/,
  ip: /./,
  method: /^(?:GET|HEAD|OPTIONS|POST)$/,
};

const ignoreRule: Shape<IgnoreRule> = {
  expected: 'ua:<pattern>, path:/<pattern>, ip:<network> or method:<GET, HEAD, OPTIONS or POST>',
  read(text) {
    const [, prefix = '', value = ''] = /^(\w+):(.+)$/.exec(text) ?? [];
    const kind = IGNORE_KINDS.find((one) => one === prefix);
    if (kind === undefined || !IGNORE_VALUES[kind].test(value)) return null;
    if (kind !== 'ip') return { value: { kind, value } };
    const read = network.read(value);
    return read === null ? null : { value: { kind, value: read.value } };
  },
  bend: (text) =>
    text
      .trim()
      .replace(/^(?:user-agent|agent)[:=]/i, 'ua:')
      .replace(/^(\w+)=/, '$1:'),
};
export const ignoreRules = listOf(ignoreRule, 'rules such as ua:UptimeRobot*,path:/healthz,ip:10.0.0.0/8,method:HEAD');

export const networks = listOf(network, 'addresses or CIDRs such as 10.0.0.0/8 or 2001:db8::/32, comma-separated');

/** Where a redirect goes, without a slash at its end: path and query of the request follow. */
export const redirectTarget: Shape<string> = {
  expected: 'a URL such as https://www.example.com, without query; the path of the request follows it',
  read(text) {
    const match = /^(https?):\/\/([^/:?#@]+)(:\d{1,5})?((?:\/[\w\-.~!$&'()*+,;=:@%]+)*)\/?$/.exec(text);
    const host = match?.[2] ?? '*';
    const name = isIP(host) === 4 ? host : hostnameOf(host);
    if (match === null || name === null || name.startsWith('*')) return null;
    return { value: `${match[1]}://${name}${match[3] ?? ''}${match[4] ?? ''}` };
  },
  bend(text) {
    const bent = text
      .replace(/[?#].*$/, '')
      .replace(/\/+$/, '')
      .replace(/\$\{?\w+\}?$/, '');
    return /^[a-z]+:\/\//i.test(bent) ? bent.replace(/^[a-z]+/i, (scheme) => scheme.toLowerCase()) : `https://${bent}`;
  },
};

/** `partners`, `partners;optional`. */
export const clientAuthority: Shape<ClientCertificatePolicy> = {
  expected: 'the name of an authority such as partners, or partners;optional',
  read(text) {
    const [authority = '', how, ...rest] = text.split(';').map((part) => part.trim());
    if (!isName(authority) || rest.length > 0 || (how !== undefined && how !== 'optional')) return null;
    return { value: { authority, optional: how === 'optional' } };
  },
  bend(text) {
    const [first = '', how = ''] = text.split(/[;,]/);
    const authority = nameFrom(
      first
        .trim()
        .replace(/^.*\//, '')
        .replace(/\.(?:pem|crt|cer)$/i, ''),
    );
    if (authority === null) return null;
    const meant = nearest(how.trim().toLowerCase(), ['optional', 'required']);
    return meant === 'optional' ? `${authority};optional` : authority;
  },
};

const coding: Shape<Coding> = choice(CODINGS, {
  brotli: 'br',
  gz: 'gzip',
  zst: 'zstd',
  zstandard: 'zstd',
  deflate: 'gzip',
});
const codingList = listOf(coding, 'codings in order of preference, comma-separated: zstd, br, gzip');

export const codings: Shape<readonly Coding[]> = {
  expected: codingList.expected,
  read: codingList.read,
  bend: (text) => (/^(?:on|yes|true|1|all|any)$/i.test(text) ? CODINGS.join(',') : codingList.bend(text)),
};

/** Seconds, for what is kept longer than any timer here runs. */
export const age: Shape<number> = {
  expected: 'a duration such as 365d, at most 3650d',
  read(text) {
    const match = /^(\d{1,9})([smhd])$/.exec(text);
    const seconds = Number(match?.[1]) * (UNIT_S[match?.[2] ?? ''] ?? Number.NaN);
    return text === '0' ? { value: 0 } : seconds <= LONGEST_AGE_S ? { value: seconds } : null;
  },
  bend(text) {
    const bent = text
      .toLowerCase()
      .replace(/\s/g, '')
      .replace(/^max-age=/, '');
    const years = /^(\d{1,2})y(?:ears?)?$/.exec(bent);
    if (years !== null) return `${Math.min(10, Number(years[1])) * 365}d`;
    if (/^\d+$/.test(bent)) return `${bent}s`;
    return nearest(bent, ['365d']) ?? bent.replace(/(?<=\d)(s|m|h|d)[a-z]+$/, '$1');
  },
};

function hostnameOf(text: string): string | null {
  const parsed = parseHostPattern(text);
  return parsed.ok ? parsed.hostname : null;
}
