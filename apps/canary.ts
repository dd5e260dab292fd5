/**
 * Whether a new revision does worse than the one it is to follow, told from what the gateways counted of both since one
 * moment. A pure judgement: it is asked again and again while a step of a rollout is held, so the evidence it wants before
 * it ends one is strong enough to withstand many looks at a sound revision.
 */
import { FINE_LATENCY_BOUNDS_S } from '#core/latency';
import { binomialTail, fisherTail, wilsonLowerBound } from './statistics.ts';

/** What gateways count of a revision, since whenever. */
export interface RevisionCounters {
  /** Tries that came to an end. */
  readonly requests: number;
  /** Those of them that were answered with 5xx, not at all, or not to the end. */
  readonly errors: number;
  /** Answers by time, not cumulative; upper bounds: FINE_LATENCY_BOUNDS_S, and one for the rest. */
  readonly latency: readonly number[];
}

/** Counters at two moments; null: nothing was counted by then. */
export interface CountedSpan {
  readonly from: RevisionCounters | null;
  readonly to: RevisionCounters | null;
}

/** `go`: enough was seen, and nothing speaks against it. `wait`: too little was seen to say so. */
export type CanaryVerdict = 'go' | 'wait' | { readonly abort: string };

export interface CanaryThresholds {
  /** Probability at which a difference counts as more than chance, at one look. */
  readonly chance: number;
  /** Fewer errors than this end nothing. */
  readonly errorsMin: number;
  /** A share of errors that is greater by less than this ends nothing, however certain it is. */
  readonly errorMargin: number;
  /** With fewer requests to the old revision there is nothing to compare with: then half of them have to fail. */
  readonly comparableMin: number;
  /** Answers of each revision from which on their times are compared. */
  readonly answersMin: number;
  /** The 99th percentile may be this many times the old one, … */
  readonly slowRatio: number;
  /** … or longer by this, whichever allows more. */
  readonly slowMarginMs: number;
  /** Requests to the new revision that are enough to go on. */
  readonly enough: number;
}

export const CANARY_THRESHOLDS: CanaryThresholds = {
  chance: 1e-4,
  errorsMin: 5,
  errorMargin: 0.01,
  comparableMin: 20,
  answersMin: 300,
  slowRatio: 1.5,
  slowMarginMs: 50,
  enough: 100,
};

/** The percentile that is compared, as the share of answers that take longer. */
const TAIL = 0.01;
/** Upper end of what the old percentile may be, in standard deviations. */
const P99_Z = 2;
/** What has to fail of a revision that cannot be compared, and how sure that has to be (standard deviations). */
const ALONE_RATIO = 0.5;
const ALONE_Z = 3;
const MS_PER_S = 1000;

export interface Comparison {
  /** The old revision. */
  readonly baseline: CountedSpan;
  /** The new one. */
  readonly candidate: CountedSpan;
}

export function judge(
  { baseline, candidate }: Comparison,
  thresholds: CanaryThresholds = CANARY_THRESHOLDS,
): CanaryVerdict {
  const old = between(baseline);
  const next = between(candidate);
  const reason = failsMore(old, next, thresholds) ?? isSlower(old, next, thresholds);
  if (reason !== null) return { abort: reason };
  return next.requests >= thresholds.enough ? 'go' : 'wait';
}

/** Fisher's exact test on the shares of errors, one-sided. */
function failsMore(old: RevisionCounters, next: RevisionCounters, thresholds: CanaryThresholds): string | null {
  if (next.errors < thresholds.errorsMin) return null;
  if (old.requests < thresholds.comparableMin) {
    if (wilsonLowerBound(next.errors, next.requests, ALONE_Z) < ALONE_RATIO) return null;
    return `${next.errors} of ${next.requests} requests to it failed, with too few to the old one to compare`;
  }
  if (next.errors / next.requests - old.errors / old.requests < thresholds.errorMargin) return null;
  if (fisherTail(next, old) >= thresholds.chance) return null;
  return `${percent(next)} of its requests failed (${next.errors} of ${next.requests}), and ${percent(old)} of those of the old one (${old.errors} of ${old.requests})`;
}

/** How many answers are later than the old 99th percentile allows, against the 1 % that may be. */
function isSlower(old: RevisionCounters, next: RevisionCounters, thresholds: CanaryThresholds): string | null {
  const answers = sum(next.latency);
  const before = sum(old.latency);
  if (before < thresholds.answersMin || answers < thresholds.answersMin) return null;
  // As long as it may be, judged by so many answers: few of them show too little of their tail.
  const unsure = P99_Z * Math.sqrt((TAIL * (1 - TAIL)) / before);
  const p99Ms = tailBoundS(old.latency, Math.max(0, TAIL - unsure)) * MS_PER_S;
  const limitMs = Math.max(p99Ms * thresholds.slowRatio, p99Ms + thresholds.slowMarginMs);
  const late = sum(next.latency.filter((_, i) => (FINE_LATENCY_BOUNDS_S[i - 1] ?? 0) * MS_PER_S >= limitMs));
  if (binomialTail(late, answers, TAIL) >= thresholds.chance) return null;
  return `${late} of its ${answers} answers took longer than ${Math.round(limitMs)} ms; 99 % of those of the old one took ${Math.round(p99Ms)} ms at most`;
}

/** What was counted from one moment to the other. Counters that went back began anew. */
function between({ from, to }: CountedSpan): RevisionCounters {
  if (to === null) return { requests: 0, errors: 0, latency: [] };
  if (from === null || from.requests > to.requests || from.errors > to.errors) return to;
  return {
    requests: to.requests - from.requests,
    errors: to.errors - from.errors,
    latency: to.latency.map((count, i) => Math.max(0, count - (from.latency[i] ?? 0))),
  };
}

/** The time, in seconds, that a share of the answers exceeds; within a bucket answers are taken to be spread evenly. */
function tailBoundS(latency: readonly number[], tail: number): number {
  let left = sum(latency) * (1 - tail);
  for (const [i, count] of latency.entries()) {
    const low = FINE_LATENCY_BOUNDS_S[i - 1] ?? 0;
    const high = FINE_LATENCY_BOUNDS_S[i] ?? low;
    if (count > 0 && left <= count) return low + ((high - low) * left) / count;
    left -= count;
  }
  return FINE_LATENCY_BOUNDS_S.at(-1) ?? 0;
}

function percent({ errors, requests }: RevisionCounters): string {
  return `${((100 * errors) / requests).toFixed(1)} %`;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0);
}
