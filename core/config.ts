/**
 * Settings: TIDEGATE_… variables in, one Config out. Every problem is reported at once, and a name nobody knows is an
 * error that says which one was meant.
 */
import { type DnsProviderUrl, tsigSecret } from './dns-provider-url.ts';
import { TidegateError } from './errors.ts';
import type { LogLevel } from './log.ts';
import type { StatsdTarget } from './metric-targets.ts';
import { nearest } from './nearest.ts';
import { type AccessLogTarget, type ListenAddress, SETTINGS, type Setting, settings } from './settings.ts';

export interface Config {
  /** Null: switched off. */
  readonly http: ListenAddress | null;
  readonly https: ListenAddress | null;
  readonly admin: ListenAddress;
  readonly baseDomain: string;
  readonly data: string;
  readonly store: string;
  /** Engine endpoints: `unix:///path` or `tcp://host:port`. */
  readonly docker: readonly string[];
  /** Folder with ca.pem, cert.pem and key.pem for `tcp://` endpoints. */
  readonly dockerCerts: string | null;
  /** Null: one per core. */
  readonly workers: number | null;
  /** Spare sandboxes kept on each host. */
  readonly spares: number;
  /** Replicas kept as sandboxes at most. */
  readonly sandboxes: number;
  readonly transport: 'auto' | 'net' | 'handle';
  /** Folder with own certificates. */
  readonly certs: string | null;
  /** Folder with the authorities of client certificates; null: `client-cas` in the state directory. */
  readonly clientCas: string | null;
  /** Null: made at the first start and kept in the state directory. */
  readonly token: string | null;
  readonly acme: {
    readonly directory: string;
    readonly email: string | null;
    readonly caFile: string | null;
    readonly eabKid: string | null;
    readonly eabHmac: string | null;
    readonly challenges: readonly string[];
    /** Directory of a second CA. */
    readonly fallback: string | null;
    /** What writes the records of `dns-01`. */
    readonly dns: DnsProviderUrl | null;
    /** Bearer token of a webhook, or the base64 secret of a TSIG key. */
    readonly dnsSecret: string | null;
    readonly parallel: number;
    /** Common name of the preferred root. */
    readonly chain: string | null;
    readonly key: 'ecdsa' | 'rsa';
  };
  /** Null: `encryption.key` in the state directory. */
  readonly keyFile: string | null;
  /** Hostname that custom domains point at. */
  readonly edge: string;
  /** Addresses that custom domains may resolve to; empty: those of the edge and of this machine. */
  readonly edgeAddresses: readonly string[];
  /** `ip:port` of resolvers for domain verification; empty: the system's. */
  readonly dns: readonly string[];
  /** CIDRs. */
  readonly trustedProxies: readonly string[];
  readonly labelTrust: 'all' | 'verified';
  readonly accessLog: AccessLogTarget;
  /** 0 to 1. */
  readonly accessLogSample: number;
  /** What containers write: kept of each set, and for how long. */
  readonly logs: { readonly keepBytes: number; readonly keepDays: number };
  /** Where metrics are sent; null: nowhere. */
  readonly statsd: StatsdTarget | null;
  readonly otlp: string | null;
  readonly otlpHeaders: Readonly<Record<string, string>>;
  /** Between two readings of what replicas use. */
  readonly usageEveryMs: number;
  readonly log: LogLevel;
}

