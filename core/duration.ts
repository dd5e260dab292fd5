/**
 * Durations as people write them in labels and settings: `250ms`, `30s`, `5m`, `1h`, `7d`. Always held in milliseconds.
 */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The longest wait a Node timer can hold (2^31 - 1 ms, some 24 days). */
const LONGEST_MS = 2_147_483_647;

/** Milliseconds, or null when the text is not a duration a timer can hold. `0` needs no unit. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  const match = /^(\d{1,10}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return null;
  const ms = Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN));
  return ms <= LONGEST_MS ? ms : null;
}

/** Text in the largest unit that divides it; {@link parseDuration} reads it back as the same number of milliseconds. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = UNIT_MS[unit] ?? 1;
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
