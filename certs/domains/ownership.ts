/**
 * Looks for the proof that a hostname is a tenant's: a TXT record with its value, or an alias that names tenant and app.
 * Merely pointing here proves nothing: whoever forgot a record that points here would lose his name to the first who asks.
 */
import type { Diagnosis } from '../dns/diagnosis.ts';
import type { DnsAnswer, Resolver } from '../dns/resolver.ts';
import type { DomainRecord, OwnershipFinding } from './domain-record.ts';

export const TXT_PREFIX = '_tidegate.';
export const TXT_VALUE_PREFIX = 'tidegate-verify=';

export type Claim = Pick<DomainRecord, 'hostname' | 'tenant' | 'app' | 'proof'>;

/** Where the TXT record stands. */
export function proofName(hostname: string): string {
  return `${TXT_PREFIX}${hostname.replace(/^\*\./, '')}`;
}

/** What an alias has to point at to prove ownership. */
export function aliasTarget({ app, tenant }: Pick<Claim, 'app' | 'tenant'>, edge: string): string {
  return `${app}.${tenant}.${edge}`;
}

export async function lookForProof(
  claim: Claim,
  resolvers: readonly Resolver[],
  edge: string,
): Promise<OwnershipFinding> {
  const name = proofName(claim.hostname);
  const wanted = `${TXT_VALUE_PREFIX}${claim.proof}`;
  const looks = await Promise.all(
    resolvers.map(async (resolver) => {
      const ask = (): Promise<readonly [DnsAnswer, DnsAnswer]> =>
        Promise.all([resolver.ask(name, 'TXT'), resolver.ask(claim.hostname, 'CNAME')]);
      const [txt, alias] = await ask();
      return { resolver: resolver.server, txt, alias };
    }),
  );
  const values = [...new Set(looks.flatMap(({ txt }) => found(txt)))];
  const told = looks.filter(({ txt }) => txt.status !== 'failed');
  if (told.length > 0 && told.every(({ txt }) => found(txt).includes(wanted))) {
    return { outcome: 'proved', method: 'txt', seen: values };
  }
  const target = aliasTarget(claim, edge);
  const aliased = looks.filter(({ alias }) => alias.status !== 'failed');
  if (aliased.length > 0 && aliased.every(({ alias }) => found(alias).includes(target))) {
    return { outcome: 'proved', method: 'cname', seen: values };
  }
  // Either record may be the proof: who could not be asked for both has not seen that it is gone.
  if (looks.every(({ txt, alias }) => txt.status === 'failed' || alias.status === 'failed')) {
    const failed = looks.map(({ resolver }) => resolver).join(', ');
    const diagnosis: Diagnosis = {
      code: 'dns.servfail',
      detail: `${name} and the alias of ${claim.hostname} could not be asked for at ${failed}.`,
      fix: 'Check that the name servers of the domain answer.',
    };
    return { outcome: 'unknown', diagnosis: [diagnosis], seen: [] };
  }
  const [pointed] = aliased.flatMap(({ alias }) => found(alias));
  return {
    outcome: 'missing',
    diagnosis: [missing({ claim, name, wanted, values, pointed, target, edge })],
    seen: values,
  };
}

interface MissingProof {
  readonly claim: Claim;
  readonly name: string;
  readonly wanted: string;
  readonly values: readonly string[];
  readonly pointed: string | undefined;
  readonly target: string;
  readonly edge: string;
}

function missing({ claim, name, wanted, values, pointed, target, edge }: MissingProof): Diagnosis {
  const fix = `Set a TXT record ${name} with the value ${wanted}.`;
  if (pointed !== undefined && pointed !== target && pointed.endsWith(`.${edge}`)) {
    return {
      code: 'ownership.cname_foreign',
      detail: `${claim.hostname} is an alias of ${pointed}, which names another app or tenant.`,
      fix: `Point it at ${target} instead, or: ${fix}`,
      wanted: [target],
      seen: [pointed],
    };
  }
  const ours = values.filter((value) => value.startsWith(TXT_VALUE_PREFIX));
  if (ours.length > 0) {
    return {
      code: 'ownership.txt_wrong',
      detail: `${name} holds another value.`,
      fix: `Change the TXT record ${name} to ${wanted}; further values beside it do no harm.`,
      wanted: [wanted],
      seen: ours,
    };
  }
  return {
    code: 'ownership.txt_missing',
    detail: `${name} has no such TXT record.`,
    fix,
    wanted: [wanted],
    seen: values,
  };
}

function found(answer: DnsAnswer): readonly string[] {
  return answer.status === 'found' ? answer.values : [];
}
