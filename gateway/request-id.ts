/**
 * Request ids: short, unlike any other in the fleet, and cheap: one concatenation per request.
 */

const RANDOM_BITS = 2 ** 32;
/** Counts of two digits, ready to be put behind the rest. */
const ENDINGS = Array.from({ length: 36 ** 2 }, (_, count) => count.toString(36).padStart(2, '0'));

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
  let beginning = '';
  let count = 0;
  return () => {
    const ending = count % ENDINGS.length;
    if (ending === 0) beginning = run + (count / ENDINGS.length).toString(36).padStart(2, '0');
    count++;
    return beginning + ENDINGS[ending];
  };
}
