/**
 * The strict scanner for request heads (RFC 9110, RFC 9112 2 to 7). One record per worker is reused for every request;
 * a head that comes out complete has exactly one reading: where it ends, whom it is for, how its body is framed.
 */
import { ConnectionOptions } from './connection-options.ts';
import { FATE, FieldLines, RAN_OUT, REFUSED } from './field-lines.ts';
import { NAME, TWIN } from './field-names.ts';
import { FRAMING, type Framing, readCoding, readLength } from './framing.ts';
import { CR, LF, ZERO } from './octets.ts';
import { REQUEST_FAULTS, type RequestFault, type RequestFaultStatus } from './request-fault.ts';
import { RequestHost } from './request-host.ts';
import { REQUEST_LINE_MAX_BYTES, RequestLine } from './request-line.ts';

/** A whole head, from its first octet to the end of the empty line. */
export const REQUEST_HEAD_MAX_BYTES = 16_384;
export const REQUEST_FIELDS_MAX = 128;
/** For `isWorthScanning`. The line's limit counts from its first octet, two after an empty line. */
export const REQUEST_LIMITS_BYTES = [
  REQUEST_LINE_MAX_BYTES,
  REQUEST_LINE_MAX_BYTES + 2,
  REQUEST_HEAD_MAX_BYTES,
] as const;

export type HeadOutcome = 'complete' | 'incomplete' | 'malformed';

const EXPECT = ['expect'];
const TRAILER = ['trailer'];

/**
 * One request head. Once `scan` said complete, everything here holds until the next scan and no longer depends on the
 * scanned buffer. Its strings are slices of one text of up to 16 KiB: what outlives the request should copy them.
 */
export class RequestHead {
  /** Why it is malformed. */
  fault: RequestFault = 'request-line';
  /** Offset in the scanned buffer of the first octet after the head. */
  end = 0;
  /** Of a malformed head '' if the fault is no later than that: HEAD is answered without a body even so. */
  method = 'GET';
  /** Target to forward: origin-form, or "*". */
  target = '/';
  /** For routing: the path as it stands, without query; "/" for "*". */
  path = '/';
  /** "?" and the query, or ''. */
  query = '';
  /** Upstreams may disagree on `path`: if `liberalPath(path)` is routed elsewhere, refuse with 400. */
  quirky = false;
  /** The scheme, if the target names one (absolute-form). "https" over a plain connection is misdirected (421). */
  scheme: '' | 'http' | 'https' = '';
  minor: 0 | 1 = 1;
  /** Lower case, no port, no trailing dot; an IPv6 literal keeps its brackets. '' if an HTTP/1.0 request names none. */
  hostname = '';
  /** Hostname and port as sent. */
  authority = '';
  /** Port as sent, 0 if none. */
  port = 0;
  framing: Framing = FRAMING.none;
  /** Bytes of the body if framing is `length`, else 0. */
  contentLength = 0;
  /** The client is willing to go on after this exchange. */
  keepAlive = true;
  /** The client waits for 100 before it sends its body. */
  expect100 = false;
  /** A clean WebSocket upgrade. Any other Upgrade is ignored and removed, as RFC 9110 7.8 allows. */
  websocket = false;
  /** The client takes trailers (`TE: trailers`). */
  teTrailers = false;
  /** Hops left to an OPTIONS request; 0: answer it here (RFC 9110 7.6.2); -1: no limit. */
  maxForwards = -1;

  /** The field lines, with the text of the whole head but its empty line. */
  readonly lines = new FieldLines(REQUEST_FIELDS_MAX);
  /** The request-line, Host and framing lines as sent are not fit to be copied. */
  restateLine = false;
  restateHost = false;
  restateFraming = false;

  readonly #line = new RequestLine();
  readonly #connection = new ConnectionOptions();
  readonly #host = new RequestHost();
  #hostLine = -1;
  #lengthLine = -1;
  #codingLine = -1;
  #upgrades = 0;
  #trailer = false;

  /** Status that answers the fault. */
  get status(): RequestFaultStatus {
    return REQUEST_FAULTS[this.fault];
  }

