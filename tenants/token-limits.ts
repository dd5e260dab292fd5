/** A token makes no token that could do more than itself: neither more, nor elsewhere, nor from elsewhere, nor for longer. */
import { holdsResources, holdsScope } from '#core/access-scope';
import { holdsNetworks } from '#core/networks';
import type { Principal } from './principal.ts';
import type { TokenGrant } from './token-record.ts';

type Grant = Omit<TokenGrant, 'name' | 'kind'>;

/** In which respects a grant goes beyond what a token may do itself; none: it does not. */
export function beyond(maker: Principal, wish: Grant): readonly (keyof Grant)[] {
  const over: (keyof Grant)[] = [];
  if (wish.tenant === null ? !maker.operator : maker.tenant !== null && maker.tenant !== wish.tenant)
    over.push('tenant');
  if (!wish.scopes.every((one) => holdsScope(maker.scopes, one))) over.push('scopes');
  if (!holdsResources(maker.resources, wish.resources)) over.push('resources');
  if (!holdsNetworks(maker.cidrs, wish.cidrs)) over.push('cidrs');
  if (maker.expiresAt !== null && (wish.expiresAt === null || wish.expiresAt > maker.expiresAt)) over.push('expiresAt');
  return over;
}