/**
 * Reads the settings out of an environment.
 * @throws TidegateError `config.invalid` whose message lists every problem, one a line.
 */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const known = new Set(SETTINGS.map((one) => one.name));
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('TIDEGATE_') || known.has(name) || isReserved(name)) continue;
    const meant = nearest(name, known);
    problems.push(`${name} is not a setting${meant === null ? '' : `; did you mean ${meant}?`}`);
  }

  function read<T>(one: Setting<T>): T | null {
    const given = environment[one.name];
    const chosen = given === undefined || given.trim() === '' ? one.default : given.trim();
    if (chosen === null) return null;
    const parsed = one.parse(chosen);
    if ('value' in parsed) return parsed.value;
    problems.push(`${one.name}=${SECRET.has(one.name) ? '…' : chosen}: ${parsed.problem}`);
    return null;
  }

  const baseDomain = read(settings.baseDomain) ?? '';
  const config = {
    http: read(settings.http),
    https: read(settings.https),
    admin: read(settings.admin) ?? { host: '', port: 0 },
    baseDomain,
    data: read(settings.data) ?? '',
    store: read(settings.store) ?? '',
    docker: read(settings.docker) ?? [],
    dockerCerts: read(settings.dockerCerts),
    workers: read(settings.workers),
    spares: read(settings.spares) ?? 0,
    sandboxes: read(settings.sandboxes) ?? 0,
    transport: read(settings.transport) ?? 'auto',
    certs: read(settings.certs),
    clientCas: read(settings.clientCas),
    token: read(settings.token),
    acme: {
      directory: read(settings.acmeDirectory) ?? '',
      email: read(settings.acmeEmail),
      caFile: read(settings.acmeCaFile),
      eabKid: read(settings.acmeEabKid),
      eabHmac: read(settings.acmeEabHmac),
      challenges: read(settings.acmeChallenges) ?? [],
      fallback: read(settings.acmeFallback),
      dns: read(settings.acmeDns),
      dnsSecret: read(settings.acmeDnsSecret),
      parallel: read(settings.acmeParallel) ?? 1,
      chain: read(settings.acmeChain),
      key: read(settings.acmeKey) ?? 'ecdsa',
    },
    keyFile: read(settings.keyFile),
    edge: read(settings.edge) ?? baseDomain,
    edgeAddresses: read(settings.edgeAddresses) ?? [],
    dns: read(settings.dns) ?? [],
    trustedProxies: read(settings.trustedProxies) ?? [],
    labelTrust: read(settings.labelTrust) ?? 'all',
    accessLog: read(settings.accessLog),
    accessLogSample: read(settings.accessLogSample) ?? 1,
    logs: { keepBytes: read(settings.logKeepBytes) ?? 0, keepDays: read(settings.logKeepDays) ?? 0 },
    statsd: read(settings.statsd),
    otlp: read(settings.otlp),
    otlpHeaders: read(settings.otlpHeaders) ?? {},
    usageEveryMs: read(settings.usageEveryMs) ?? 0,
    log: read(settings.log) ?? 'info',
  } satisfies Config;

  if (config.dockerCerts === null && config.docker.some((endpoint) => endpoint.startsWith('tcp://'))) {
    problems.push('TIDEGATE_DOCKER: a tcp:// endpoint needs TIDEGATE_DOCKER_CERTS (ca.pem, cert.pem, key.pem)');
  }
  if (config.acme.dns?.kind === 'rfc2136' && tsigSecret(config.acme.dnsSecret ?? '') === null) {
    problems.push(
      'TIDEGATE_ACME_DNS_SECRET: rfc2136:// needs the secret of the TSIG key, in base64 as tsig-keygen shows it',
    );
  }
  if (problems.length > 0) {
    throw new TidegateError('config.invalid', `settings cannot be used:\n  ${problems.join('\n  ')}`, {
      detail: { problems },
    });
  }
  return config;
}

/** Settings whose values are never repeated in a message: they are secrets, or may hold one. */
const SECRET = new Set([
  'TIDEGATE_TOKEN',
  'TIDEGATE_STORE',
  'TIDEGATE_ACME_EAB_HMAC',
  'TIDEGATE_ACME_DNS',
  'TIDEGATE_ACME_DNS_SECRET',
  'TIDEGATE_OTLP',
  'TIDEGATE_OTLP_HEADERS',
]);

/** Names with our prefix that belong to the command line client: where the API is. */
function isReserved(name: string): boolean {
  return name === 'TIDEGATE_URL';
}
