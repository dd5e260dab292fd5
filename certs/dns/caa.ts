/**
 * Whether CAA records let a certificate authority issue (RFC 8659): the closest set at or above the hostname counts. Asked
 * before any order, because a certificate authority that is forbidden counts the try.
 */
import type { Diagnosis } from './diagnosis.ts';
import type { DnsAnswer, Resolver } from './resolver.ts';

const PROPERTY = /^(critical )?([a-z0-9]+) "([^"]*)"$/i;
const KNOWN: ReadonlySet<string> = new Set([
  'issue',
  'issuewild',
  'iodef',
  'issuemail',
  'issuevmc',
  'contactemail',
  'contactphone',
]);

/**
 * Null: nothing stands in the way.
 * @param hostname may be a wildcard
 * @param issuers names by which CAA records may know the certificate authority; empty: it is not to be held to them
 */
export async function judgeCaa(
  hostname: string,
  resolvers: readonly Resolver[],
  issuers: readonly string[],
): Promise<Diagnosis | null> {
  if (issuers.length === 0) return null;
  const isWildcard = hostname.startsWith('*.');
  const labels = (isWildcard ? hostname.slice(2) : hostname).split('.');
  for (let from = 0; from < labels.length; from++) {
    const name = labels.slice(from).join('.');
    const answer = await askAny(name, resolvers);
    if (answer.status === 'failed') return unreadable(name);
    if (answer.status === 'found') return judge({ hostname, name, values: answer.values, isWildcard }, issuers);
  }
  return null;
}

interface CaaSet {
  readonly hostname: string;
  /** Where the set stands. */
  readonly name: string;
  readonly values: readonly string[];
  readonly isWildcard: boolean;
}

function judge({ hostname, name, values, isWildcard }: CaaSet, issuers: readonly string[]): Diagnosis | null {
  const properties = values.map((text) => PROPERTY.exec(text)).filter((match) => match !== null);
  const ofTag = (tag: string): string[] =>
    properties.filter(([, , found = '']) => found.toLowerCase() === tag).map(([, , , value = '']) => value);
  const unknown = properties.find(([, critical, tag = '']) => critical !== undefined && !KNOWN.has(tag.toLowerCase()));
  const wild = isWildcard ? ofTag('issuewild') : [];
  const rules = wild.length > 0 ? wild : ofTag('issue');
  const allowed = rules.map((rule) => (rule.split(';')[0] ?? '').trim().toLowerCase());
  const isAllowed = rules.length === 0 || allowed.some((one) => issuers.includes(one));
  if (isAllowed && unknown === undefined) return null;
  const [issuer = ''] = issuers;
  return {
    code: 'dns.caa_forbids',
    detail: `The CAA records of ${name} do not let ${issuer} issue for ${hostname}.`,
    fix: `Add the CAA record ${name} 0 ${wild.length > 0 ? 'issuewild' : 'issue'} "${issuer}", or remove the ones that are there.`,
    wanted: [`issue "${issuer}"`],
    seen: values,
  };
}

/** The first answer there is. */
async function askAny(name: string, resolvers: readonly Resolver[]): Promise<DnsAnswer> {
  let last: DnsAnswer = { status: 'failed', reason: 'unreachable' };
  for (const resolver of resolvers) {
    last = await resolver.ask(name, 'CAA');
    if (last.status !== 'failed') return last;
  }
  return last;
}

function unreadable(name: string): Diagnosis {
  return {
    code: 'dns.servfail',
    detail: `The CAA records of ${name} cannot be read, and no certificate authority issues without having read them.`,
    fix: 'Check that the name servers of the domain answer for type CAA, if only that there is none.',
  };
}
