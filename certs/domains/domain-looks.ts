/** One look at DNS for a domain: whether it is proved, and whether it points here. Knows no other domain and changes nothing. */
import { judgeAddresses } from '../dns/addresses.ts';
import type { Diagnosis } from '../dns/diagnosis.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { DomainFindings, ResolverAnswer } from './domain-answers.ts';
import type { DnsCondition, DomainRecord, OwnershipFinding } from './domain-record.ts';
import { lookForProof, proofName, TXT_VALUE_PREFIX } from './ownership.ts';

/** Any name below a wildcard will do to look at. */
const WILDCARD_LABEL = 'tidegate-check';

export interface DomainLooksOptions {
  readonly resolvers: readonly Resolver[];
  /** Hostname that domains point at. */
  readonly edge: string;
  /** Addresses that domains may resolve to. */
  readonly addresses: () => Promise<ReadonlySet<string>>;
  /** Whether addresses lead here even so; empty: all do. */
  readonly echo: (hostname: string, addresses: readonly string[]) => Promise<readonly Diagnosis[]>;
}

export interface Findings {
  readonly ownership: OwnershipFinding;
  readonly dns: DnsCondition;
}

export class DomainLooks {
  readonly #options: DomainLooksOptions;
  /** Under way, by the id of the domain. */
  readonly #reports = new Map<string, Promise<DomainFindings>>();
  /** That domains may resolve to, as they were known last. */
  addresses: ReadonlySet<string> = new Set();

  constructor(options: DomainLooksOptions) {
    this.#options = options;
  }

  async learnAddresses(): Promise<void> {
    this.addresses = await this.#options.addresses();
  }

  /** @param isCovered the tenant has proved a name above it */
  async at(record: DomainRecord, isCovered: boolean): Promise<Findings> {
    const { resolvers, edge } = this.#options;
    await this.learnAddresses();
    const own = await lookForProof(record, resolvers, edge);
    const ownership: OwnershipFinding =
      own.outcome !== 'proved' && isCovered ? { outcome: 'proved', method: 'parent', seen: own.seen } : own;
    // Only an owner may make us knock at addresses.
    return { ownership, dns: await this.#dns(record.hostname, ownership.outcome === 'proved') };
  }

  /** The same for people: every record that was looked for, wanted beside seen. Who asks meanwhile gets the same one. */
  report(record: DomainRecord, isCovered: boolean): Promise<DomainFindings> {
    const { id } = record;
    const underWay = this.#reports.get(id);
    if (underWay !== undefined) return underWay;
    const report = this.#report(record, isCovered).finally(() => this.#reports.delete(id));
    this.#reports.set(id, report);
    return report;
  }

  async #report(record: DomainRecord, isCovered: boolean): Promise<DomainFindings> {
    const { resolvers, edge } = this.#options;
    const { hostname, proof } = record;
    const { ownership, dns } = await this.at(record, isCovered);
    const name = proofName(hostname);
    const proofs = await Promise.all(
      resolvers.map(async (resolver): Promise<ResolverAnswer> => {
        const answer = await resolver.ask(name, 'TXT');
        const seen = answer.status === 'found' ? answer.values : [];
        const fault = answer.status === 'failed' ? answer.reason : null;
        return { resolver: resolver.server, type: 'TXT', name, wanted: [`${TXT_VALUE_PREFIX}${proof}`], seen, fault };
      }),
    );
    const wanted = [edge, ...this.addresses];
    const traffic = dns.seen.map(({ resolver, type, values }) => ({
      ...{ resolver, type, name: hostname, wanted, seen: values, fault: null },
    }));
    const missing = ownership.outcome === 'proved' ? [] : ownership.diagnosis;
    return { hostname, diagnosis: [...missing, ...dns.diagnosis], records: [...proofs, ...traffic] };
  }

  async #dns(hostname: string, mayKnock: boolean): Promise<DnsCondition> {
    const { resolvers, edge, echo } = this.#options;
    const name = hostname.replace(/^\*/, WILDCARD_LABEL);
    const { state, seen, diagnosis, addresses } = await judgeAddresses(name, resolvers, {
      edge,
      addresses: this.addresses,
    });
    const disagree = diagnosis.some(({ code }) => code === 'dns.not_everywhere');
    if (state === 'wrong' && mayKnock && !disagree && addresses.length > 0) {
      // It may be behind another address of ours, which is not known here.
      if ((await echo(name, addresses)).length === 0) return { state: 'ok', diagnosis: [], seen };
    }
    return { state, diagnosis, seen };
  }
}
