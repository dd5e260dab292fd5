/**
 * DNS as one resolver sees it. Every answer is a value: what is there, that nothing is there, or why that cannot be told;
 * these three lead to different advice.
 */
import { type CaaRecord, getServers } from 'node:dns';
import { Resolver as NodeResolver } from 'node:dns/promises';

/** Of one try; the second one takes twice as long. */
const TRY_MS = 2000;
const TRIES = 2;
/** RFC 8659 4.1: whoever does not understand the property has to refuse. */
const CRITICAL = 128;

export type RecordType = 'A' | 'AAAA' | 'CNAME' | 'TXT' | 'CAA' | 'NS';

export const DNS_FAILURES = ['servfail', 'timeout', 'refused', 'unreachable'] as const;
export type DnsFailure = (typeof DNS_FAILURES)[number];

export type DnsAnswer =
  /** TXT: the strings of a record as one. CAA: `issue "ca.example"`, with `critical ` before it where that is set. */
  | { readonly status: 'found'; readonly values: readonly string[] }
  /** `exists`: the name has records of other types (NODATA, not NXDOMAIN). */
  | { readonly status: 'none'; readonly exists: boolean }
  | { readonly status: 'failed'; readonly reason: DnsFailure };

export interface Resolver {
  /** `ip:port`. */
  readonly server: string;
  /** Never rejects. Aliases are followed, but for type CNAME. */
  ask(name: string, type: RecordType): Promise<DnsAnswer>;
}

/**
 * A resolver for each server.
 * @param servers `ip:port`; empty: those of the system
 */
export function openResolvers(servers: readonly string[]): readonly Resolver[] {
  const all = servers.length === 0 ? getServers() : servers;
  return all.map((server) => new OneServer(server));
}

class OneServer implements Resolver {
  readonly server: string;
  readonly #resolver = new NodeResolver({ timeout: TRY_MS, tries: TRIES });

  constructor(server: string) {
    this.server = server;
    this.#resolver.setServers([server]);
  }

  async ask(name: string, type: RecordType): Promise<DnsAnswer> {
    try {
      const values = await this.#values(name, type);
      return values.length === 0 ? { status: 'none', exists: true } : { status: 'found', values };
    } catch (error) {
      return answerOf((error as NodeJS.ErrnoException).code ?? '');
    }
  }

  async #values(name: string, type: RecordType): Promise<string[]> {
    const resolver = this.#resolver;
    switch (type) {
      case 'A':
        return resolver.resolve4(name);
      case 'AAAA':
        return resolver.resolve6(name);
      case 'CNAME':
        return (await resolver.resolveCname(name)).map(normalised);
      case 'NS':
        return (await resolver.resolveNs(name)).map(normalised);
      case 'TXT':
        return (await resolver.resolveTxt(name)).map((strings) => strings.join(''));
      case 'CAA':
        return (await resolver.resolveCaa(name)).map(caaText);
    }
  }
}

function answerOf(code: string): DnsAnswer {
  switch (code) {
    case 'ENODATA':
      return { status: 'none', exists: true };
    case 'ENOTFOUND':
      return { status: 'none', exists: false };
    case 'ESERVFAIL':
      return { status: 'failed', reason: 'servfail' };
    case 'ETIMEOUT':
      return { status: 'failed', reason: 'timeout' };
    case 'EREFUSED':
      return { status: 'failed', reason: 'refused' };
    default:
      return { status: 'failed', reason: 'unreachable' };
  }
}

function normalised(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

function caaText({ critical, ...properties }: CaaRecord): string {
  const [tag, value] = Object.entries(properties).find(([name]) => name !== 'type') ?? ['', ''];
  return `${(critical & CRITICAL) === 0 ? '' : 'critical '}${tag} "${String(value)}"`;
}
