/**
 * How often clients may have the check of a hostname brought forward: a handshake for a hostname that waits for its
 * certificate asks for it, and whoever owns a domain with many names could have DNS asked without end.
 */
import { LRUCache } from 'lru-cache';
import { getDomain } from 'tldts';

/** Of a registered domain: so many at once, and another one every so often. */
const BURST = 10;
const EVERY_MS = 6000;
const DOMAINS_MAX = 10_000;

export class HurryBudget {
  /** Unix ms at which a domain has all of its budget again. */
  readonly #fullAt = new LRUCache<string, number>({ max: DOMAINS_MAX });

  /** Whether it may be done now; it counts if so. @param now Unix ms */
  take(hostname: string, now: number): boolean {
    const domain = getDomain(hostname, { allowPrivateDomains: true }) ?? hostname;
    const fullAt = Math.max(now, this.#fullAt.get(domain) ?? 0) + EVERY_MS;
    if (fullAt - now > BURST * EVERY_MS) return false;
    this.#fullAt.set(domain, fullAt);
    return true;
  }
}
