/**
 * Answers as HTTP/2 field sections (RFC 9113 8.3.2): without the fields of one connection, in lower case, with the length
 * where it is known and the framing left to HTTP/2.
 */
import type { OwnAnswer } from '../error-answer.ts';
import { FATE } from '../http1/field-lines.ts';
import { NAME } from '../http1/field-names.ts';
import { FRAMING } from '../http1/framing.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { FLAG } from './frame.ts';
import { type HeadWriter, linesMaxBytes, listMaxBytes } from './head-writer.ts';

const SWITCHED_STATUS = 200;
/** Date and Content-Length. */
const OWN_FIELDS_MAX_BYTES = 128;

/** What a head gets besides its own fields. */
export interface HeadExtras {
  readonly streamId: number;
  readonly add: readonly string[];
  /** Value of the Date field for an answer that has none. */
  readonly date: string;
}

/** Writes the head of an upstream's answer, informational ones included. Returns where its frame stands. */
export function writeAnswerHead(out: HeadWriter, head: ResponseHead, { streamId, add, date }: HeadExtras): number {
  const { lines } = head;
  out.start(linesMaxBytes(lines.count, lines.text.length) + listMaxBytes(add) + OWN_FIELDS_MAX_BYTES);
  out.status(head.switched ? SWITCHED_STATUS : head.status);
  const { name, fate, count } = lines;
  for (let k = 0; k < count; k++) {
    if (fate[k] === FATE.drop || name[k] === NAME.transferEncoding) continue;
    const text = lines.nameText(k);
    // Nobody asked for it: HTTP/2 needs no proof that a WebSocket was meant (RFC 8441 5.1).
    if (head.switched && text.toLowerCase() === 'sec-websocket-accept') continue;
    out.field(text, lines.valueText(k));
  }
  if (head.restateFraming && head.framing !== FRAMING.chunked) out.field('content-length', String(head.contentLength));
  if (!head.hasDate && !head.informational) out.field('date', date);
  writeList(out, add);
  return out.finish(streamId, 0);
}

/** Writes the head of an answer of the gateway's own. */
export function writeOwnHead(out: HeadWriter, answer: OwnAnswer, { streamId, add, date }: HeadExtras): number {
  const { status, fields, body } = answer;
  out.start(listMaxBytes(fields) + listMaxBytes(add) + OWN_FIELDS_MAX_BYTES);
  out.status(status);
  writeList(out, fields);
  // 204 has none, RFC 9110 8.6.
  if (status !== 204) out.field('content-length', String(body.length));
  out.field('date', date);
  writeList(out, add);
  return out.finish(streamId, 0);
}

/** Writes trailers, which end the stream. */
export function writeTrailers(out: HeadWriter, streamId: number, trailers: readonly string[]): void {
  out.start(listMaxBytes(trailers));
  writeList(out, trailers);
  out.finish(streamId, FLAG.endStream);
}

function writeList(out: HeadWriter, list: readonly string[]): void {
  for (let i = 0; i + 1 < list.length; i += 2) out.field(list[i] as string, list[i + 1] as string);
}
