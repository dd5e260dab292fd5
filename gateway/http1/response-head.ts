/**
 * The strict scanner for what replicas answer (RFC 9112 4 to 6). A replica is trusted less than the wire format: an answer
 * that a client behind us could cut differently than we do is a protocol error (502), never passed on.
 */
import { ConnectionOptions } from './connection-options.ts';
import { FATE, type FieldFault, FieldLines, RAN_OUT, REFUSED } from './field-lines.ts';
import { NAME } from './field-names.ts';
import { FRAMING, type Framing, readCoding, readLength } from './framing.ts';
import { CR, DOT, FIELD_VALUE, LF, SP, ZERO } from './octets.ts';
import type { HeadOutcome } from './request-head.ts';

/** A whole head; applications put large cookies and policies here. */
export const RESPONSE_HEAD_MAX_BYTES = 32_768;
export const RESPONSE_FIELDS_MAX = 256;
/** For `isWorthScanning`. */
export const RESPONSE_LIMITS_BYTES = [RESPONSE_HEAD_MAX_BYTES] as const;

export type ResponseFault =
  | FieldFault
  | 'status-line'
  | 'status-code'
  | 'head-too-large'
  | 'length-invalid'
  | 'length-repeated'
  | 'length-forbidden'
  | 'length-and-coding'
  | 'coding-invalid'
  | 'coding-repeated'
  | 'coding-forbidden'
  | 'coding-in-1.0'
  | 'connection-option'
  | 'connection-protected'
  | 'switch-unasked'
  | 'switch-invalid'
  | 'list'
  | 'pseudo-field'
  | 'field-capital'
  | 'connection-field';

/** The part of a request that decides how its answer is read. */
export interface Asked {
  /** The request was HEAD: no body follows whatever the head says. */
  readonly isHead: boolean;
  /** The request went out as a WebSocket upgrade: 101 may come. */
  readonly websocket: boolean;
}

const HTTP_1 = Buffer.from('HTTP/1', 'latin1');
/** "HTTP/1.1 200". */
const STATUS_BYTES = 12;
const TRAILER = ['trailer'];

/** One response head; reused. Once `scan` said complete, it holds until the next scan, free of the scanned buffer. */
export class ResponseHead {
  fault: ResponseFault = 'status-line';
  /** Offset in the scanned buffer of the first octet after the head. */
  end = 0;
  status = 200;
  reason = '';
  minor: 0 | 1 = 1;
  framing: Framing = FRAMING.none;
  /** The announced length, also where no body follows (HEAD, 304); -1 if none is announced. */
  contentLength = -1;
  /** The upstream connection may serve again once the body is read. */
  keepAlive = true;
  /** 1xx other than 101: pass it on (not to HTTP/1.0 clients) and scan again for the next head. */
  informational = false;
  /** A proper 101: what follows is the WebSocket. */
  switched = false;
  hasDate = false;
  /** The field lines, with the text of the whole head but its empty line. */
  readonly lines = new FieldLines(RESPONSE_FIELDS_MAX, true);
  /** The status-line, framing lines as sent are not fit to be copied. */
  restateLine = false;
  restateFraming = false;
  /** For 426: the protocol asked for, which travels in the hop-by-hop Upgrade; '' otherwise. */
  upgrade = '';
  /** What `Tidegate-Lease` says, which goes no further; '' if it is absent. */
  lease = '';

  readonly #connection = new ConnectionOptions();
  #lengthLine = -1;
  #codingLine = -1;
  #trailer = false;
  #reasonAt = 0;
  #reasonEnd = 0;

