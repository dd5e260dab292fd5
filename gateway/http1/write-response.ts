/**
 * Writing a scanned response head for an HTTP/1.x client: always HTTP/1.1, at most one framing field, and that one true
 * of the body the caller is going to send.
 */
import { FRAMING } from './framing.ts';
import type { ResponseHead } from './response-head.ts';
import { copyLines, type LineChoice, listLines } from './write-lines.ts';

/** How the body leaves, which may differ from how it came. */
export const OUTGOING = {
  /** As it came; a body that ends by closing needs `connection: 'close'`. */
  same: 'same',
  /** The caller writes chunks: the length was unknown or changes (compression). */
  chunked: 'chunked',
  /** Plain octets until the connection closes, for HTTP/1.0 clients; needs `connection: 'close'`. */
  close: 'close',
} as const;

export type Outgoing = (typeof OUTGOING)[keyof typeof OUTGOING];

/** What the gateway changes. One object may serve many responses. */
export interface ResponseEdits {
  readonly outgoing: Outgoing;
  /** Option to state; '' states none (HTTP/1.1 goes on). Left out of 1xx. */
  readonly connection: '' | 'close' | 'keep-alive';
  /** A ready Date line with CRLF, used if a final response has none (RFC 9110 6.6.1), or ''. */
  readonly date: string;
  /** Lower-case names to leave out by policy, or null. Never name framing fields. */
  readonly remove: ReadonlySet<string> | null;
  /** Ready lines, each ended by CRLF, made of tokens and field values (`isToken`, `isFieldValue`). */
  readonly add: string;
}

const AS_IS: LineChoice = { hearsay: true, expect: true, remove: null, reframed: false };

/** How the body of `head` can leave towards a client of HTTP/1.`minor` so that its end is seen. */
export function outgoingFor(head: ResponseHead, minor: 0 | 1): Outgoing {
  if (head.framing === FRAMING.none || head.framing === FRAMING.length) return OUTGOING.same;
  if (minor === 0) return OUTGOING.close;
  return head.framing === FRAMING.chunked ? OUTGOING.same : OUTGOING.chunked;
}

/** The whole head with its empty line, as latin1 text. */
export function writeResponseHead(head: ResponseHead, edits: ResponseEdits): string {
  const { lines, restateLine } = head;
  const linesAt = (lines.nameAt[0] as number) - lines.base;
  let out = restateLine ? `HTTP/1.1 ${head.status} ${head.reason}\r\n` : '';
  out += copyLines(lines, restateLine ? linesAt : 0, choiceOf(edits));
  out += framingLine(head, edits.outgoing);
  if (head.informational) return `${out}\r\n`;
  if (head.switched) return `${out}Connection: Upgrade\r\nUpgrade: websocket\r\n${edits.add}\r\n`;
  if (!head.hasDate) out += edits.date;
  // 426 has to say what to upgrade to, RFC 9110 15.5.22.
  if (head.upgrade !== '') {
    const options = edits.connection === '' ? 'Upgrade' : `Upgrade, ${edits.connection}`;
    out += `Connection: ${options}\r\nUpgrade: ${head.upgrade}\r\n`;
  } else if (edits.connection !== '') out += `Connection: ${edits.connection}\r\n`;
  return `${out}${edits.add}\r\n`;
}

/**
 * The fields that go on as a flat list of lower-case name, value, …, for stacks that write heads themselves (node:http,
 * node:http2). Without Transfer-Encoding, Connection and Upgrade, and without `edits.date` and `edits.add`;
 * Content-Length is among them if the body leaves as it came.
 */
export function listResponseFields(head: ResponseHead, edits: ResponseEdits): string[] {
  const list = listLines(head.lines, { ...choiceOf(edits), reframed: true });
  if (head.contentLength >= 0 && edits.outgoing === OUTGOING.same)
    list.push('content-length', String(head.contentLength));
  return list;
}

function choiceOf(edits: ResponseEdits): LineChoice {
  if (edits.remove === null && edits.outgoing === OUTGOING.same) return AS_IS;
  return { hearsay: true, expect: true, remove: edits.remove, reframed: edits.outgoing !== OUTGOING.same };
}

function framingLine(head: ResponseHead, outgoing: Outgoing): string {
  if (outgoing === OUTGOING.close) return '';
  if (outgoing === OUTGOING.chunked) return head.framing === FRAMING.none ? '' : 'Transfer-Encoding: chunked\r\n';
  if (!head.restateFraming) return '';
  return head.framing === FRAMING.chunked
    ? 'Transfer-Encoding: chunked\r\n'
    : `Content-Length: ${head.contentLength}\r\n`;
}
