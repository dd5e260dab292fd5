/**
 * When an authority advises to renew a certificate (ARI, RFC 9773): what its answer means for the time of the next order.
 * Advice that makes no sense is not taken.
 */
import type { KeptCertificate, RenewalNote } from '../vault/kept-certificate.ts';
import { renewalAt } from './issuance-record.ts';

/** Between two questions, whatever the authority says (RFC 9773 4.3.2). */
const ASK_AGAIN_MIN_MS = 60_000;
const ASK_AGAIN_MAX_MS = 86_400_000;
/** Where it does not say, or did not answer. */
const ASK_AGAIN_MS = 21_600_000;
/** Advice to renew later than this share of a life is advice to let it end. */
const LATEST_SHARE = 9 / 10;
/** No certificate is replaced sooner, whatever the advice: an authority that always says "now" is not followed in a circle. */
const YOUNG_MS = 3_600_000;

/** What the authority answered; times in Unix ms. */
export interface RenewalInfo {
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly retryAfterMs: number | null;
}

/** When to renew, and when to ask about that again. */
export interface RenewalPlan {
  /** Unix ms. */
  readonly renewAt: number;
  readonly lookAt: number;
  readonly note: RenewalNote;
}

export interface RenewalPlanOptions {
  readonly certificate: Pick<KeptCertificate, 'notBefore' | 'notAfter' | 'createdAt' | 'renewal'>;
  /** Null: the authority gave none, or none that makes sense. */
  readonly info: RenewalInfo | null;
  /** What was planned so far, Unix ms. */
  readonly planned: number | null;
  readonly now: number;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
}

export function planRenewal({ certificate, info, planned, now, random }: RenewalPlanOptions): RenewalPlan {
  const { notBefore, notAfter, createdAt, renewal } = certificate;
  const usual = planned ?? renewalAt(notBefore, notAfter, random());
  if (info === null) return { renewAt: usual, lookAt: now + ASK_AGAIN_MS, note: { ...renewal, checkedAt: now } };
  const { windowStart, windowEnd } = info;
  // The moment is chosen once for a window: chosen anew with every look, it would tend to its beginning.
  const isSame = renewal.windowStart === windowStart && renewal.windowEnd === windowEnd && planned !== null;
  const chosen = isSame ? usual : Math.round(windowStart + random() * (windowEnd - windowStart));
  const latest = Math.round(notBefore + (notAfter - notBefore) * LATEST_SHARE);
  const lookAfter = Math.min(ASK_AGAIN_MAX_MS, Math.max(ASK_AGAIN_MIN_MS, info.retryAfterMs ?? ASK_AGAIN_MS));
  return {
    renewAt: Math.max(createdAt + YOUNG_MS, Math.min(chosen, latest)),
    lookAt: now + lookAfter,
    note: { ...renewal, windowStart, windowEnd, checkedAt: now },
  };
}

/** What stands in an answer; null: it makes no sense. */
export function renewalInfoOf(body: unknown, retryAfterMs: number | null): RenewalInfo | null {
  const { suggestedWindow } = (body ?? {}) as { suggestedWindow?: { start?: unknown; end?: unknown } };
  const windowStart = Date.parse(String(suggestedWindow?.start));
  const windowEnd = Date.parse(String(suggestedWindow?.end));
  return windowStart < windowEnd ? { windowStart, windowEnd, retryAfterMs } : null;
}
