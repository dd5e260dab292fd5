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
 */
export async function judgeCaa(
  hostname: string,
  resolvers: readonly Resolver[],
  { issuers, method }: CaaQuestion,
): Promise<Diagnosis | null> {
  if (issuers.length === 0) return null;
  const isWildcard = hostname.startsWith('*.');
  const labels = (isWildcard ? hostname.slice(2) : hostname).split('.');
  for (let from = 0; from < labels.length; from++) {
    const name = labels.slice(from).join('.');
    const answer = await askAny(name, resolvers);
    if (answer.status === 'failed') return unreadable(name);
    if (answer.status === 'found') return judge({ hostname, name, values: answer.values, isWildcard }, issuers, method);
  }
  return null;
}

export interface CaaQuestion {
  /** Names by which CAA records may know the certificate authority; empty: it is not to be held to them. */
  readonly issuers: readonly string[];
  /** How it will validate, which a record may restrict (RFC 8657 4). */
  readonly method: string;
}

interface CaaSet {
  readonly hostname: string;
  /** Where the set stands. */
  readonly name: string;
  readonly values: readonly string[];
  readonly isWildcard: boolean;
}

function judge(
  { hostname, name, values, isWildcard }: CaaSet,
  issuers: readonly string[],
  method: string,
): Diagnosis | null {
  const properties = values.map((text) => PROPERTY.exec(text)).filter((match) => match !== null);
  const ofTag = (tag: string): string[] =>
    properties.filter(([, , found = '']) => found.toLowerCase() === tag).map(([, , , value = '']) => value);
  const unknown = properties.find(([, critical, tag = '']) => critical !== undefined && !KNOWN.has(tag.toLowerCase()));
  const wild = isWildcard ? ofTag('issuewild') : [];
  const rules = wild.length > 0 ? wild : ofTag('issue');
  const ours = rules.filter((rule) => issuers.includes((rule.split(';')[0] ?? '').trim().toLowerCase()));
  const isAllowed = rules.length === 0 || ours.some((rule) => isFor(rule, method));
  if (isAllowed && unknown === undefined) return null;
  const [issuer = ''] = issuers;
  if (ours.length > 0 && unknown === undefined)
    return otherMethod({ hostname, name, values, isWildcard }, issuer, method);
  return {
    code: 'dns.caa_forbids',
    detail: `The CAA records of ${name} do not let ${issuer} issue for ${hostname}.`,
    fix: `Add the CAA record ${name} 0 ${wild.length > 0 ? 'issuewild' : 'issue'} "${issuer}", or remove the ones that are there.`,
    wanted: [`issue "${issuer}"`],
    seen: values,
  };
}

/** `ca.example; validationmethods=http-01,dns-01` */
function isFor(rule: string, method: string): boolean {
  const parameters = rule
    .split(';')
    .slice(1)
    .map((one) => one.trim().split('='));
  const methods = parameters.find(([name = '']) => name.trim().toLowerCase() === 'validationmethods')?.[1];
  return methods === undefined || methods.split(',').some((one) => one.trim().toLowerCase() === method);
}

function otherMethod({ hostname, name, values }: CaaSet, issuer: string, method: string): Diagnosis {
  return {
    code: 'dns.caa_forbids',
    detail: `The CAA records of ${name} let ${issuer} validate ${hostname} in other ways than ${method}.`,
    fix: `Add ${method} to validationmethods of the CAA record of ${name}, or take validationmethods out; otherwise the operator changes TIDEGATE_ACME_CHALLENGES.`,
    wanted: [`issue "${issuer}; validationmethods=${method}"`],
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
