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
