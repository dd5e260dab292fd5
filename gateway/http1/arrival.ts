/**
 * Questions about octets that have just arrived, asked before any scanning, so that a head sent one octet at a time costs
 * no more than the same head sent at once.
 */
import { LF } from './octets.ts';

/** How a client with prior knowledge opens an HTTP/2 connection (RFC 9113 3.4). */
const H2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/**
 * Whether an incomplete head may have become complete or malformed by the octets `b[seen, end)` that followed
 * `b[start, seen)`: only a line end or a limit can do that. `limits` are the byte limits of that head, ascending.
 */
export function isWorthScanning(
  b: Uint8Array,
  at: { start: number; seen: number; end: number },
  limits: readonly number[],
): boolean {
  for (let i = at.seen; i < at.end; i++) if (b[i] === LF) return true;
  return limits.some((limit) => at.seen - at.start < limit && at.end - at.start >= limit);
}

/** Whether `b[start, end)` opens an HTTP/2 connection: `partly` while too few octets agree with the preface to say. */
export function opensH2(b: Uint8Array, start: number, end: number): 'yes' | 'no' | 'partly' {
  const bytes = Math.min(end - start, H2_PREFACE.length);
  for (let i = 0; i < bytes; i++) if (b[start + i] !== H2_PREFACE[i]) return 'no';
  return bytes === H2_PREFACE.length ? 'yes' : 'partly';
}
