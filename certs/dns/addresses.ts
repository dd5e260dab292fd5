/**
 * Whether a hostname points here: every address that any resolver sees has to be one that is expected. Where that is not so,
 * the verdict says which record is wrong, where it was seen and what to change.
 */
import { SocketAddress } from 'node:net';
import { CdnRanges } from './cdn-ranges.ts';
import { isBogus } from './checking-disabled.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { DnsAnswer, DnsFailure, RecordType, Resolver } from './resolver.ts';

export interface ExpectedAddresses {
  /** Hostname that domains may be an alias of. */
  readonly edge: string;
  readonly addresses: ReadonlySet<string>;
}

export interface SeenRecords {
  /** `ip:port`. */
  readonly resolver: string;
  readonly type: RecordType;
  readonly values: readonly string[];
}

export interface AddressVerdict {
  /** `unknown`: no resolver could tell. */
  readonly state: 'ok' | 'wrong' | 'unknown';
  /** All that any resolver saw. */
  readonly addresses: readonly string[];
  readonly diagnosis: readonly Diagnosis[];
  readonly seen: readonly SeenRecords[];
}

interface Sight {
  readonly resolver: Resolver;
  readonly a: DnsAnswer;
  readonly aaaa: DnsAnswer;
  readonly alias: DnsAnswer;
}

/** @param hostname without wildcard */
export async function judgeAddresses(
  hostname: string,
  resolvers: readonly Resolver[],
  expected: ExpectedAddresses,
): Promise<AddressVerdict> {
  const sights = await Promise.all(resolvers.map((resolver) => look(hostname, resolver)));
  const verdicts = await Promise.all(sights.map((sight) => judge(hostname, sight, expected)));
  const seen = sights.flatMap(recordsOf);
  const addresses = [...new Set(sights.flatMap(({ a, aaaa }) => [...valuesOf(a), ...valuesOf(aaaa)].map(canonical)))];
  const told = verdicts.filter((verdict) => verdict !== null && verdict.state !== 'unknown');
  const state = told.length === 0 ? 'unknown' : told.every((verdict) => verdict.state === 'ok') ? 'ok' : 'wrong';
  if (state === 'ok') return { state, addresses, diagnosis: [], seen };
  const wrong = state === 'unknown' ? verdicts : told.filter((verdict) => verdict.state === 'wrong');
  const diagnosis = distinct(wrong.map((verdict) => verdict.diagnosis));
  if (told.some((verdict) => verdict.state === 'ok')) diagnosis.unshift(spreading(hostname, wrong.map(resolverOf)));
  return { state, addresses, diagnosis, seen };
}

