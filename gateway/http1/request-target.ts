/**
 * The request-target (RFC 9112 3.2) in its three served forms: origin, absolute and asterisk. One pass over the octets
 * finds path and query as they stand; nothing is decoded and nothing passes that two parsers could cut differently.
 */
import { RAN_OUT, REFUSED } from './field-lines.ts';
import { ASTERISK, COLON, DOT, HEX, PATH, PERCENT, QUERY, QUESTION, SEMICOLON, SLASH, SP } from './octets.ts';

const HTTP = Buffer.from('http', 'latin1');
const LETTER_S = 0x73;

export type TargetForm = 'origin' | 'absolute' | 'asterisk';

/** Offsets of the parts of one target; reused. */
export class RequestTarget {
  form: TargetForm = 'origin';
  /** Scheme of an absolute-form target, '' otherwise. */
  scheme: '' | 'http' | 'https' = '';
  authorityAt = 0;
  authorityEnd = 0;
  /** Where the path starts; equals `pathEnd` if an absolute-form target has none. */
  pathAt = 0;
  pathEnd = 0;
  /** End of the query and of the target; equals `pathEnd` without a query. */
  end = 0;
  /** The path has dots, doubled slashes, escapes or parameters where readings differ: see `liberalPath`. */
  quirky = false;

  /** Scans up to the space after the target; returns its offset, RAN_OUT or REFUSED. */
  scan(b: Uint8Array, start: number, end: number): number {
    this.form = 'origin';
    this.scheme = '';
    this.quirky = false;
    if (start >= end) return RAN_OUT;
    if (b[start] === SLASH) return this.#path(b, start, end);
    if (b[start] === ASTERISK) return this.#asterisk(b, start, end);
    return this.#absolute(b, start, end);
  }

  #path(b: Uint8Array, start: number, end: number): number {
    let i = start;
    this.pathAt = start;
    while (i < end) {
      const octet = b[i] as number;
      if (PATH[octet] !== 1) break;
      i++;
      if (octet === SLASH) {
        if (i < end && (b[i] === SLASH || b[i] === DOT)) this.quirky = true;
      } else if (octet === PERCENT) {
        // An escape cut short or misspelled is kept by one reader and decoded by another.
        this.quirky = true;
        for (let digits = 0; digits < 2; digits++, i++) {
          if (i >= end) return RAN_OUT;
          if (HEX[b[i] as number] === 0) return REFUSED;
        }
      } else if (octet === SEMICOLON) this.quirky = true;
    }
    this.pathEnd = i;
    return this.#query(b, i, end);
  }

  #query(b: Uint8Array, start: number, end: number): number {
    let i = start;
    if (i < end && b[i] === QUESTION) {
      i++;
      while (i < end && QUERY[b[i] as number] === 1) i++;
    }
    if (i >= end) return RAN_OUT;
    this.end = i;
    return b[i] === SP ? i : REFUSED;
  }

  #asterisk(b: Uint8Array, start: number, end: number): number {
    this.form = 'asterisk';
    this.pathAt = start;
    this.pathEnd = start + 1;
    this.end = start + 1;
    if (this.end >= end) return RAN_OUT;
    return b[this.end] === SP ? this.end : REFUSED;
  }

  #absolute(b: Uint8Array, start: number, end: number): number {
    this.form = 'absolute';
    let i = start;
    for (const letter of HTTP) {
      if (i >= end) return RAN_OUT;
      if (((b[i] as number) | 0x20) !== letter) return REFUSED;
      i++;
    }
    if (i >= end) return RAN_OUT;
    const secure = ((b[i] as number) | 0x20) === LETTER_S;
    this.scheme = secure ? 'https' : 'http';
    if (secure) i++;
    for (const expected of [COLON, SLASH, SLASH]) {
      if (i >= end) return RAN_OUT;
      if (b[i] !== expected) return REFUSED;
      i++;
    }
    this.authorityAt = i;
    // The octets of an authority are judged by its own reader; here it only has to end.
    while (i < end && PATH[b[i] as number] === 1 && b[i] !== SLASH) i++;
    if (i >= end) return RAN_OUT;
    this.authorityEnd = i;
    if (b[i] === SLASH) return this.#path(b, i, end);
    this.pathAt = i;
    this.pathEnd = i;
    return this.#query(b, i, end);
  }
}
