/**
 * A domain as it is kept, and how a look at DNS changes it. Ownership is proved, not assumed; it lapses only when the proof
 * has been seen to be gone for three days, never because DNS could not be asked.
 *
 *   pending ──proved──▶ verified ──missing for 72 h, or proved by another──▶ lapsed
 *                          ▲                                                   │
 *                          └──────────────────────proved───────────────────────┘
 */
import type { SeenRecords } from '../dns/addresses.ts';
import type { Diagnosis } from '../dns/diagnosis.ts';

export const OWNERSHIP_STATES = ['pending', 'verified', 'lapsed'] as const;
export type OwnershipState = (typeof OWNERSHIP_STATES)[number];
export type OwnershipMethod = 'txt' | 'cname' | 'parent';

export interface Ownership {
  readonly state: OwnershipState;
  readonly method: OwnershipMethod | null;
  /** Unix ms. */
  readonly verifiedAt: number | null;
  /** Unix ms of the first look that did not find the proof any more. */
  readonly failingSince: number | null;
  readonly diagnosis: readonly Diagnosis[];
  /** TXT values that were seen. */
  readonly seen: readonly string[];
}

export interface DnsCondition {
  readonly state: 'unknown' | 'ok' | 'wrong';
  readonly diagnosis: readonly Diagnosis[];
  readonly seen: readonly SeenRecords[];
}

export interface DomainRecord {
  /** `dom_<ulid>`. */
  readonly id: string;
  /** Normalised; may be a wildcard. */
  readonly hostname: string;
  readonly tenant: string;
  readonly app: string;
  /** Null: the main set of the app. */
  readonly set: string | null;
  readonly path: string;
  /** Value of the TXT record that proves ownership. */
  readonly proof: string;
  /** Unix ms. */
  readonly createdAt: number;
  readonly ownership: Ownership;
  readonly dns: DnsCondition;
  /** Unix ms. */
  readonly checkedAt: number | null;
  readonly nextCheckAt: number;
  /** Looks since something last changed. */
  readonly checks: number;
}

/** What a look at the proof came to. `unknown`: DNS could not be asked. */
export type OwnershipFinding =
  | { readonly outcome: 'proved'; readonly method: OwnershipMethod; readonly seen: readonly string[] }
  | {
      readonly outcome: 'missing' | 'unknown';
      readonly diagnosis: readonly Diagnosis[];
      readonly seen: readonly string[];
    };

export const LAPSES_AFTER_MS = 72 * 3_600_000;

export function afterLook(ownership: Ownership, finding: OwnershipFinding, now: number): Ownership {
  const { seen } = finding;
  if (finding.outcome === 'proved') {
    const verifiedAt = ownership.state === 'verified' ? ownership.verifiedAt : now;
    return { state: 'verified', method: finding.method, verifiedAt, failingSince: null, diagnosis: [], seen };
  }
  const { diagnosis } = finding;
  if (finding.outcome === 'unknown') return { ...ownership, diagnosis };
  if (ownership.state !== 'verified') return { ...ownership, diagnosis, seen };
  const failingSince = ownership.failingSince ?? now;
  const state = now - failingSince >= LAPSES_AFTER_MS ? 'lapsed' : 'verified';
  return { ...ownership, state, failingSince, diagnosis, seen };
}

/** Somebody else has proved the hostname. */
export function taken(ownership: Ownership, diagnosis: Diagnosis): Ownership {
  return { ...ownership, state: 'lapsed', failingSince: null, diagnosis: [diagnosis] };
}

const FIRST_LOOK_MS = 5000;
const LAST_LOOK_MS = 3_600_000;
const DAY_MS = 86_400_000;
const GROWTH = 1.5;
const JITTER = 0.1;

/** When to look next: soon and then less often while something is missing, daily when all is well. @param random 0 ≤ n < 1 */
export function lookAgainMs({ ownership, dns, checks }: DomainRecord, random: number): number {
  const isWell = ownership.state === 'verified' && ownership.failingSince === null && dns.state === 'ok';
  const base = isWell ? DAY_MS : Math.min(LAST_LOOK_MS, FIRST_LOOK_MS * GROWTH ** Math.min(checks, 40));
  return Math.round(base * (1 + JITTER * (random - 0.5)));
}
