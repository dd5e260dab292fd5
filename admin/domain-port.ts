/**
 * What the admin API needs from the keeper of domains. Expected outcomes are values; what is thrown is a failure. Every
 * question names the tenant: what belongs to another one is not there.
 */
import type { AddedDomain, DomainFindings, DomainWish, VerifiedDomain } from '#certs/domains/domain-answers';
import type { DomainView } from '#certs/domains/domain-view';

/** Where null is answered, the tenant has no such domain. `which`: id, or hostname as it was written. */
export interface DomainDirectory {
  list(tenant: string): Promise<readonly DomainView[]>;
  get(tenant: string, which: string): Promise<DomainView | null>;
  add(wish: DomainWish): Promise<AddedDomain>;
  /** False: there was none. */
  remove(tenant: string, which: string): Promise<boolean>;
  /** Checks ownership and DNS now, unless that was done a moment ago. */
  verify(tenant: string, which: string): Promise<VerifiedDomain | null>;
  /** Asks every resolver now; changes nothing. */
  diagnose(tenant: string, which: string): Promise<DomainFindings | null>;
  /** Whose verified domain covers this normalised hostname (or `*.name`); null: nobody's. */
  ownerOf(hostname: string): string | null;
}
