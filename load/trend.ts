/** What a row of readings does over time. */

/** Whether the last `count` values are there and no further apart than `within`. */
export function hasSettled(values: readonly number[], count: number, within: number): boolean {
  const last = values.slice(-count);
  return last.length === count && Math.max(...last) - Math.min(...last) <= within;
}