  /**
   * Scans `b[start, end)`, the first octets of a request. Incomplete: come back with more octets after the same ones
   * (`isWorthScanning` says when). Malformed: answer `status`, close the connection.
   */
  scan(b: Buffer, start: number, end: number): HeadOutcome {
    const longest = start + REQUEST_HEAD_MAX_BYTES;
    const limit = Math.min(end, longest);
    let begin = start;
    this.method = '';
    // One empty line before the request-line is ignored, RFC 9112 2.2; old clients end a body with it.
    if (begin < limit && b[begin] === CR) {
      if (begin + 1 >= limit) return 'incomplete';
      if (b[begin + 1] !== LF) return this.refuse('bare-cr');
      begin += 2;
    }
    const linesAt = this.#line.scan(b, begin, limit);
    this.method = this.#line.method;
    if (linesAt === REFUSED) return this.refuse(this.#line.fault);
    if (linesAt === RAN_OUT) return 'incomplete';
    const after = this.lines.walk(b, linesAt, limit);
    if (after === REFUSED) return this.refuse(this.lines.fault);
    if (after === RAN_OUT) return limit === longest ? this.refuse('head-too-large') : 'incomplete';
    this.end = after;
    this.lines.hold(b, begin, after - 2);
    const fault = this.#readFields(b) ?? this.#settleHost(b) ?? this.#settleFraming();
    if (fault !== null) return this.refuse(fault);
    this.#settleOptions();
    return 'complete';
  }

  /** All values of a field (name in lower case) as sent, joined as one list; undefined if it is absent. */
  field(name: string): string | undefined {
    return this.lines.field(name);
  }

  /** Ends the scan; for the readers of this folder that bring a head in another form. */
  refuse(fault: RequestFault): 'malformed' {
    this.fault = fault;
    return 'malformed';
  }

  #readFields(b: Buffer): RequestFault | null {
    const { lines } = this;
    const line = this.#line;
    const { target } = line;
    this.minor = line.minor;
    this.quirky = target.quirky;
    this.scheme = target.scheme;
    this.restateLine = !line.asIs;
    this.#settleTarget();
    this.#connection.reset();
    this.#hostLine = this.#lengthLine = this.#codingLine = -1;
    this.#upgrades = 0;
    this.#trailer = this.expect100 = this.teTrailers = false;
    this.maxForwards = -1;
    for (let k = 0; k < lines.count; k++) {
      const name = lines.name[k] as number;
      if (name === NAME.other) continue;
      const fault = this.#readField(b, k, name);
      if (fault !== null) return fault;
    }
    return null;
  }