  /**
   * Scans `b[start, end)`, the first octets of an answer. Incomplete: come back with more octets after the same ones.
   * Malformed: answer 502, close the upstream connection.
   */
  scan(b: Buffer, start: number, end: number, asked: Asked): HeadOutcome {
    const longest = start + RESPONSE_HEAD_MAX_BYTES;
    const limit = Math.min(end, longest);
    let after = this.#statusLine(b, start, limit);
    if (after > 0) {
      after = this.lines.walk(b, after, limit);
      if (after === REFUSED) return this.refuse(this.lines.fault);
    }
    if (after === REFUSED) return 'malformed';
    if (after === RAN_OUT) return limit === longest ? this.refuse('head-too-large') : 'incomplete';
    this.end = after;
    this.lines.hold(b, start, after - 2);
    const fault = this.#readFields(b) ?? this.#settleFraming(asked) ?? this.#settleSwitch(asked);
    if (fault !== null) return this.refuse(fault);
    if (this.#connection.nominated !== null) this.lines.drop(this.#connection.nominated);
    if (this.#trailer && this.framing !== FRAMING.chunked) this.lines.drop(TRAILER);
    return 'complete';
  }

  /** All values of a field (name in lower case) as sent, joined as one list; undefined if it is absent. */
  field(name: string): string | undefined {
    return this.lines.field(name);
  }

  /** Ends the scan; for the readers of this folder that bring a head in another form. */
  refuse(fault: ResponseFault): 'malformed' {
    this.fault = fault;
    return 'malformed';
  }

  #statusLine(b: Buffer, start: number, limit: number): number {
    for (let k = 0; k < HTTP_1.length; k++) {
      if (start + k >= limit) return RAN_OUT;
      if (b[start + k] !== HTTP_1[k]) return this.#refuseLine('status-line');
    }
    if (limit - start < STATUS_BYTES) return RAN_OUT;
    const minor = (b[start + 7] as number) - ZERO;
    if (b[start + 6] !== DOT || minor < 0 || minor > 9 || b[start + 8] !== SP) return this.#refuseLine('status-line');
    const status = readLength(b, start + 9, start + STATUS_BYTES);
    if (status < 0) return this.#refuseLine('status-line');
    // Outside 100 to 599 a status means a server error to whoever receives it (RFC 9110 15).
    if (status < 100 || status > 599) return this.#refuseLine('status-code');
    let i = start + STATUS_BYTES;
    if (i >= limit) return RAN_OUT;
    // The space before an empty reason is often forgotten; what is passed on has it.
    const spaced = b[i] === SP;
    if (spaced) i++;
    const reasonAt = i;
    if (spaced) while (i < limit && FIELD_VALUE[b[i] as number] === 1) i++;
    if (i >= limit) return RAN_OUT;
    if (b[i] !== CR) return this.#refuseLine(b[i] === LF ? 'bare-lf' : 'status-line');
    if (i + 1 >= limit) return RAN_OUT;
    if (b[i + 1] !== LF) return this.#refuseLine('bare-cr');
    this.status = status;
    this.minor = minor === 0 ? 0 : 1;
    this.restateLine = minor !== 1 || !spaced;
    this.#reasonAt = reasonAt - start;
    this.#reasonEnd = i - start;
    return i + 2;
  }

  #readFields(b: Buffer): ResponseFault | null {
    const { lines } = this;
    this.reason = lines.text.slice(this.#reasonAt, this.#reasonEnd);
    this.#connection.reset();
    this.#lengthLine = this.#codingLine = -1;
    this.contentLength = -1;
    this.hasDate = this.#trailer = false;
    this.upgrade = this.lease = '';
    for (let k = 0; k < lines.count; k++) {
      const name = lines.name[k] as number;
      if (name === NAME.other) continue;
      const fault = this.#readField(b, k, name);
      if (fault !== null) return fault;
    }
    return null;
  }

  #readField(b: Buffer, k: number, name: number): ResponseFault | null {
    const { lines } = this;
    const { fate } = lines;
    switch (name) {
      case NAME.contentLength: {
        if (this.#lengthLine >= 0) return 'length-repeated';
        this.#lengthLine = k;
        const at = lines.valueAt[k] as number;
        const to = lines.valueEnd[k] as number;
        this.contentLength = readLength(b, at, to);
        if (b[at] === ZERO && to - at > 1) fate[k] = FATE.drop;
        return this.contentLength < 0 ? 'length-invalid' : null;
      }
      case NAME.transferEncoding:
        if (this.#codingLine >= 0) return 'coding-repeated';
        this.#codingLine = k;
        return null;
      case NAME.connection:
        fate[k] = FATE.drop;
        return this.#connection.read(lines.valueText(k)) ? null : this.#connection.fault;
      case NAME.upgrade:
        fate[k] = FATE.drop;
        this.upgrade += this.upgrade === '' ? lines.valueText(k) : `, ${lines.valueText(k)}`;
        return null;
      case NAME.lease:
        fate[k] = FATE.drop;
        this.lease = lines.valueText(k);
        return null;
      case NAME.date:
        this.hasDate = true;
        return null;
      case NAME.trailer:
        this.#trailer = true;
        return null;
      case NAME.keepAlive:
      case NAME.te:
      case NAME.proxy:
      case NAME.http2Settings:
        fate[k] = FATE.drop;
        return null;
      default:
        // Names that only mean something in requests are the application's own here.
        return null;
    }
  }

  #settleFraming(asked: Asked): ResponseFault | null {
    const { lines, status } = this;
    const { fate } = lines;
    const coding = this.#codingLine;
    const length = this.#lengthLine;
    this.restateFraming = length >= 0 && fate[length] === FATE.drop;
    if (coding >= 0) {
      if (this.minor === 0) return 'coding-in-1.0';
      if (length >= 0) return 'length-and-coding';
      if (readCoding(lines.valueText(coding)) !== 'chunked') return 'coding-invalid';
    }
    this.keepAlive = !this.#connection.close && (this.minor === 1 || this.#connection.keepAlive);
    const bodiless = status < 200 || status === 204;
    if (bodiless) {
      // RFC 9112 6.1, RFC 9110 8.6. A zero length with 204 is a harmless habit and only left out.
      if (coding >= 0) return 'coding-forbidden';
      if (length >= 0 && (status < 200 || this.contentLength > 0)) return 'length-forbidden';
      if (length >= 0) fate[length] = FATE.drop;
      this.restateFraming = false;
      this.contentLength = -1;
    }
    // Some readers end a 205 at its head, others do not (RFC 9110 15.3.6).
    if (status === 205 && this.contentLength > 0) return 'length-forbidden';
    if (bodiless || status === 304 || asked.isHead) {
      this.framing = FRAMING.none;
      if (coding >= 0) fate[coding] = FATE.drop;
    } else if (coding >= 0) {
      this.framing = FRAMING.chunked;
      this.restateFraming = lines.valueText(coding) !== 'chunked';
      if (this.restateFraming) fate[coding] = FATE.drop;
    } else if (length >= 0) this.framing = this.contentLength > 0 ? FRAMING.length : FRAMING.none;
    else {
      this.framing = FRAMING.close;
      this.keepAlive = false;
    }
    return null;
  }

  #settleSwitch(asked: Asked): ResponseFault | null {
    const { status } = this;
    this.informational = status < 200 && status !== 101;
    this.switched = status === 101;
    if (status === 426) return null;
    const { upgrade } = this;
    this.upgrade = '';
    if (status !== 101) return null;
    if (!asked.websocket) return 'switch-unasked';
    return upgrade.toLowerCase() === 'websocket' && this.#connection.upgrade && this.minor === 1
      ? null
      : 'switch-invalid';
  }

  #refuseLine(fault: ResponseFault): number {
    this.fault = fault;
    return REFUSED;
  }
}
