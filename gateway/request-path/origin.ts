/**
 * Where a request comes from, and what is said of that to the upstream. A trusted proxy's word is extended, everybody
 * else's is replaced.
 */
import type { Protocol } from '#core/set';
import type { TrustedProxies } from '#core/trusted-proxies';
import type { Peer } from '../exchange.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { listRequestFields, type RequestEdits, targetOf, writeRequestHead } from '../http1/write-request.ts';
import type { OutgoingRequest } from '../upstream/upstream-call.ts';

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
const FORWARDED_PREFIX = new Set(['x-forwarded-prefix']);

/** Facts about the sender of a request. */
export interface Origin {
  /** Address of the client itself, behind whatever proxies are trusted. */
  readonly client: string;
  /** The client's own connection is encrypted. */
  readonly secure: boolean;
  readonly requestId: string;
}

/** The origin of the request that is read now: it holds until the next one is. */
export class CurrentOrigin implements Origin {
  readonly #proxies: TrustedProxies;
  readonly #nextId: () => string;
  client = '';
  secure = false;
  requestId = '';

  constructor(proxies: TrustedProxies, nextId: () => string) {
    this.#proxies = proxies;
    this.#nextId = nextId;
  }

  read(head: RequestHead, peer: Peer): void {
    this.client = peer.address;
    this.secure = peer.secure;
    if (peer.trusted) this.#believe(head, peer);
    else this.requestId = this.#nextId();
  }

  #believe(head: RequestHead, peer: Peer): void {
    const forwardedFor = head.field('x-forwarded-for');
    const proto = head.field('x-forwarded-proto');
    const requestId = head.field('x-request-id');
    if (forwardedFor !== undefined) this.client = this.#proxies.clientOf(peer.address, forwardedFor);
    if (proto !== undefined) this.secure = proto.toLowerCase() === 'https';
    this.requestId = requestId !== undefined && REQUEST_ID.test(requestId) ? requestId : this.#nextId();
  }
}

/** What the way to the upstream asks of a request. */
export interface Onward {
  /** Path prefix to take off; '' for none. */
  readonly prefix: string;
  readonly proto: Protocol;
  /** A ready line with what the client has proved of itself; '' for none. */
  readonly proved: string;
}

/** A request as it goes to an upstream. Written once for each request, and again for the next. */
export class Outgoing implements OutgoingRequest {
  head = '';
  isHead = false;
  websocket = false;
  body: OutgoingRequest['body'] = 'none';
  h2: readonly string[] | null = null;
  readonly #edits: Editable = { hearsay: false, expect: true, strip: 0, remove: null, add: '' };

  write(head: RequestHead, peer: Peer, origin: Origin, { prefix, proto, proved }: Onward): void {
    const edits = this.#edits;
    edits.hearsay = peer.trusted;
    edits.strip = prefix.length;
    edits.remove = prefix === '' ? null : FORWARDED_PREFIX;
    edits.add = forwardedLines(head, peer, origin, prefix) + proved;
    this.head = writeRequestHead(head, edits);
    this.isHead = head.method === 'HEAD';
    this.websocket = head.websocket;
    this.body = head.framing === 'none' ? 'none' : head.framing === 'length' ? 'sized' : 'chunked';
    this.h2 = proto === 'h2c' ? fieldSection(head, edits) : null;
  }
}

type Editable = { -readonly [K in keyof RequestEdits]: RequestEdits[K] };

/** Who the client is and what it asked for, as field lines. */
function forwardedLines(head: RequestHead, peer: Peer, origin: Origin, prefix: string): string {
  const proto = origin.secure ? 'https' : 'http';
  if (!peer.trusted && prefix === '') {
    return `X-Forwarded-For: ${peer.address}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${head.authority}\r\nX-Request-Id: ${origin.requestId}\r\n`;
  }
  const before = peer.trusted ? head.field('x-forwarded-for') : undefined;
  const host = (peer.trusted ? head.field('x-forwarded-host') : undefined) ?? head.authority;
  let lines = `X-Forwarded-For: ${before === undefined ? '' : `${before}, `}${peer.address}\r\n`;
  lines += `X-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${host}\r\nX-Request-Id: ${origin.requestId}\r\n`;
  if (prefix === '') return lines;
  const outer = (peer.trusted ? head.field('x-forwarded-prefix') : undefined) ?? '';
  return `${lines}X-Forwarded-Prefix: ${outer}${prefix}\r\n`;
}

/** The head as HTTP/2 wants it (RFC 9113 8.3.1). */
function fieldSection(head: RequestHead, edits: RequestEdits): string[] {
  const section = [':method', head.method, ':scheme', 'http', ':authority', head.authority];
  section.push(':path', targetOf(head, edits), ...listRequestFields(head, edits));
  if (head.framing === 'length') section.push('content-length', String(head.contentLength));
  if (head.teTrailers) section.push('te', 'trailers');
  for (const line of edits.add.split('\r\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) section.push(line.slice(0, colon).toLowerCase(), line.slice(colon + 2));
  }
  return section;
}