  #readField(b: Buffer, k: number, name: number): RequestFault | null {
    const { lines } = this;
    const { fate } = lines;
    switch (name) {
      case NAME.host:
        if (this.#hostLine >= 0) return 'host-repeated';
        this.#hostLine = k;
        return null;
      case NAME.contentLength:
        if (this.#lengthLine >= 0) return 'length-repeated';
        this.#lengthLine = k;
        return this.#readLength(b, k);
      case NAME.transferEncoding:
        if (this.#codingLine >= 0) return 'coding-repeated';
        this.#codingLine = k;
        return null;
      case NAME.connection:
        fate[k] = FATE.drop;
        return this.#connection.read(lines.valueText(k)) ? null : this.#connection.fault;
      case NAME.te:
        fate[k] = FATE.drop;
        this.teTrailers ||= /(?:^|,)[ \t]*trailers[ \t]*(?:[,;]|$)/i.test(lines.valueText(k));
        return null;
      case NAME.trailer:
        this.#trailer = true;
        return null;
      case NAME.upgrade:
        fate[k] = FATE.drop;
        // A second line, or a list of protocols, is no upgrade that browsers make.
        this.#upgrades += lines.valueText(k).toLowerCase() === 'websocket' ? 1 : 2;
        return null;
      case NAME.expect:
        // An HTTP/1.0 client cannot mean it, RFC 9110 10.1.1.
        if (this.minor === 1 && lines.valueText(k).toLowerCase() !== '100-continue') return 'expectation';
        fate[k] = FATE.expect;
        this.expect100 = true;
        return null;
      case NAME.maxForwards:
        if (this.method !== 'OPTIONS') return null;
        fate[k] = FATE.drop;
        if (this.maxForwards >= 0) return 'max-forwards';
        this.maxForwards = readLength(b, lines.valueAt[k] as number, lines.valueEnd[k] as number);
        return this.maxForwards < 0 ? 'max-forwards' : null;
      case NAME.hearsay:
        fate[k] = FATE.hearsay;
        return null;
      case NAME.date:
      case NAME.proxyStatus:
        return null;
      case NAME.contentLength | TWIN:
      case NAME.transferEncoding | TWIN:
        return 'field-name-twin';
      default:
        // Hop-by-hop, written by the gateway itself, or the twin of a name that is.
        fate[k] = FATE.drop;
        return null;
    }
  }

  #readLength(b: Buffer, k: number): RequestFault | null {
    const { lines } = this;
    const at = lines.valueAt[k] as number;
    const to = lines.valueEnd[k] as number;
    this.contentLength = readLength(b, at, to);
    if (this.contentLength < 0) return 'length-invalid';
    // Leading zeros are legal, and an octal number to some.
    if (b[at] === ZERO && to - at > 1) lines.fate[k] = FATE.drop;
    return null;
  }

  #settleTarget(): void {
    const { target, method } = this.#line;
    const { text, base } = this.lines;
    this.query = target.end === target.pathEnd ? '' : text.slice(target.pathEnd - base, target.end - base);
    if (target.form === 'origin') {
      this.path = text.slice(target.pathAt - base, target.pathEnd - base);
      this.target = this.query === '' ? this.path : text.slice(target.pathAt - base, target.end - base);
      return;
    }
    const empty = target.pathAt === target.pathEnd;
    // OPTIONS of an absolute target without path or query asks about the server, RFC 9112 3.2.4.
    const star = target.form === 'asterisk' || (empty && this.query === '' && method === 'OPTIONS');
    this.path = star || empty ? '/' : text.slice(target.pathAt - base, target.pathEnd - base);
    this.target = star ? '*' : this.path + this.query;
  }

  #settleHost(b: Buffer): RequestFault | null {
    const host = this.#host;
    const fault = host.settle(b, this.lines, this.#line, this.#hostLine);
    this.hostname = host.hostname;
    this.authority = host.authority;
    this.port = host.port;
    this.restateHost = host.restated;
    return fault;
  }

  #settleFraming(): RequestFault | null {
    const { lines } = this;
    const { fate } = lines;
    const coding = this.#codingLine;
    const length = this.#lengthLine;
    this.framing = FRAMING.none;
    this.restateFraming = false;
    if (length < 0) this.contentLength = 0;
    else {
      this.framing = this.contentLength > 0 ? FRAMING.length : FRAMING.none;
      this.restateFraming = fate[length] === FATE.drop;
    }
    if (coding < 0) return null;
    if (this.minor === 0) return 'coding-in-1.0';
    const value = lines.valueText(coding);
    const read = readCoding(value);
    if (read !== 'chunked') return read === 'unknown' ? 'coding-unknown' : 'coding-invalid';
    if (length >= 0) return 'length-and-coding';
    this.framing = FRAMING.chunked;
    this.restateFraming = value !== 'chunked';
    if (this.restateFraming) fate[coding] = FATE.drop;
    return null;
  }

  #settleOptions(): void {
    const options = this.#connection;
    const bodiless = this.framing === FRAMING.none;
    this.keepAlive = !options.close && (this.minor === 1 || options.keepAlive);
    const asked = this.#upgrades === 1 && options.upgrade && this.target !== '*';
    this.websocket = asked && bodiless && this.method === 'GET' && this.minor === 1;
    if (this.expect100 && (this.minor === 0 || bodiless)) {
      this.expect100 = false;
      this.lines.drop(EXPECT);
    }
    if (options.nominated !== null) this.lines.drop(options.nominated);
    if (this.#trailer && this.framing !== FRAMING.chunked) this.lines.drop(TRAILER);
  }
}
