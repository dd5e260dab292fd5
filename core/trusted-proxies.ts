/**
 * Whose word is taken for where a request comes from. `X-Forwarded-*` counts only when the peer lies in one of the given
 * networks; anybody else's is thrown away.
 */
import { isIP } from 'node:net';
import { Networks } from './networks.ts';

const MAPPED_IPV4 = '::ffff:';

export class TrustedProxies {
  readonly #networks: Networks;

  /** @param cidrs as the configuration parser accepts them (`10.0.0.0/8`, `fd00::/8`) */
  constructor(cidrs: readonly string[]) {
    this.#networks = new Networks(cidrs);
  }

  /** Whether the address is one of a trusted proxy. */
  has(address: string): boolean {
    return this.#networks.has(address);
  }

  /**
   * Who the client is: walking an `X-Forwarded-For` list from its end, the first address that is not a trusted proxy's
   * (each entry was written by the one after it). The left-most one when all are trusted.
   */
  clientOf(peer: string, forwardedFor: string): string {
    let client = peer;
    const chain = forwardedFor.split(',');
    for (let i = chain.length - 1; i >= 0; i--) {
      if (!this.has(client)) return client;
      const address = bareAddress((chain[i] ?? '').trim());
      if (isIP(address) === 0) return client;
      client = address;
    }
    return client;
  }
}

/** An address as sockets report it, with IPv4 in its own form: `::ffff:10.1.2.3` becomes `10.1.2.3`. */
export function plainAddress(address: string): string {
  return address.startsWith(MAPPED_IPV4) ? address.slice(MAPPED_IPV4.length) : address;
}

/** An entry of X-Forwarded-For without brackets and port, which some proxies add. */
function bareAddress(entry: string): string {
  if (entry.startsWith('[')) return entry.slice(1, entry.indexOf(']'));
  const colon = entry.indexOf(':');
  return colon > 0 && colon === entry.lastIndexOf(':') ? entry.slice(0, colon) : plainAddress(entry);
}
