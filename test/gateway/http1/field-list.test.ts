/** Heads split by somebody else are judged exactly as the octets they came from would be. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readRawRequest, readRawResponse } from '#gateway/http1/field-list';
import { RequestHead } from '#gateway/http1/request-head';
import { ResponseHead } from '#gateway/http1/response-head';
import { writeRequestHead } from '#gateway/http1/write-request';
import { REQUEST_VECTORS } from './request-vectors.ts';
import { PLAIN, RESPONSE_VECTORS } from './response-vectors.ts';

const EDITS = { hearsay: true, expect: true, strip: 0, remove: null, add: '' };
const whole = new RequestHead();
const split = new RequestHead();

/** The vector as a lenient stack would have split it; null if there is nothing to split at. */
function splitUp(text: string): { start: string[]; fields: string[] } | null {
  const lines = text.split('\r\n');
  const start = lines.shift()?.split(' ') ?? [];
  const end = lines.indexOf('');
  if (start.length < 3 || end < 0 || lines.slice(0, end).some((line) => !line.includes(':'))) return null;
  const fields = lines.slice(0, end).flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
  });
  return { start, fields };
}

describe('a request split into raw headers', () => {
  test('is refused or accepted as its octets are, and means the same', () => {
    let compared = 0;
    for (const { clause, name, head: text } of REQUEST_VECTORS) {
      const parts = splitUp(text);
      const version = parts?.start[2];
      if (parts === null || parts.start.length !== 3 || (version !== 'HTTP/1.1' && version !== 'HTTP/1.0')) continue;
      const [method = '', target = ''] = parts.start;
      const outcome = readRawRequest(split, {
        method,
        target,
        minor: version === 'HTTP/1.1' ? 1 : 0,
        fields: parts.fields,
      });
      const bytes = Buffer.from(text, 'latin1');
      const direct = whole.scan(bytes, 0, bytes.length);
      assert.equal(outcome, direct, `${clause}: ${name}: ${split.fault}`);
      compared++;
      if (outcome !== 'complete') continue;
      const { lines: a, ...facts } = split;
      const { lines: b, ...expected } = whole;
      assert.deepEqual({ ...facts, fault: '', end: 0 }, { ...expected, fault: '', end: 0 }, name);
      const tidy = writeRequestHead(whole, EDITS);
      assert.equal(writeRequestHead(split, EDITS), tidy, name);
    }
    assert.ok(compared > 300, `${compared} vectors compared`);
  });

  const host = ['Host', 'app.test'];
  const cases: Readonly<Record<string, { method?: string; target?: string; fields?: string[] }>> = {
    'a line end in a value': { fields: [...host, 'A', 'b\r\nC: d'] },
    'an empty line in a value': { fields: [...host, 'A', 'b\r\n\r\nGET / HTTP/1.1'] },
    'a line end in a name': { fields: [...host, 'A: b\r\nC', 'd'] },
    'a colon in a name': { fields: [...host, 'A:b', 'c'] },
    'space around a value': { fields: [...host, 'A', ' b'] },
    'space after a value': { fields: [...host, 'A', 'b\t'] },
    'space after a name': { fields: [...host, 'A ', 'b'] },
    'an empty name': { fields: [...host, '', 'b'] },
    'a name without value': { fields: [...host, 'A'] },
    'a character that would become CR': { fields: [...host, 'A', 'b\u010dc'] },
    'a character that would become LF': { fields: [...host, 'A', 'b\u010aX: y'] },
    'a line end in the target': { target: '/ HTTP/1.1\r\nX: y', fields: host },
    'a space in the target': { target: '/ b', fields: host },
    'an empty target': { target: '', fields: host },
    'a line end in the method': { method: 'GET / HTTP/1.1\r\nX: y\r\nPOST', fields: host },
    'an empty line in the method': { method: '\r\nGET', fields: host },
    'a whole request in the target': { target: '/ HTTP/1.1\r\nHost: a\r\n\r\nGET /x', fields: host },
    'an empty method': { method: '', fields: host },
  };
  for (const [name, { method = 'GET', target = '/', fields = [] }] of Object.entries(cases)) {
    test(`is refused with ${name}`, () => {
      assert.equal(readRawRequest(split, { method, target, minor: 1, fields }), 'malformed');
    });
  }
});

describe('a response split into raw headers', () => {
  const direct = new ResponseHead();
  const raw = new ResponseHead();

  test('is refused or accepted as its octets are, and means the same', () => {
    let compared = 0;
    for (const { clause, name, head: text, asked } of RESPONSE_VECTORS) {
      const parts = splitUp(text);
      if (parts === null || !/^HTTP\/1\.[01]$/.test(parts.start[0] ?? '') || /[ \t]:/.test(text)) continue;
      if (!/^\d{3}$/.test(parts.start[1] ?? '')) continue;
      const [version = '', status = '', ...reason] = parts.start;
      const minor = version === 'HTTP/1.1' ? 1 : 0;
      const outcome = readRawResponse(
        raw,
        { status: Number(status), reason: reason.join(' '), minor, fields: parts.fields },
        asked,
      );
      const bytes = Buffer.from(text, 'latin1');
      assert.equal(outcome, direct.scan(bytes, 0, bytes.length, asked), `${clause}: ${name}: ${raw.fault}`);
      compared++;
      if (outcome !== 'complete') continue;
      const { lines: a, ...facts } = raw;
      const { lines: b, ...expected } = direct;
      assert.deepEqual({ ...facts, fault: '', end: 0 }, { ...expected, fault: '', end: 0 }, name);
    }
    assert.ok(compared > 80, `${compared} vectors compared`);
  });

  for (const [name, reason, fields] of [
    ['a line end in the reason', 'OK\r\nX: y', []],
    ['an empty line in the reason', 'OK\r\n\r\n', []],
    ['a line end in a value', 'OK', ['Location', '/\r\nSet-Cookie: a=b']],
    ['a character that would become CR', 'OK', ['Location', '/\u010d\u010aSet-Cookie: a=b']],
    ['space around a value', 'OK', ['A', ' b']],
    ['a colon in a name', 'OK', ['A:b', 'c']],
  ] as const) {
    test(`is refused with ${name}`, () => {
      assert.equal(readRawResponse(raw, { status: 200, reason, minor: 1, fields }, PLAIN), 'malformed');
    });
  }
});
