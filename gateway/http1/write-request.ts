/**
 * Writing a scanned request head for an upstream: always HTTP/1.1, target in origin-form or "*", exactly one Host, at most
 * one framing field, nothing that was meant for this hop alone.
 */
import { FRAMING } from './framing.ts';
import type { RequestHead } from './request-head.ts';
import { copyLines, listLines } from './write-lines.ts';

/** What the gateway changes. One object may serve many requests. */
export interface RequestEdits {
  /**
   * The peer is a trusted proxy: its Forwarded, X-Real-IP and X-Forwarded-* stay, except the four fields the gateway
   * writes itself (X-Forwarded-For, -Host, -Proto, X-Request-Id), which are always left out: restate them in `add`.
   */
  readonly hearsay: boolean;
  /** `Expect: 100-continue` goes on; false if the gateway answers 100 itself. */
  readonly expect: boolean;
  /** Number of leading characters of the path to leave out (`path.strip`); a "/" takes their place if none is left. */
  readonly strip: number;
  /** Lower-case names to leave out by policy, or null. Never name Host or framing fields. */
  readonly remove: ReadonlySet<string> | null;
  /** Ready lines, each ended by CRLF, made of tokens and field values (`isToken`, `isFieldValue`). */
  readonly add: string;
}

const HOST: ReadonlySet<string> = new Set(['host']);

/** The whole head with its empty line, as latin1 text. */
export function writeRequestHead(head: RequestHead, edits: RequestEdits): string {
  const { lines } = head;
  const restated = head.restateLine || edits.strip > 0;
  const linesAt = (lines.nameAt[0] as number) - lines.base;
  let out = restated ? `${head.method} ${targetOf(head, edits)} HTTP/1.1\r\n` : '';
  out += copyLines(lines, restated ? linesAt : 0, edits);
  if (head.restateHost) out += `Host: ${head.authority}\r\n`;
  if (head.restateFraming) {
    const chunked = head.framing === FRAMING.chunked;
    out += chunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${head.contentLength}\r\n`;
  }
  if (head.websocket) out += 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  if (head.maxForwards > 0) out += `Max-Forwards: ${head.maxForwards - 1}\r\n`;
  return `${out}${edits.add}\r\n`;
}

/**
 * The fields that go on as a flat list of lower-case name, value, …, for stacks that write heads themselves (node:http,
 * node:http2). Without Host, framing and upgrade fields, which those stacks take as arguments, and without `edits.add`.
 */
export function listRequestFields(head: RequestHead, edits: RequestEdits): string[] {
  const { hearsay, expect, remove } = edits;
  const list = listLines(head.lines, { hearsay, expect, remove: withHost(remove), reframed: true });
  if (head.maxForwards > 0) list.push('max-forwards', String(head.maxForwards - 1));
  return list;
}

function withHost(remove: ReadonlySet<string> | null): ReadonlySet<string> {
  return remove === null ? HOST : new Set([...remove, ...HOST]);
}

/** The target that goes on: as received, or with `strip` characters less. */
export function targetOf(head: RequestHead, edits: RequestEdits): string {
  if (edits.strip === 0 || head.target === '*') return head.target;
  const rest = head.path.slice(edits.strip);
  return `${rest.startsWith('/') ? '' : '/'}${rest}${head.query}`;
}
