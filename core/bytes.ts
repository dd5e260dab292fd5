/**
 * Sizes as people write them in labels and settings: `512`, `64k`, `10m`, `1g`, with `Ki`, `Mi`, `Gi` meaning the same
 * powers of 1024 (as Docker reads `-m 512m`). Always held in bytes.
 */

const POWER: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3 };

/** Bytes, or null when the text is not a size. */
export function parseBytes(text: string): number | null {
  const match = /^(\d{1,12})(?:([kmg])(?:i?b?)?|b)?$/i.exec(text);
  if (match === null) return null;
  const bytes = Number(match[1]) * 1024 ** (POWER[(match[2] ?? '').toLowerCase()] ?? 0);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB'] as const;

/** Of less, the next smaller unit says more. */
const WHOLE_MIN = 10;

/** How far something is: `34/120 MiB`; empty while nobody knows how much it is. */
export function amountDone(done: number, total: number): string {
  if (total <= 0) return '';
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log(total / WHOLE_MIN) / Math.log(1024))));
  const whole = (bytes: number): number => Math.round(bytes / 1024 ** power);
  return `${whole(done)}/${whole(total)} ${UNITS[power]}`;
}
