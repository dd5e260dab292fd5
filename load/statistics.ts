/** Figures of repeated measurements: medians with their spread, and percentiles that are values which were really seen. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** @throws RangeError when there are no values */
export function spread(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return { median: middle(sorted), min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0, count: sorted.length };
}

/** Smallest and largest. @throws RangeError when there are no values */
export function extent(values: readonly number[]): readonly [low: number, high: number] {
  const { min, max } = spread(values);
  return [min, max];
}

/** The middle value, or the mean of the two in the middle. @throws RangeError when there are no values */
export function median(values: readonly number[]): number {
  return middle(ascending(values));
}

/**
 * Nearest rank: the smallest value that at least `percent` of all values do not exceed. Of 50 values p99 is the largest.
 * @param percent above 0, up to 100
 * @throws RangeError when there are no values
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = ascending(values);
  // 0.99 * 100 is 99.00000000000001 in floating point; a rank must not be rounded up for that.
  const rank = Math.ceil(Number(((percent / 100) * sorted.length).toFixed(6)));
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1] ?? 0;
}

function ascending(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('no values were measured');
  return [...values].sort((a, b) => a - b);
}

function middle(sorted: readonly number[]): number {
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2;
}
