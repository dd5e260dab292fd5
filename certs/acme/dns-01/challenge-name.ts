/**
 * Where the answer to DNS-01 has to stand: at `_acme-challenge.<hostname>`, or at what that is an alias of. So a zone that
 * Tidegate cannot write to hands the challenge over to one that it can, by one record set once.
 */
import type { Resolver } from '../../dns/resolver.ts';

const ALIASES_MAX = 8;

/** @throws Error when aliases go round in circles, or when nobody can say whether there is one */
export async function challengeName(hostname: string, resolvers: readonly Resolver[]): Promise<string> {
  const first = `_acme-challenge.${hostname.replace(/^\*\./, '')}`;
  const seen = new Set([first]);
  let name = first;
  for (;;) {
    const next = await aliasOf(name, resolvers);
    if (next === null) return name;
    if (seen.has(next) || seen.size > ALIASES_MAX) throw new Error(`the alias of ${first} does not lead anywhere`);
    seen.add(next);
    name = next;
  }
}

async function aliasOf(name: string, resolvers: readonly Resolver[]): Promise<string | null> {
  for (const resolver of resolvers) {
    const answer = await resolver.ask(name, 'CNAME');
    if (answer.status === 'found') return answer.values[0] ?? null;
    if (answer.status === 'none') return null;
  }
  throw new Error(`no resolver can say whether ${name} is an alias`);
}
