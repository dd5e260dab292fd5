/**
 * HTTP/2 field sections (RFC 9113 8.2, 8.3) read as the HTTP/1.1 heads they stand for. What HTTP/2 forbids is refused
 * here, all the rest by the same scanner as every other head; so a downgrade cannot smuggle what a request could not.
 */
import { type FieldList, readRawRequest, readRawResponse } from './field-list.ts';
import { FRAMING } from './framing.ts';
import type { RequestFault } from './request-fault.ts';
import type { HeadOutcome, RequestHead } from './request-head.ts';
import type { Asked, ResponseHead } from './response-head.ts';

/** Fields of one connection, which HTTP/2 does not know (RFC 9113 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);
const REQUEST_PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path', ':protocol']);
const RESPONSE_PSEUDO: ReadonlySet<string> = new Set([':status']);
const CAPITAL = /[A-Z]/;

type SectionFault = 'pseudo-field' | 'field-capital' | 'connection-field';

interface Section {
  readonly pseudo: ReadonlyMap<string, string>;
  readonly fields: string[];
}

/**
 * Judges the field section of a request stream, as node:http2 gives it (a flat list with the pseudo-fields). `ended`: the
 * stream has no body. A body of unknown length reads as chunked, so that an HTTP/1.1 upstream gets it that way; an
 * extended CONNECT for WebSocket (RFC 8441) reads as the GET it replaces, without Sec-WebSocket-Key. A malformed one is
 * answered by its status, or the stream reset with PROTOCOL_ERROR.
 */
export function readH2Request(head: RequestHead, list: FieldList, ended: boolean): HeadOutcome {
  const section = readSection(list, REQUEST_PSEUDO);
  if (typeof section === 'string') return head.refuse(section);
  const { pseudo, fields } = section;
  const protocol = pseudo.get(':protocol');
  let method = pseudo.get(':method');
  if (method === 'CONNECT' ? protocol !== 'websocket' : protocol !== undefined) {
    return head.refuse(method === 'CONNECT' ? 'method-refused' : 'pseudo-field');
  }
  const scheme = pseudo.get(':scheme');
  const path = pseudo.get(':path');
  if (method === undefined || path === undefined) return head.refuse('pseudo-field');
  if (scheme !== 'http' && scheme !== 'https') return head.refuse('pseudo-field');
  if (!path.startsWith('/') && path !== '*') return head.refuse('target');
  const hostFault = joinHost(fields, pseudo.get(':authority'));
  if (hostFault !== null) return head.refuse(hostFault);
  if (protocol === 'websocket') {
    method = 'GET';
    fields.push('connection', 'upgrade', 'upgrade', 'websocket');
  } else if (!ended && indexOf(fields, 'content-length') < 0) fields.push('transfer-encoding', 'chunked');
  const outcome = readRawRequest(head, { method, target: path, minor: 1, fields });
  if (outcome !== 'complete') return outcome;
  if (ended && head.contentLength > 0) return head.refuse('length-invalid');
  if (protocol === 'websocket' && !head.websocket) return head.refuse('pseudo-field');
  head.scheme = scheme;
  return outcome;
}

/** Judges the field section of an upstream's answer over HTTP/2, interim answers included. `ended`: no body follows. */
export function readH2Response(head: ResponseHead, list: FieldList, asked: Asked, ended: boolean): HeadOutcome {
  const section = readSection(list, RESPONSE_PSEUDO);
  if (typeof section === 'string') return head.refuse(section);
  const { pseudo, fields } = section;
  const status = pseudo.get(':status');
  if (status === undefined || !/^[1-5]\d\d$/.test(status) || status === '101') return head.refuse('pseudo-field');
  const bodiless = asked.isHead || status < '200' || status === '204' || status === '304';
  if (!bodiless && indexOf(fields, 'content-length') < 0) {
    fields.push(...(ended ? ['content-length', '0'] : ['transfer-encoding', 'chunked']));
  }
  const outcome = readRawResponse(head, { status: Number(status), reason: '', minor: 1, fields }, asked);
  if (outcome !== 'complete') return outcome;
  return ended && head.framing === FRAMING.length ? head.refuse('length-invalid') : outcome;
}

/** Takes the pseudo-fields, which come first and once each, from the other fields. */
function readSection(list: FieldList, known: ReadonlySet<string>): Section | SectionFault {
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  let cookie = -1;
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] as string;
    const value = list[i + 1] as string;
    if (name.startsWith(':')) {
      if (fields.length > 0 || pseudo.has(name) || !known.has(name)) return 'pseudo-field';
      pseudo.set(name, value);
      continue;
    }
    if (CAPITAL.test(name)) return 'field-capital';
    if (CONNECTION_FIELDS.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers')) return 'connection-field';
    // HTTP/2 splits Cookie for compression; HTTP/1.1 has one (RFC 9113 8.2.3).
    if (name === 'cookie' && cookie >= 0) fields[cookie] += `; ${value}`;
    else {
      fields.push(name, value);
      if (name === 'cookie') cookie = fields.length - 1;
    }
  }
  return { pseudo, fields };
}

/** Brings `:authority` into the one Host; both are allowed if they agree (RFC 9113 8.3.1). */
function joinHost(fields: string[], authority: string | undefined): RequestFault | null {
  if (authority === undefined) return null;
  const host = indexOf(fields, 'host');
  if (host < 0) {
    fields.unshift('host', authority);
    return null;
  }
  return fields[host + 1]?.toLowerCase() === authority.toLowerCase() ? null : 'host-conflict';
}

/** Index of the first field of this name, or -1. */
function indexOf(fields: readonly string[], name: string): number {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return i;
  return -1;
}
