/**
 * The table of settings: name, default, meaning and shape of each. It drives the reading of the environment and makes
 * docs/config.md.
 */
import { isIP } from 'node:net';
import { parseHostname } from './hostname.ts';
import { LOG_LEVELS } from './log.ts';
import { nearest } from './nearest.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** Of a socket that is bound to it already and shared with other processes; not given: a socket of its own. */
  readonly fd?: number;
}

/** Null: there is no access log. */
export type AccessLogTarget = { readonly stdout: true } | { readonly file: string } | null;

/** The value of one setting, or what is wrong with it. */
type Parsed<T> = { readonly value: T } | { readonly problem: string };

export interface Setting<T = unknown> {
  readonly name: string;
  /** As text, or null where there is none. */
  readonly default: string | null;
  readonly meaning: string;
  readonly parse: (text: string) => Parsed<T>;
}

const ACME_CHALLENGES = ['http-01', 'tls-alpn-01', 'dns-01'];
const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

export const settings = {
  http: setting('TIDEGATE_HTTP', '0.0.0.0:8080', 'Plain HTTP listener; `off` disables it.', listenOrOff),
  https: setting('TIDEGATE_HTTPS', '0.0.0.0:8443', 'TLS listener; `off` disables it.', listenOrOff),
  admin: setting('TIDEGATE_ADMIN', '127.0.0.1:9900', 'Admin API and dashboard.', listen),
  baseDomain: setting(
    'TIDEGATE_BASE_DOMAIN',
    'localhost',
    'An app answers at `<app>.<base>`, a set other than the main one at `<set>--<app>.<base>`.',
    hostname,
  ),
  data: setting('TIDEGATE_DATA', './.tidegate', 'State directory, made with mode 0700.', text),
  store: setting(
    'TIDEGATE_STORE',
    'sqlite',
    'Where state is kept: `sqlite` is one embedded file in the state directory.',
    store,
  ),
  docker: setting(
    'TIDEGATE_DOCKER',
    'unix:///var/run/docker.sock',
    'Engine endpoints, comma-separated: `unix:///path` or `tcp://host:port` (needs TIDEGATE_DOCKER_CERTS).',
    engines,
  ),
  dockerCerts: setting(
    'TIDEGATE_DOCKER_CERTS',
    null,
    'Folder with ca.pem, cert.pem and key.pem for `tcp://` endpoints.',
    text,
  ),
  workers: setting(
    'TIDEGATE_WORKERS',
    null,
    'Gateway processes; none given: one per core; `0`: everything in one process.',
    count,
  ),
  transport: setting(
    'TIDEGATE_TRANSPORT',
    'auto',
    "What client connections are made of: `handle` (faster, on Node's internals), `net` (public sockets), or `auto`: `handle` where it passes its test at start.",
    oneOf(['auto', 'net', 'handle'] as const),
  ),
  token: setting(
    'TIDEGATE_TOKEN',
    null,
    'First operator token; none given: made at the first start and kept in `<data>/operator.token`.',
    token,
  ),
  certs: setting(
    'TIDEGATE_CERTS',
    null,
    'Folder with own certificates: `<hostname>.crt` and `.key`, or folders with `fullchain.pem` and `privkey.pem`; read again when they change.',
    text,
  ),
  acmeDirectory: setting('TIDEGATE_ACME_DIRECTORY', LETS_ENCRYPT, 'ACME directory of the CA.', httpUrl),
  acmeEmail: setting('TIDEGATE_ACME_EMAIL', null, 'Contact address of the ACME account.', text),
  acmeCaFile: setting('TIDEGATE_ACME_CA_FILE', null, 'Extra root certificate of a private CA (PEM file).', text),
  acmeEabKid: setting('TIDEGATE_ACME_EAB_KID', null, 'Key id of an external account binding.', text),
  acmeEabHmac: setting('TIDEGATE_ACME_EAB_HMAC', null, 'HMAC key of an external account binding (base64url).', text),
  acmeChallenges: setting(
    'TIDEGATE_ACME_CHALLENGES',
    'http-01,tls-alpn-01,dns-01',
    'ACME challenges that may be used, comma-separated.',
    challenges,
  ),
  dns: setting('TIDEGATE_DNS', null, 'Resolvers for domain verification, `ip:port`, comma-separated.', resolvers),
  trustedProxies: setting(
    'TIDEGATE_TRUSTED_PROXIES',
    null,
    'CIDRs whose `X-Forwarded-*` and PROXY protocol are believed, comma-separated.',
    cidrs,
  ),
  labelTrust: setting(
    'TIDEGATE_LABEL_TRUST',
    'all',
    "`all`, or `verified`: a label's hostname is served only under the tenant's own subdomain or a verified domain.",
    oneOf(['all', 'verified'] as const),
  ),
  accessLog: setting(
    'TIDEGATE_ACCESS_LOG',
    'off',
    'Where a JSON line for every request goes: `off`, `stdout`, or a file, which is appended to.',
    accessLogTarget,
  ),
  accessLogSample: setting(
    'TIDEGATE_ACCESS_LOG_SAMPLE',
    '1',
    'Share of requests that is logged, from 0 to 1; server errors always are.',
    share,
  ),
  log: setting('TIDEGATE_LOG', 'info', 'Lowest level that is logged, as JSON lines on stdout.', oneOf(LOG_LEVELS)),
};

