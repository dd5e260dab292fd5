/**
 * Request ids: short, unlike any other in the fleet, and cheap: one addition and one concatenation per request.
 */

const RANDOM_BITS = 2 ** 32;

/**
 * A source of ids `<start><count>`: 14 characters of chance name this run of the gateway, the rest counts.
 * @param random 0 ≤ n < 1
 */
export function requestIds(random: () => number): () => string {
  const word = (): string =>
    Math.floor(random() * RANDOM_BITS)
      .toString(36)
      .padStart(7, '0');
  const run = word() + word();
  let count = 0;
  return () => run + (count++).toString(36).padStart(4, '0');
}
