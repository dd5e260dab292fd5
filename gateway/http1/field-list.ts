/**
 * Heads whose lines somebody else has already split (node:http's raw headers, HTTP/2 field lists) brought back into the
 * one form that is judged: they are written out and scanned like any head, so that strictness exists once. A name or
 * value that would come apart differently than it was given is found by comparing the two.
 */
import { FieldLines, REFUSED } from './field-lines.ts';
import type { HeadOutcome, RequestHead } from './request-head.ts';
import type { Asked, ResponseHead } from './response-head.ts';
import { keepTrailers, TRAILERS_MAX } from './trailers.ts';

/** name, value, name, value, … as node:http gives in `rawHeaders`; characters are octets (latin1). */
export type FieldList = readonly string[];

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  readonly fields: FieldList;
}

export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly fields: FieldList;
}

const BEYOND_LATIN1 = /[^\0-\xff]/;

/** Judges a request split by node:http; the same outcome and record as `head.scan`, never incomplete. */
export function readRawRequest(head: RequestHead, raw: RawRequest): HeadOutcome {
  const bytes = writeList(`${raw.method} ${raw.target} HTTP/1.${raw.minor}`, raw.fields);
  if (bytes === null) return head.refuse('list');
  const outcome = head.scan(bytes, 0, bytes.length);
  if (outcome === 'malformed') return outcome;
  const whole = outcome === 'complete' && head.end === bytes.length && head.lines.base === 0;
  return whole && isSame(head.lines, raw.fields) ? outcome : head.refuse('list');
}

/** Judges a response split by node:http. */
export function readRawResponse(head: ResponseHead, raw: RawResponse, asked: Asked): HeadOutcome {
  const bytes = writeList(`HTTP/1.${raw.minor} ${raw.status} ${raw.reason}`, raw.fields);
  if (bytes === null) return head.refuse('list');
  const outcome = head.scan(bytes, 0, bytes.length, asked);
  if (outcome === 'malformed') return outcome;
  const whole = outcome === 'complete' && head.end === bytes.length;
  return whole && isSame(head.lines, raw.fields) ? outcome : head.refuse('list');
}

/** The trailers of a list that may go on, or null if they are malformed or forge framing or routing. */
export function readRawTrailers(fields: FieldList): string[] | null {
  const bytes = writeList('', fields);
  const lines = new FieldLines(TRAILERS_MAX);
  if (bytes === null || lines.walk(bytes, 2, bytes.length) === REFUSED) return null;
  lines.hold(bytes, 2, bytes.length - 2);
  return isSame(lines, fields) ? keepTrailers(lines) : null;
}

function writeList(startLine: string, fields: FieldList): Buffer | null {
  if (fields.length % 2 !== 0) return null;
  let text = `${startLine}\r\n`;
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  // Writing such a character as one octet would make another one of it, a line end for instance.
  return BEYOND_LATIN1.test(text) ? null : Buffer.from(`${text}\r\n`, 'latin1');
}

/** Whether the walked lines are the given ones: as many, each name and value as long as given. */
function isSame(lines: FieldLines, fields: FieldList): boolean {
  if (lines.count * 2 !== fields.length) return false;
  for (let k = 0; k < lines.count; k++) {
    if ((lines.nameEnd[k] as number) - (lines.nameAt[k] as number) !== fields[2 * k]?.length) return false;
    if ((lines.valueEnd[k] as number) - (lines.valueAt[k] as number) !== fields[2 * k + 1]?.length) return false;
  }
  return true;
}
