/**
 * How the gateway's own scanner reads the octets of one connection: which requests they hold, which of those go on, and how
 * the connection has to end. What a lane does over sockets is held against this, and this against Node's parser.
 */
import { ChunkedBody } from '#gateway/http1/chunked';
import { RequestHead } from '#gateway/http1/request-head';

export interface Meaning {
  readonly method: string;
  /** As it goes on. */
  readonly target: string;
  readonly host: string;
  readonly body: string;
  readonly trailers: readonly string[];
  /** It reaches the replica; otherwise the gateway answers by itself. */
  readonly isForwarded: boolean;
  /** The connection ends behind it: `must`, or `may` by the lane's choice. */
  readonly closes: 'no' | 'may' | 'must';
}

export interface Reading {
  /** Whole requests. */
  readonly requests: readonly Meaning[];
  /**
   * `whole`: ends behind a request. `incomplete`: in the middle of one. `refused`: what follows is at fault, in its head or
   * (`body`) behind a head that was served already.
   */
  readonly end: 'whole' | 'incomplete' | 'refused' | 'refused-body';
  /** Method of what is at fault or incomplete, '' if that is not known. */
  readonly last: string;
}

const head = new RequestHead();
const chunks = new ChunkedBody();
/** The gateway reads the rest of a body up to this size for an answer of its own. */
const UNREAD_MAX_BYTES = 65_536;

/** Reads `octets` up to the first request that ends the connection, or that is at fault. */
export function readOctets(octets: Buffer, hostnames: ReadonlySet<string>): Reading {
  const requests: Meaning[] = [];
  let at = 0;
  while (at < octets.length) {
    const outcome = head.scan(octets, at, octets.length);
    if (outcome === 'incomplete') return { requests, end: 'incomplete', last: '' };
    if (outcome === 'malformed') return { requests, end: 'refused', last: head.method };
    const { method, target, authority, hostname, keepAlive, websocket, expect100, maxForwards, scheme, framing } = head;
    const isForwarded = maxForwards !== 0 && scheme !== 'https' && hostnames.has(hostname);
    const isUnread = framing === 'chunked' || head.contentLength > UNREAD_MAX_BYTES || expect100;
    const mayClose = websocket || expect100 || (!isForwarded && framing !== 'none' && isUnread);
    const body = readBody(octets, head.end);
    if (typeof body === 'string')
      return { requests, end: body === 'incomplete' ? 'incomplete' : 'refused-body', last: method };
    const closes = !keepAlive ? 'must' : mayClose ? 'may' : 'no';
    requests.push({ method, target, host: authority, body: body.text, trailers: body.trailers, isForwarded, closes });
    at = body.end;
    if (closes === 'must') break;
  }
  return { requests, end: 'whole', last: '' };
}

interface ReadBody {
  readonly text: string;
  readonly trailers: readonly string[];
  readonly end: number;
}

function readBody(octets: Buffer, start: number): ReadBody | 'incomplete' | 'fault' {
  if (head.framing !== 'chunked') {
    const end = start + head.contentLength;
    if (end > octets.length) return 'incomplete';
    return { text: octets.toString('latin1', start, end), trailers: [], end };
  }
  let text = '';
  let at = start;
  chunks.start('payload');
  do {
    at = chunks.scan(octets, at, octets.length);
    text += octets.toString('latin1', chunks.partStart, chunks.partEnd);
  } while (chunks.event === 'part');
  if (chunks.event === 'fault') return 'fault';
  return chunks.event === 'more' ? 'incomplete' : { text, trailers: chunks.trailers, end: at };
}
