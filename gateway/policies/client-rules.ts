/**
 * `tidegate.allow.ips` and `tidegate.deny.ips`: who may come in at all, by the address of the client itself, behind
 * whatever proxies are trusted. What is no address is nobody who was allowed.
 */
import { BlockList, isIP } from 'node:net';
import type { ClientPolicy } from '#core/edge-policy';

export class ClientRules {
  /** Null: everybody. */
  readonly #allow: BlockList | null;
  readonly #deny: BlockList;

  constructor(policy: ClientPolicy) {
    this.#allow = policy.allow.length === 0 ? null : listOf(policy.allow);
    this.#deny = listOf(policy.deny);
  }

  admits(client: string): boolean {
    // The name of an interface says nothing of who it is.
    const zone = client.indexOf('%');
    const address = zone < 0 ? client : client.slice(0, zone);
    const family = isIP(address);
    if (family === 0) return this.#allow === null;
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    return !this.#deny.check(address, kind) && (this.#allow === null || this.#allow.check(address, kind));
  }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
