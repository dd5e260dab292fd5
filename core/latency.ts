/**
 * How latencies are put into buckets: coarsely for everybody's metrics, finely where two revisions are compared. Every
 * coarse bound is a fine one, so the fine buckets add up to the coarse ones without a rest.
 */

/** Upper bounds in seconds; one more bucket takes the rest. */
export const LATENCY_BOUNDS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

/** A fine bound is at most this many times the one before it. */
const FINE_RATIO = 1.26;

/** Upper bounds in seconds, ascending; one more bucket takes the rest. */
export const FINE_LATENCY_BOUNDS_S: readonly number[] = LATENCY_BOUNDS_S.flatMap((bound, i) => {
  const below = LATENCY_BOUNDS_S[i - 1];
  if (below === undefined) return [bound];
  const parts = Math.ceil(Math.log(bound / below) / Math.log(FINE_RATIO));
  return Array.from({ length: parts }, (_, k) =>
    k === parts - 1 ? bound : below * (bound / below) ** ((k + 1) / parts),
  );
});

/** Adds fine buckets up to coarse ones. Neither are cumulative. */
export function coarseLatency(fine: readonly number[]): number[] {
  const coarse = new Array<number>(LATENCY_BOUNDS_S.length + 1).fill(0);
  let to = 0;
  fine.forEach((count, i) => {
    coarse[to] = (coarse[to] ?? 0) + count;
    if (FINE_LATENCY_BOUNDS_S[i] === LATENCY_BOUNDS_S[to]) to++;
  });
  return coarse;
}
