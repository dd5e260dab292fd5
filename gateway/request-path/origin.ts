/**
 * Where a request comes from, and what is said of that to the upstream. A trusted proxy's word is extended, everybody
 * else's is replaced.
 */
import type { Protocol } from '#core/set';
import type { Peer } from '../exchange.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { listRequestFields, type RequestEdits, targetOf, writeRequestHead } from '../http1/write-request.ts';
import type { TrustedProxies } from '../trusted-proxies.ts';
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

export function originOf(head: RequestHead, peer: Peer, proxies: TrustedProxies, nextId: () => string): Origin {
  if (!peer.trusted) return { client: peer.address, secure: peer.secure, requestId: nextId() };
  const forwardedFor = head.field('x-forwarded-for');
  const proto = head.field('x-forwarded-proto');
  const requestId = head.field('x-request-id');
  return {
    client: forwardedFor === undefined ? peer.address : proxies.clientOf(peer.address, forwardedFor),
    secure: proto === undefined ? peer.secure : proto.toLowerCase() === 'https',
    requestId: requestId !== undefined && REQUEST_ID.test(requestId) ? requestId : nextId(),
  };
}

/** What the way to the upstream asks of a request. */
export interface Onward {
  /** Path prefix to take off; '' for none. */
  readonly prefix: string;
  readonly proto: Protocol;
}

/** The request as it goes to an upstream. */
export function outgoingRequest(head: RequestHead, peer: Peer, origin: Origin, onward: Onward): OutgoingRequest {
  const { prefix, proto } = onward;
  const lines = forwardedLines(head, peer, origin, prefix);
  const edits = {
    hearsay: peer.trusted,
    expect: true,
    strip: prefix.length,
    remove: prefix === '' ? null : FORWARDED_PREFIX,
    add: lines,
  };
  return {
    head: writeRequestHead(head, edits),
    isHead: head.method === 'HEAD',
    websocket: head.websocket,
    body: head.framing === 'none' ? 'none' : head.framing === 'length' ? 'sized' : 'chunked',
    h2: proto === 'h2c' ? fieldSection(head, edits) : null,
  };
}

/** Who the client is and what it asked for, as field lines. */
function forwardedLines(head: RequestHead, peer: Peer, origin: Origin, prefix: string): string {
  const before = peer.trusted ? head.field('x-forwarded-for') : undefined;
  const host = (peer.trusted ? head.field('x-forwarded-host') : undefined) ?? head.authority;
  let lines = `X-Forwarded-For: ${before === undefined ? '' : `${before}, `}${peer.address}\r\n`;
  lines += `X-Forwarded-Proto: ${origin.secure ? 'https' : 'http'}\r\n`;
  lines += `X-Forwarded-Host: ${host}\r\nX-Request-Id: ${origin.requestId}\r\n`;
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
