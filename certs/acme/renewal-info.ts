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
/** Whatever the advice, a certificate serves for this share of its life: an authority that always says "now" is not followed
 * in a circle. Advice that has changed since is news (of a revocation, say) and followed sooner. */
const SETTLED_SHARE = 1 / 3;
const NEWS_SHARE = 1 / 6;
const NEWS_AFTER_MS = 86_400_000;

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
  const isSame = renewal.windowStart === windowStart && renewal.windowEnd === windowEnd;
  const isChosen = isSame && planned !== null && planned >= windowStart && planned <= windowEnd;
  const chosen = isChosen ? planned : Math.round(windowStart + random() * (windowEnd - windowStart));
  const life = notAfter - notBefore;
  const latest = Math.round(notBefore + life * LATEST_SHARE);
  const isNews = renewal.windowStart !== null && (!isSame || renewal.isNews === true);
  const earliest = isNews ? createdAt + Math.min(NEWS_AFTER_MS, life * NEWS_SHARE) : notBefore + life * SETTLED_SHARE;
  const lookAfter = Math.min(ASK_AGAIN_MAX_MS, Math.max(ASK_AGAIN_MIN_MS, info.retryAfterMs ?? ASK_AGAIN_MS));
  return {
    renewAt: Math.round(Math.max(earliest, Math.min(chosen, latest))),
    lookAt: now + lookAfter,
    note: { ...renewal, windowStart, windowEnd, checkedAt: now, isNews },
  };
}

/** What stands in an answer; null: it makes no sense. */
export function renewalInfoOf(body: unknown, retryAfterMs: number | null): RenewalInfo | null {
  const { suggestedWindow } = (body ?? {}) as { suggestedWindow?: { start?: unknown; end?: unknown } };
  const windowStart = Date.parse(String(suggestedWindow?.start));
  const windowEnd = Date.parse(String(suggestedWindow?.end));
  return windowStart < windowEnd ? { windowStart, windowEnd, retryAfterMs } : null;
}
