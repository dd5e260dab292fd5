/** Seeded chance: the same seed, the same run. */

/** @returns a source of numbers from 0 up to 1 (mulberry32) */
export function chanceFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** The wait for the next of events that come by chance, so many a second on average; in ms. */
export function waitMs(chance: () => number, perSecond: number): number {
  return (-Math.log(1 - chance()) * 1000) / perSecond;
}
