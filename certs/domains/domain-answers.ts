/** What tenants may ask of the keeper of domains, and what they are answered. Expected outcomes are values. */
import type { Diagnosis, DiagnosisCode } from '../dns/diagnosis.ts';
import type { DomainView } from './domain-view.ts';

export interface DomainWish {
  readonly tenant: string;
  /** As it was written. */
  readonly hostname: string;
  readonly app: string;
  readonly set: string | null;
  readonly path: string;
}

export interface RefusedDomain {
  readonly kind: 'refused';
  readonly field: 'hostname';
  readonly code: DiagnosisCode;
  readonly detail: string;
  readonly fix: string;
}

/** `known`: the tenant has it already. */
export type AddedDomain = { readonly kind: 'added' | 'known'; readonly domain: DomainView } | RefusedDomain;

export type VerifiedDomain =
  | { readonly kind: 'checked'; readonly domain: DomainView }
  | { readonly kind: 'soon'; readonly retryAfterMs: number };

export interface ResolverAnswer {
  readonly resolver: string;
  readonly type: string;
  readonly name: string;
  readonly wanted: readonly string[];
  readonly seen: readonly string[];
  readonly fault: string | null;
}

export interface DomainFindings {
  readonly hostname: string;
  readonly diagnosis: readonly Diagnosis[];
  readonly records: readonly ResolverAnswer[];
}
