/**
 * Slow start: an upstream that has just become ready is passed over by a part of the requests, which shrinks with time, so
 * that it warms up before it carries a full share. What is left to choose from is then chosen as always, so every way of
 * balancing keeps its meaning: the share of a new upstream is that of the others times its warmth.
 */
import { spread } from './balancing.ts';
import type { Upstream } from './upstream.ts';

/** The share an upstream begins with, of the one it ends with. */
const FIRST_SHARE = 0.1;

export interface WarmUp {
  readonly slowStartMs: number;
  /** Monotonic ms. */
  readonly now: number;
  /** 0 ≤ n < 1; null: it goes by `hash`, so that a key that has moved to a new upstream stays there. */
  readonly random: (() => number) | null;
  readonly hash: number;
}

/**
 * The upstreams that a request may go to. Never empty if `ready` is not: warmth counts in proportion to that of the
 * warmest, so an upstream alone, or several that are equally new, take everything.
 */
export function warmEnough(ready: readonly Upstream[], warmUp: WarmUp): readonly Upstream[] {
  const { slowStartMs, now, random, hash } = warmUp;
  const warmthOf = ({ readySince }: Upstream): number =>
    warmth(readySince === null ? 0 : now - readySince, slowStartMs);
  let warmest = 0;
  for (const upstream of ready) warmest = Math.max(warmest, warmthOf(upstream));
  return ready.filter((upstream) => {
    const share = warmthOf(upstream) / warmest;
    return share >= 1 || (random === null ? spread(hash ^ upstream.seed) : random()) < share;
  });
}

/** Grows from {@link FIRST_SHARE} to 1 in proportion to the time. */
function warmth(readyMs: number, slowStartMs: number): number {
  return Math.min(1, FIRST_SHARE + (1 - FIRST_SHARE) * (readyMs / slowStartMs));
}
