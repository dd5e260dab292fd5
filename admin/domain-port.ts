/**
 * What the admin API needs from the keeper of domains. Expected outcomes are values; what is thrown is a failure. Every
 * question names the tenant: what belongs to another one is not there.
 */

/** Something that stands in the way, with what was wanted and what was seen. */
export interface DomainDiagnosis {
  /** `dns.wrong_target`, `ownership.txt_missing` …; docs/domains.md lists them. */
  readonly code: string;
  readonly detail: string;
  readonly fix: string;
  readonly wanted?: readonly string[];
  readonly seen?: readonly string[];
  /** Address of the resolver that said so. */
  readonly resolver?: string;
}

/** A DNS record that the tenant has to set. */
export interface RecordToSet {
  /** `TXT`, `CNAME`, `A`, `AAAA`. */
  readonly type: string;
  readonly name: string;
  readonly value: string;
  /** `ownership`, `traffic` … */
  readonly purpose: string;
  /** `missing`, `wrong`, `ok` … */
  readonly state: string;
  readonly seen: readonly string[];
}

export interface DomainCondition {
  /** `Ownership`, `Dns`, `Certificate`. */
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** In one word, for programs. */
  readonly reason: string;
  readonly message: string;
}

/** How it stands with the certificate of a hostname. */
export interface IssuanceView {
  /** `none`, `queued`, `issuing`, `valid`, `renewing`, `failed`, `rate-limited`, `expired`. */
  readonly state: string;
  readonly certificateId: string | null;
  readonly lastError: { readonly type: string; readonly detail: string /** Unix ms. */; readonly at: number } | null;
  /** Unix ms. */
  readonly nextAttemptAt: number | null;
  readonly attempts: number;
}

export interface DomainView {
  /** `dom_<ulid>`. */
  readonly id: string;
  readonly hostname: string;
  readonly app: string;
  /** Null: the main set of the app. */
  readonly set: string | null;
  readonly path: string;
  /** `pending_ownership`, `pending_dns`, `pending_certificate`, `active`, `degraded`, `conflict`. */
  readonly status: string;
  readonly records: readonly RecordToSet[];
  readonly conditions: readonly DomainCondition[];
  readonly certificate: IssuanceView;
  readonly diagnosis: readonly DomainDiagnosis[];
  /** Unix ms. */
  readonly createdAt: number;
  /** Unix ms; null: not yet. */
  readonly checkedAt: number | null;
  readonly nextCheckAt: number | null;
}

export interface DomainWish {
  readonly tenant: string;
  /** As it was written. */
  readonly hostname: string;
  readonly app: string;
  readonly set: string | null;
  readonly path: string;
}

export type AddedDomain =
  | { readonly kind: 'added'; readonly domain: DomainView }
  /** This tenant has it already. */
  | { readonly kind: 'known'; readonly domain: DomainView }
  | {
      readonly kind: 'refused';
      readonly field: 'hostname' | 'app' | 'set' | 'path';
      /** `domain.public_suffix`, `domain.quarantined` … */
      readonly code: string;
      readonly detail: string;
      readonly fix: string;
    };

/** `soon`: it was checked a moment ago. */
export type VerifiedDomain =
  | { readonly kind: 'checked'; readonly domain: DomainView }
  | { readonly kind: 'soon'; readonly retryAfterMs: number };

/** What one resolver says of one record. */
export interface ResolverAnswer {
  readonly resolver: string;
  readonly type: string;
  readonly name: string;
  readonly wanted: readonly string[];
  readonly seen: readonly string[];
  /** `SERVFAIL`, `timeout` …; null: it answered. */
  readonly fault: string | null;
}

export interface DomainFindings {
  readonly hostname: string;
  /** Empty: all is well. */
  readonly diagnosis: readonly DomainDiagnosis[];
  readonly records: readonly ResolverAnswer[];
}

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
