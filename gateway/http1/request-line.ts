/**
 * The request-line (RFC 9112 3): method, target, version, each ended by exactly one space or CRLF. Reports the first
 * offence in the order of the octets, so that it does not matter how they were split into reads.
 */
import { RAN_OUT, REFUSED } from './field-lines.ts';
import { CR, DOT, LF, SP, TOKEN, ZERO } from './octets.ts';
import type { RequestFault } from './request-fault.ts';
import { isRefusedMethod, METHOD_MAX_BYTES, methodAt } from './request-method.ts';
import { RequestTarget } from './request-target.ts';

/** The whole line with its CRLF. */
export const REQUEST_LINE_MAX_BYTES = 8_192;

const HTTP_SLASH = Buffer.from('HTTP/', 'latin1');
/** "HTTP/1.1" CRLF. */
const VERSION_LINE_BYTES = 10;

/** One request-line; reused. */
export class RequestLine {
  fault: RequestFault = 'request-line';
  /** '' until it is known. */
  method = '';
  readonly target = new RequestTarget();
  minor: 0 | 1 = 1;
  /** The line reads HTTP/1.1 with a target that may be forwarded, so it can be copied. */
  asIs = true;

  /** Scans from the method on; returns the offset after CRLF, RAN_OUT or REFUSED. */
  scan(b: Buffer, start: number, end: number): number {
    const longest = start + REQUEST_LINE_MAX_BYTES;
    const limit = Math.min(end, longest);
    const after = this.#parts(b, start, limit);
    return after === RAN_OUT && limit === longest ? this.#refuse('target-too-long') : after;
  }

  #parts(b: Buffer, start: number, limit: number): number {
    let i = start;
    this.method = '';
    while (i < limit && TOKEN[b[i] as number] === 1) i++;
    if (i - start > METHOD_MAX_BYTES) return this.#refuse('method-unknown');
    if (i >= limit) return RAN_OUT;
    if (b[i] !== SP || i === start) return this.#refuse(b[i] === LF ? 'bare-lf' : 'request-line');
    const method = methodAt(b, start, i);
    if (method === null) {
      return this.#refuse(isRefusedMethod(b.toString('latin1', start, i)) ? 'method-refused' : 'method-unknown');
    }
    this.method = method;
    const { target } = this;
    const targetEnd = target.scan(b, i + 1, limit);
    if (targetEnd === RAN_OUT) return RAN_OUT;
    if (targetEnd === REFUSED || (target.form === 'asterisk' && method !== 'OPTIONS')) return this.#refuse('target');
    return this.#version(b, targetEnd + 1, limit);
  }

  #version(b: Buffer, at: number, limit: number): number {
    for (let k = 0; k < HTTP_SLASH.length; k++) {
      if (at + k >= limit) return RAN_OUT;
      if (b[at + k] !== HTTP_SLASH[k]) return this.#refuse('request-line');
    }
    if (limit - at < VERSION_LINE_BYTES) return RAN_OUT;
    const major = (b[at + 5] as number) - ZERO;
    const minor = (b[at + 7] as number) - ZERO;
    if (major < 0 || major > 9 || b[at + 6] !== DOT || minor < 0 || minor > 9) return this.#refuse('request-line');
    if (major !== 1) return this.#refuse('version');
    if (b[at + 8] !== CR || b[at + 9] !== LF) return this.#refuse(b[at + 8] === LF ? 'bare-lf' : 'request-line');
    // A higher minor version is read as the highest known one, RFC 9110 2.5; what is forwarded always says 1.1.
    this.minor = minor === 0 ? 0 : 1;
    this.asIs = minor === 1 && this.target.form !== 'absolute';
    return at + VERSION_LINE_BYTES;
  }

  #refuse(fault: RequestFault): number {
    this.fault = fault;
    return REFUSED;
  }
}
