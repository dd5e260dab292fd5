/**
 * The table of settings: name, default, meaning and shape of each. It drives the reading of the environment and makes
 * docs/config.md.
 */
import { dnsProviderUrl } from './dns-provider-url.ts';
import { LOG_LEVELS } from './log.ts';
import { otlpEndpoint, otlpHeaders, statsdTarget } from './metric-targets.ts';
import {
  addresses,
  atLeastOne,
  challenges,
  cidrs,
  count,
  engines,
  hostname,
  httpUrl,
  oneOf,
  type Parsed,
  resolvers,
  share,
  sizeFrom1m,
  store,
  text,
  token,
  usageInterval,
} from './setting-shapes.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** Of a socket that is bound to it already and shared with other processes; not given: a socket of its own. */
  readonly fd?: number;
}

/** Null: there is no access log. */
export type AccessLogTarget = { readonly stdout: true } | { readonly file: string } | null;

export interface Setting<T = unknown> {
  readonly name: string;
  /** As text, or null where there is none. */
  readonly default: string | null;
  readonly meaning: string;
  readonly parse: (text: string) => Parsed<T>;
}

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
    'Where state is kept: `sqlite` is embedded, in the state directory; `redis://…` or `rediss://…` a Redis server (set `appendonly yes` and `appendfsync always` there), `redis+sentinel://host:port,host:port/<name of the master>[/<number of the database>]` the master that the sentinels name (`?sentinel-password=…` where they ask for one). Keys stay in the state directory.',
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
  spares: setting(
    'TIDEGATE_SPARES',
    '0',
    'Spare sandboxes kept on each host: pause containers that any set of the API takes when it needs replicas in a hurry.',
    count,
  ),
  sandboxes: setting(
    'TIDEGATE_SANDBOXES',
    '64',
    'Replicas kept as sandboxes at most (`tidegate.scale.sandbox`); beyond that those of the longest idle set are stopped.',
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
  clientCas: setting(
    'TIDEGATE_CLIENT_CAS',
    null,
    'Folder with the authorities of client certificates: `<name>.pem` holds one or more CA certificates, and `tidegate.tls.client` names it; read again when they change. None given: `<data>/client-cas`.',
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
  acmeFallback: setting(
    'TIDEGATE_ACME_FALLBACK',
    null,
    'ACME directory of a second CA, asked when the first one fails through no fault of the domain.',
    httpUrl,
  ),
  acmeDns: setting(
    'TIDEGATE_ACME_DNS',
    null,
    'What writes the records of `dns-01`: the URL of a webhook, which takes `POST {"action": "set" | "clear", "name", "value"}`, or `rfc2136://<server>[:53][/<zone>]?key=<name>[&alg=hmac-sha256]`, a name server that takes dynamic updates (also `hmac-sha384`, `hmac-sha512`; no zone given: the server is asked).',
    dnsProviderUrl,
  ),
  acmeDnsSecret: setting(
    'TIDEGATE_ACME_DNS_SECRET',
    null,
    'Secret for TIDEGATE_ACME_DNS: bearer token of the webhook, or the base64 secret of the TSIG key.',
    text,
  ),
  acmeParallel: setting('TIDEGATE_ACME_PARALLEL', '4', 'Orders in progress at a time.', atLeastOne),
  acmeChain: setting(
    'TIDEGATE_ACME_CHAIN',
    null,
    'Common name of the root that is preferred where a CA offers several chains.',
    text,
  ),
  acmeKey: setting(
    'TIDEGATE_ACME_KEY',
    'ecdsa',
    'Keys of certificates: `ecdsa` (P-256) or `rsa` (2048).',
    oneOf(['ecdsa', 'rsa'] as const),
  ),
  keyFile: setting(
    'TIDEGATE_KEY_FILE',
    null,
    'File with the key that private keys and secrets are encrypted with; none given: `<data>/encryption.key`, made at the first start.',
    text,
  ),
  edge: setting('TIDEGATE_EDGE', null, 'Hostname that custom domains point at; none given: the base domain.', hostname),
  edgeAddresses: setting(
    'TIDEGATE_EDGE_ADDRESSES',
    null,
    'Addresses that custom domains may resolve to, comma-separated; none given: those of TIDEGATE_EDGE and of this machine.',
    addresses,
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
  logKeepBytes: setting(
    'TIDEGATE_LOG_KEEP_BYTES',
    '64m',
    'How much of what the containers of a set write is kept, for each set: bytes, or `512k`, `64m`, `1g`.',
    sizeFrom1m,
  ),
  logKeepDays: setting(
    'TIDEGATE_LOG_KEEP_DAYS',
    '7',
    'For how many days it is kept, also when the set is gone.',
    atLeastOne,
  ),
  statsd: setting(
    'TIDEGATE_STATSD',
    null,
    'StatsD server that metrics are sent to every 10 s: `udp://host:port`, with `?prefix=<text>` before each name and `tags=dogstatsd` where it reads tags (else values of labels become parts of the name).',
    statsdTarget,
  ),
  otlp: setting(
    'TIDEGATE_OTLP',
    null,
    'Collector of OpenTelemetry that metrics are sent to every 10 s, over HTTP as JSON: `http://host:4318`; `/v1/metrics` is put behind it.',
    otlpEndpoint,
  ),
  otlpHeaders: setting(
    'TIDEGATE_OTLP_HEADERS',
    null,
    'Headers for TIDEGATE_OTLP, such as those that say who sends: `name=value`, comma-separated, values percent-encoded.',
    otlpHeaders,
  ),
  usageEveryMs: setting(
    'TIDEGATE_USAGE_EVERY',
    '2s',
    'How often what replicas use is read (processor, memory, network), from `500ms` to `60s`.',
    usageInterval,
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

function accessLogTarget(value: string): Parsed<AccessLogTarget> {
  if (value === 'off') return { value: null };
  return { value: value === 'stdout' ? { stdout: true } : { file: value } };
}
