/** Where a request comes from: the other end of its connection, or who a trusted proxy says was at the other end of its own. */
import type { Context } from 'hono';
import { plainAddress, type TrustedProxies } from '#core/trusted-proxies';

/** Null: it came over no connection, as in tests. */
export function clientOf(c: Context, proxies?: TrustedProxies): string | null {
  // As the listener hands it on; without one there is nothing.
  const env = c.env as { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } } | undefined;
  const peer = env?.incoming?.socket?.remoteAddress;
  if (peer === undefined) return null;
  const address = plainAddress(peer);
  const forwarded = c.req.header('x-forwarded-for');
  return forwarded === undefined || proxies === undefined ? address : proxies.clientOf(address, forwarded);
}