/** Every setting in the order of docs/config.md. */
export const SETTINGS: readonly Setting[] = Object.values(settings);

function setting<T>(
  name: string,
  fallback: string | null,
  meaning: string,
  parse: (text: string) => Parsed<T>,
): Setting<T> {
  return { name, default: fallback, meaning, parse };
}

function text(value: string): Parsed<string> {
  return { value };
}

function listen(value: string): Parsed<ListenAddress> {
  const match = /^(?:(\[[0-9a-f:.]+\]|[^:[\]]*):)?(\d{1,5})$/i.exec(value);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) return { problem: 'write host:port, for example 0.0.0.0:8080' };
  const host = match[1] === undefined || match[1] === '' ? '0.0.0.0' : match[1].replace(/^\[|\]$/g, '');
  return { value: { host, port } };
}

function listenOrOff(value: string): Parsed<ListenAddress | null> {
  return value === 'off' ? { value: null } : listen(value);
}

function hostname(value: string): Parsed<string> {
  const parsed = parseHostname(value);
  return parsed.ok ? { value: parsed.hostname } : { problem: parsed.detail };
}

function store(value: string): Parsed<string> {
  if (value === 'sqlite') return { value };
  if (/^rediss?:\/\//.test(value)) {
    return { problem: 'the Redis store is not part of this version; use sqlite' };
  }
  return { problem: 'write sqlite' };
}

function engines(value: string): Parsed<readonly string[]> {
  const endpoints = listOf(value);
  const wrong = endpoints.find((one) => {
    const tcp = /^tcp:\/\/(?:\[[0-9a-f:.]+\]|[^/:[\]]+):(\d{1,5})$/i.exec(one);
    return tcp === null ? !/^unix:\/\/\/.+/.test(one) : !isPort(Number(tcp[1]));
  });
  if (wrong !== undefined) return { problem: `"${wrong}" is neither unix:///path nor tcp://host:port` };
  if (endpoints.length === 0) return { problem: 'name at least one endpoint' };
  return { value: endpoints };
}

function accessLogTarget(value: string): Parsed<AccessLogTarget> {
  if (value === 'off') return { value: null };
  return { value: value === 'stdout' ? { stdout: true } : { file: value } };
}

function share(value: string): Parsed<number> {
  const number = Number(value);
  return number >= 0 && number <= 1 ? { value: number } : { problem: 'write a number from 0 to 1, for example 0.1' };
}

function count(value: string): Parsed<number> {
  return /^\d{1,3}$/.test(value) ? { value: Number(value) } : { problem: 'write a whole number from 0 to 999' };
}

function token(value: string): Parsed<string> {
  return /^[\x21-\x7e]{16,}$/.test(value)
    ? { value }
    : { problem: 'use at least 16 printable characters without spaces' };
}

function httpUrl(value: string): Parsed<string> {
  return URL.canParse(value) && /^https?:/.test(value) ? { value } : { problem: 'write an http(s) URL' };
}

function challenges(value: string): Parsed<readonly string[]> {
  const names = listOf(value);
  const wrong = names.find((name) => !ACME_CHALLENGES.includes(name));
  if (wrong === undefined) return { value: names };
  const meant = nearest(wrong, ACME_CHALLENGES);
  return { problem: `"${wrong}" is not a challenge${meant === null ? '' : `; did you mean ${meant}?`}` };
}

function resolvers(value: string): Parsed<readonly string[]> {
  const all = listOf(value);
  const wrong = all.find((one) => {
    const match = /^(?:\[([0-9a-f:.]+)\]|([\d.]+)):(\d{1,5})$/i.exec(one);
    return match === null || isIP(match[1] ?? match[2] ?? '') === 0 || !isPort(Number(match[3]));
  });
  return wrong === undefined ? { value: all } : { problem: `"${wrong}" is not ip:port` };
}

function cidrs(value: string): Parsed<readonly string[]> {
  const all = listOf(value);
  const wrong = all.find((one) => {
    const match = /^([0-9a-f:.]+)\/(\d{1,3})$/i.exec(one);
    const family = isIP(match?.[1] ?? '');
    return family === 0 || Number(match?.[2]) > (family === 4 ? 32 : 128);
  });
  return wrong === undefined ? { value: all } : { problem: `"${wrong}" is not a CIDR such as 10.0.0.0/8` };
}

function isPort(port: number): boolean {
  return port > 0 && port <= 65_535;
}

function oneOf<const T extends readonly string[]>(choices: T): (value: string) => Parsed<T[number]> {
  return (value) =>
    choices.includes(value)
      ? { value: value as T[number] }
      : { problem: `write one of ${choices.join(', ')}${didYouMean(value, choices)}` };
}

function didYouMean(value: string, choices: readonly string[]): string {
  const meant = nearest(value, choices);
  return meant === null ? '' : `; did you mean ${meant}?`;
}

function listOf(value: string): string[] {
  return value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
