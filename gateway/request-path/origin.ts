/**
 * Where a request comes from, and what is said of that to the upstream. A trusted proxy's word is extended, everybody
 * else's is replaced.
 */
import type { Peer } from '../exchange.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { writeRequestHead } from '../http1/write-request.ts';
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

/**
 * The request as it goes to an upstream.
 * @param prefix path prefix to take off, '' for none
 */
export function outgoingRequest(head: RequestHead, peer: Peer, origin: Origin, prefix: string): OutgoingRequest {
  const hearsay = peer.trusted;
  const before = hearsay ? head.field('x-forwarded-for') : undefined;
  const host = (hearsay ? head.field('x-forwarded-host') : undefined) ?? head.authority;
  let add = `X-Forwarded-For: ${before === undefined ? '' : `${before}, `}${peer.address}\r\n`;
  add += `X-Forwarded-Proto: ${origin.secure ? 'https' : 'http'}\r\n`;
  add += `X-Forwarded-Host: ${host}\r\nX-Request-Id: ${origin.requestId}\r\n`;
  if (prefix !== '') {
    const outer = (hearsay ? head.field('x-forwarded-prefix') : undefined) ?? '';
    add += `X-Forwarded-Prefix: ${outer}${prefix}\r\n`;
  }
  const remove = prefix === '' ? null : FORWARDED_PREFIX;
  return {
    head: writeRequestHead(head, { hearsay, expect: true, strip: prefix.length, remove, add }),
    isHead: head.method === 'HEAD',
    websocket: head.websocket,
    body: head.framing === 'none' ? 'none' : head.framing === 'length' ? 'sized' : 'chunked',
  };
}
