/**
 * Reads the heads of one connection as their octets arrive, so that one sent in single octets costs no more than one sent
 * at once, and tells a connection of another protocol by its first octets.
 */
import { isWorthScanning, opensH2 } from '../http1/arrival.ts';
import { type HeadOutcome, REQUEST_LIMITS_BYTES, type RequestHead } from '../http1/request-head.ts';

const LETTER_P = 0x50;

export class HeadArrival {
  /** How much was scanned already of a head that is not complete. */
  #scanned = 0;
  /** No head was read yet: it may be another protocol. */
  #isFirst = true;

  /** Reads `b[at, end)`, which starts with all octets of the head so far. `h2`: this is no HTTP/1 connection. */
  read(head: RequestHead, b: Buffer, at: number, end: number): HeadOutcome | 'h2' {
    const seen = this.#scanned;
    if (seen > 0 && !isWorthScanning(b, { start: at, seen: at + seen, end }, REQUEST_LIMITS_BYTES)) {
      this.#scanned = end - at;
      return 'incomplete';
    }
    if (this.#isFirst && b[at] === LETTER_P) {
      const h2 = opensH2(b, at, end);
      if (h2 !== 'no') return h2 === 'yes' ? 'h2' : 'incomplete';
    }
    const outcome = head.scan(b, at, end);
    this.#scanned = outcome === 'incomplete' ? end - at : 0;
    if (outcome !== 'incomplete') this.#isFirst = false;
    return outcome;
  }
}
