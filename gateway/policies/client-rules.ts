/**
 * `tidegate.allow.ips` and `tidegate.deny.ips`: who may come in at all, by the address of the client itself, behind
 * whatever proxies are trusted. What is no address is nobody who was allowed.
 */
import type { ClientPolicy } from '#core/edge-policy';
import { ClientAddresses } from './client-addresses.ts';

export class ClientRules {
  /** Null: everybody. */
  readonly #allow: ClientAddresses | null;
  readonly #deny: ClientAddresses;

  constructor(policy: ClientPolicy) {
    this.#allow = policy.allow.length === 0 ? null : new ClientAddresses(policy.allow);
    this.#deny = new ClientAddresses(policy.deny);
  }

  admits(client: string): boolean {
    return !this.#deny.has(client) && (this.#allow === null || this.#allow.has(client));
  }
}
