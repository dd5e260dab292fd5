/**
 * How a message body is delimited (RFC 9112 6), and the two fields that say so. Only one spelling of each fact is
 * accepted: a plain decimal length, or the single coding `chunked`.
 */
import { isToken, trimSpace, ZERO } from './octets.ts';

export const FRAMING = {
  /** No body follows. */
  none: 'none',
  /** Exactly `contentLength` octets follow. */
  length: 'length',
  chunked: 'chunked',
  /** Everything until the connection closes; responses only. */
  close: 'close',
} as const;

export type Framing = (typeof FRAMING)[keyof typeof FRAMING];

/** Digits of Number.MAX_SAFE_INTEGER. */
const LENGTH_MAX_DIGITS = 16;

/** Bytes announced by the Content-Length value in `b[from, to)`, or -1 if it is not one plain safe integer. */
export function readLength(b: Uint8Array, from: number, to: number): number {
  if (from === to || to - from > LENGTH_MAX_DIGITS) return -1;
  let length = 0;
  for (let i = from; i < to; i++) {
    const digit = (b[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : -1;
}

/**
 * What a Transfer-Encoding value asks for: `chunked` alone; `unknown` codings ended by chunked, which could be framed but
 * not decoded (501 to a request, RFC 9112 6.1); anything else is `invalid`.
 */
export function readCoding(value: string): 'chunked' | 'unknown' | 'invalid' {
  if (value === 'chunked') return 'chunked';
  const codings = value.toLowerCase().split(',').map(trimSpace);
  if (codings.pop() !== 'chunked') return 'invalid';
  if (codings.length === 0) return 'chunked';
  return codings.every((coding) => isToken(coding) && coding !== 'chunked' && coding !== 'identity')
    ? 'unknown'
    : 'invalid';
}
