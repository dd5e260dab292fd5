/** Heads for tests of policies, scanned as any other, and what they come to when they are written. */
import assert from 'node:assert/strict';
import { RequestHead } from '#gateway/http1/request-head';
import { ResponseHead } from '#gateway/http1/response-head';
import { writeRequestHead } from '#gateway/http1/write-request';
import { outgoingFor, writeResponseHead } from '#gateway/http1/write-response';

export function requestHead(lines: readonly string[], start = 'GET / HTTP/1.1'): RequestHead {
  const octets = Buffer.from(`${[start, 'Host: app.test', ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
  const head = new RequestHead();
  assert.equal(head.scan(octets, 0, octets.length), 'complete', head.fault);
  return head;
}

export function responseHead(lines: readonly string[], status = 200): ResponseHead {
  const octets = Buffer.from(`${[`HTTP/1.1 ${status} X`, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
  const head = new ResponseHead();
  assert.equal(head.scan(octets, 0, octets.length, { isHead: false, websocket: false }), 'complete', head.fault);
  return head;
}

/** The field lines as they go to an upstream. */
export function writtenRequest(head: RequestHead): string[] {
  const text = writeRequestHead(head, { hearsay: false, expect: true, strip: 0, remove: null, add: '' });
  assertReadable(text, (octets) => new RequestHead().scan(octets, 0, octets.length));
  return linesOf(text);
}

/** The field lines as they go to a client. */
export function writtenResponse(head: ResponseHead, minor: 0 | 1 = 1): string[] {
  const outgoing = outgoingFor(head, minor);
  const text = writeResponseHead(head, { outgoing, connection: '', date: '', remove: null, add: '' });
  const asked = { isHead: false, websocket: false };
  assertReadable(text, (octets) => new ResponseHead().scan(octets, 0, octets.length, asked));
  return linesOf(text);
}

/** A fake answers with what it was given: the reading of one field, by its name in lower case. */
export function fieldsOf(fields: Readonly<Record<string, string>>): (name: string) => string | undefined {
  return (name) => fields[name];
}

function assertReadable(text: string, scan: (octets: Buffer) => string): void {
  assert.equal(scan(Buffer.from(text, 'latin1')), 'complete', JSON.stringify(text));
}

function linesOf(text: string): string[] {
  return text.slice(0, -4).split('\r\n').slice(1);
}
