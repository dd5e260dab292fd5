/**
 * Whom a request is for (RFC 9112 3.2, 3.2.2): exactly one valid Host in HTTP/1.1, the target's own authority where it
 * has one. Both present and different is refused: the RFC lets the target win, but not everyone behind us reads the RFC.
 */
import { Authority } from './authority.ts';
import { FATE, type FieldLines } from './field-lines.ts';
import type { RequestFault } from './request-fault.ts';
import type { RequestLine } from './request-line.ts';

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** The settled hostname and port of one request; reused. */
export class RequestHost {
  /** Normalised; '' if an HTTP/1.0 request names none. */
  hostname = '';
  /** As sent, with port. */
  authority = '';
  /** 0 if none. */
  port = 0;
  /** The Host line as sent, if any, must not be copied. */
  restated = false;
  readonly #host = new Authority();
  readonly #named = new Authority();

  /** `hostLine` is the index of the one Host line, or -1. */
  settle(b: Buffer, lines: FieldLines, line: RequestLine, hostLine: number): RequestFault | null {
    this.hostname = '';
    this.authority = '';
    this.port = 0;
    this.restated = hostLine < 0;
    if (hostLine >= 0) {
      const at = lines.valueAt[hostLine] as number;
      if (!this.#host.read(b, at, lines.valueEnd[hostLine] as number)) return 'host-invalid';
      this.hostname = this.#host.hostname(lines.text, at, lines.base);
      this.authority = lines.valueText(hostLine);
      this.port = this.#host.port;
    } else if (line.minor === 1) return 'host-missing';
    return line.target.form === 'absolute' ? this.#settleNamed(b, lines, line, hostLine) : null;
  }

  #settleNamed(b: Buffer, lines: FieldLines, line: RequestLine, hostLine: number): RequestFault | null {
    const { authorityAt, authorityEnd, scheme } = line.target;
    const named = this.#named;
    if (!named.read(b, authorityAt, authorityEnd)) return 'target-authority';
    const hostname = named.hostname(lines.text, authorityAt, lines.base);
    if (hostLine >= 0) {
      const usual = scheme === 'https' ? HTTPS_PORT : HTTP_PORT;
      if (hostname !== this.hostname || (named.port || usual) !== (this.port || usual)) return 'host-conflict';
      lines.fate[hostLine] = FATE.drop;
    }
    this.hostname = hostname;
    this.authority = lines.text.slice(authorityAt - lines.base, authorityEnd - lines.base);
    this.port = named.port;
    this.restated = true;
    return null;
  }
}
