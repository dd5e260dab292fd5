/**
 * How it stands with the certificate of one hostname, as it is kept.
 *
 *   none ─want─▶ queued ─turn─▶ issuing ─issued─▶ valid ─due─▶ renewing ─issued─▶ valid
 *                   ▲              │ failed                        │ failed
 *                   └──time────────┴─▶ failed | rate-limited ◀─────┘   valid ─end─▶ expired
 *
 * While a certificate is in force its renewal may fail as often as it likes: the state then says so, and it is shown on.
 */

export const ISSUANCE_STATES = [
  'none',
  'queued',
  'issuing',
  'valid',
  'renewing',
  'failed',
  'rate-limited',
  'expired',
] as const;
export type IssuanceState = (typeof ISSUANCE_STATES)[number];

export interface IssuanceFault {
  /** Problem type of the authority, or a code of ours. */
  readonly type: string;
  /** The authority's own words. */
  readonly detail: string;
  /** Unix ms. */
  readonly at: number;
}

/** What everybody may know. */
export interface IssuanceView {
  readonly state: IssuanceState;
  readonly certificateId: string | null;
  readonly lastError: IssuanceFault | null;
  /** Unix ms. */
  readonly nextAttemptAt: number | null;
  /** Since the last success. */
  readonly attempts: number;
  /** Unix ms of the last order. */
  readonly orderedAt: number | null;
  /** Directory of the authority that was asked last. */
  readonly ca: string | null;
  /** The certificate whose near end was told as an event. */
  readonly warnedOf: string | null;
}

/** An order that is under way: enough to go on with it after a crash. */
export interface OpenOrder {
  readonly url: string;
  readonly ca: string;
  /** Private key of the certificate to come; sealed, base64. */
  readonly key: string;
}

export interface IssuanceRecord extends IssuanceView {
  readonly hostname: string;
  readonly tenant: string | null;
  readonly order: OpenOrder | null;
  /** Failures in a row that were the authority's own. */
  readonly caFailures: number;
  /** When to ask the authority for its advice on the renewal, Unix ms; null: not at all. */
  readonly lookAt: number | null;
}

export function newRecord(hostname: string, tenant: string | null): IssuanceRecord {
  return {
    hostname,
    tenant,
    state: 'none',
    certificateId: null,
    lastError: null,
    nextAttemptAt: null,
    attempts: 0,
    orderedAt: null,
    ca: null,
    order: null,
    caFailures: 0,
    lookAt: null,
    warnedOf: null,
  };
}

/** A record as an earlier version may have kept it. */
export function recordOf(kept: IssuanceRecord): IssuanceRecord {
  return { ...newRecord(kept.hostname, kept.tenant), ...kept };
}

const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 86_400_000;
const JITTER = 0.2;

/** How long to wait after so many failures in a row, with up to a fifth of chance. @param random 0 ≤ n < 1 */
export function retryDelayMs(failures: number, random: number): number {
  const base = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(base * (1 + JITTER * random));
}

const RENEW_AT_SHARE = 2 / 3;
const RENEW_JITTER_SHARE = 1 / 20;

/** When to renew: at two thirds of a certificate's life, a little earlier by chance. @param random 0 ≤ n < 1 */
export function renewalAt(notBefore: number, notAfter: number, random: number): number {
  const life = notAfter - notBefore;
  return Math.round(notBefore + life * (RENEW_AT_SHARE - RENEW_JITTER_SHARE * random));
}