/** One spelling for each IPv6 address. */
export function canonical(address: string): string {
  if (!address.includes(':')) return address;
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

async function look(hostname: string, resolver: Resolver): Promise<Sight> {
  const ask = (type: RecordType): Promise<DnsAnswer> => resolver.ask(hostname, type);
  const [a, aaaa, alias] = await Promise.all([ask('A'), ask('AAAA'), ask('CNAME')]);
  return { resolver, a, aaaa, alias };
}

type Judged =
  | { readonly state: 'ok'; readonly diagnosis: null }
  | { readonly state: 'wrong' | 'unknown'; readonly diagnosis: Diagnosis };

async function judge(hostname: string, sight: Sight, expected: ExpectedAddresses): Promise<Judged> {
  const { resolver, a, aaaa } = sight;
  const { server } = resolver;
  const failure = a.status === 'failed' ? a.reason : aaaa.status === 'failed' ? aaaa.reason : null;
  if (failure !== null) return { state: 'unknown', diagnosis: await failed(hostname, server, failure) };
  const isHere = (address: string): boolean => expected.addresses.has(canonical(address));
  const wrong4 = valuesOf(a).filter((address) => !isHere(address));
  const wrong6 = valuesOf(aaaa).filter((address) => !isHere(address));
  const wanted = wantedOf(expected);
  if (a.status !== 'found' && aaaa.status !== 'found') {
    const diagnosis: Diagnosis = {
      code: 'dns.no_record',
      detail: `${hostname} has no A, AAAA or CNAME record at ${server}.`,
      fix: `Set a CNAME record ${hostname} → ${expected.edge}, or address records with ${wanted.join(', ')}.`,
      wanted,
      seen: [],
      resolver: server,
    };
    return { state: 'wrong', diagnosis };
  }
  if (wrong4.length === 0 && wrong6.length === 0) return { state: 'ok', diagnosis: null };
  const seen = [...valuesOf(a), ...valuesOf(aaaa)];
  return {
    state: 'wrong',
    diagnosis: { ...elsewhere(hostname, sight, [...wrong4, ...wrong6]), wanted, seen, resolver: server },
  };

  function elsewhere(
    name: string,
    { alias }: Sight,
    wrong: readonly string[],
  ): Pick<Diagnosis, 'code' | 'detail' | 'fix'> {
    const network = networkOf(wrong);
    const words = wrong.join(', ');
    if (network !== null) {
      return {
        code: 'dns.cdn_in_front',
        detail: `${name} resolves to ${words}, which belongs to ${network}.`,
        fix: `Switch the proxy of ${network} off for this name ("DNS only"), or bring a certificate of your own.`,
      };
    }
    if (wrong4.length === 0 && a.status === 'found') {
      return {
        code: 'dns.aaaa_elsewhere',
        detail: `The A record of ${name} is right, but its AAAA record is ${words}: certificate authorities and browsers try IPv6 first.`,
        fix: `Remove the AAAA record of ${name}, or set it to an IPv6 address of ${expected.edge}.`,
      };
    }
    if (wrong6.length === 0 && aaaa.status === 'found') {
      return {
        code: 'dns.mixed_families',
        detail: `The AAAA record of ${name} is right, but its A record is ${words}.`,
        fix: `Set the A record of ${name} to an IPv4 address of ${expected.edge}, or remove it.`,
      };
    }
    const [target] = valuesOf(alias);
    return {
      code: 'dns.wrong_target',
      detail: `${name} ${target === undefined ? '' : `is an alias of ${target} and `}resolves to ${words}, which is not here.`,
      fix: `Point ${name} at ${expected.edge} (CNAME), or set its address records to ${wanted.join(', ')} and no others.`,
    };
  }
}

async function failed(hostname: string, server: string, reason: DnsFailure): Promise<Diagnosis> {
  if (reason === 'servfail' && (await isBogus(hostname, server))) {
    return {
      code: 'dns.dnssec_bogus',
      detail: `The records of ${hostname} fail the validation of DNSSEC at ${server}: without it they can be read.`,
      fix: 'Renew the signatures of the zone, or remove its DS record at the registrar until they are right.',
      resolver: server,
    };
  }
  const table: Record<DnsFailure, Pick<Diagnosis, 'code' | 'detail' | 'fix'>> = {
    servfail: {
      code: 'dns.servfail',
      detail: `${server} answers SERVFAIL for ${hostname}.`,
      fix: 'Check that the name servers of the domain answer, and that its DNSSEC signatures are in order.',
    },
    timeout: {
      code: 'dns.timeout',
      detail: `${server} gives no answer for ${hostname} in time.`,
      fix: 'Check that the name servers of the domain can be reached; otherwise the operator checks TIDEGATE_DNS.',
    },
    refused: {
      code: 'dns.refused',
      detail: `${server} refuses to answer for ${hostname}.`,
      fix: 'The operator checks TIDEGATE_DNS: the resolver has to answer for this machine.',
    },
    unreachable: {
      code: 'dns.timeout',
      detail: `${server} cannot be reached.`,
      fix: 'The operator checks TIDEGATE_DNS and the network of this machine.',
    },
  };
  return { ...table[reason], resolver: server };
}

function spreading(hostname: string, resolvers: readonly string[]): Diagnosis {
  return {
    code: 'dns.not_everywhere',
    detail: `Other resolvers see the right records of ${hostname}; ${resolvers.join(', ')} not yet.`,
    fix: 'Wait until the old records have run out of their time to live, or check that all name servers hold the same zone.',
  };
}

function recordsOf({ resolver, a, aaaa, alias }: Sight): SeenRecords[] {
  const all: readonly (readonly [RecordType, DnsAnswer])[] = [
    ['CNAME', alias],
    ['A', a],
    ['AAAA', aaaa],
  ];
  return all
    .filter(([, answer]) => answer.status === 'found')
    .map(([type, answer]) => ({ resolver: resolver.server, type, values: valuesOf(answer) }));
}

function valuesOf(answer: DnsAnswer): readonly string[] {
  return answer.status === 'found' ? answer.values : [];
}

function wantedOf({ edge, addresses }: ExpectedAddresses): readonly string[] {
  return addresses.size === 0 ? [edge] : [...addresses];
}

function networkOf(addresses: readonly string[]): string | null {
  const ranges = new CdnRanges();
  for (const address of addresses) {
    const network = ranges.networkOf(address);
    if (network !== null) return network;
  }
  return null;
}

function resolverOf({ diagnosis }: Judged): string {
  return diagnosis?.resolver ?? '';
}

/** One of each cause with the same records. */
function distinct(all: readonly (Diagnosis | null)[]): Diagnosis[] {
  const kept = new Map<string, Diagnosis>();
  for (const one of all) {
    if (one === null) continue;
    const key = JSON.stringify([one.code, one.seen]);
    if (!kept.has(key)) kept.set(key, one);
  }
  return [...kept.values()];
}
