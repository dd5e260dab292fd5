/** Moments as people speak of them: `3 minutes ago`, `in 2 days`. */

const SECOND_MS = 1000;
const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', SECOND_MS],
] as const;
/** Two of a unit at least, or the next smaller one says it better: 90 minutes rather than 1 hour. */
const FEWEST = 2;

/** @param at RFC 3339; null or unreadable: `–` @param now ms since the epoch */
export function momentText(at: string | null | undefined, now: number): string {
  const ms = at === null || at === undefined ? Number.NaN : Date.parse(at);
  if (Number.isNaN(ms)) return '–';
  const span = spanText(Math.abs(ms - now));
  if (span === null) return 'now';
  return ms <= now ? `${span} ago` : `in ${span}`;
}

/** `90 minutes`; null: less than a second. */
export function spanText(ms: number): string | null {
  if (ms < SECOND_MS) return null;
  const [unit, size] = UNITS.find(([, one]) => ms >= FEWEST * one) ?? UNITS[3];
  const count = Math.round(ms / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
