/** The request scanner on its vectors: what is refused and why, what is accepted and what is read from it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { REQUEST_FAULTS, type RequestFault } from '#gateway/http1/request-fault';
import { RequestHead } from '#gateway/http1/request-head';
import { get, target } from './request-vector.ts';
import { REQUEST_VECTORS } from './request-vectors.ts';

const head = new RequestHead();

function scan(text: string, at = 0): ReturnType<RequestHead['scan']> {
  const bytes = Buffer.from(text, 'latin1');
  return head.scan(bytes, at, bytes.length);
}

describe('request head vectors', () => {
  for (const { clause, name, head: text, fault, is } of REQUEST_VECTORS) {
    test(`${clause}: ${name} is ${fault === undefined ? 'accepted' : `refused (${fault})`}`, () => {
      const outcome = scan(text);
      if (fault !== undefined) {
        assert.equal(outcome, 'malformed');
        assert.equal(head.fault, fault);
        assert.equal(head.status, REQUEST_FAULTS[fault]);
        return;
      }
      assert.equal(outcome, 'complete', head.fault);
      for (const [key, value] of Object.entries(is ?? {})) assert.equal(head[key as keyof RequestHead], value, key);
    });
  }
});

describe('request head', () => {
  test('every fault but those of lists has a vector', () => {
    const listed = new Set<RequestFault>(['list', 'pseudo-field', 'field-capital', 'connection-field']);
    const tested = new Set(REQUEST_VECTORS.map((vector) => vector.fault));
    for (const fault of Object.keys(REQUEST_FAULTS) as RequestFault[]) {
      assert.ok(listed.has(fault) || tested.has(fault), `${fault} is tested`);
    }
  });

  test('ends right after the empty line, wherever it starts in the buffer', () => {
    const text = target('/first');
    const bytes = Buffer.from(`junk${text}BODY`, 'latin1');
    assert.equal(head.scan(bytes, 4, bytes.length), 'complete');
    assert.equal(head.end, 4 + text.length);
    assert.equal(head.target, '/first');
  });

  test('counts the empty line before a request as part of the head', () => {
    assert.equal(scan(`\r\n${target('/a')}GET`), 'complete');
    assert.equal(head.end, target('/a').length + 2);
  });

  test('does not read beyond the end it is given', () => {
    const bytes = Buffer.from(target('/a'), 'latin1');
    for (let end = 0; end < bytes.length; end++) assert.equal(head.scan(bytes, 0, end), 'incomplete', `at ${end}`);
  });

  test('keeps nothing of the head before', () => {
    scan(
      'OPTIONS http://app.test/a;b?c HTTP/1.1\r\nHost: app.test:80\r\nConnection: close, x\r\nTE: trailers\r\nMax-Forwards: 1\r\nContent-Length: 07\r\nExpect: 100-continue\r\n\r\n',
    );
    assert.equal(head.contentLength, 7);
    assert.equal(scan(target('/b')), 'complete');
    const { method, target: to, query, quirky, scheme, port, framing, contentLength, keepAlive } = head;
    assert.deepEqual(
      { method, to, query, quirky, scheme, port, framing, contentLength, keepAlive },
      {
        method: 'GET',
        to: '/b',
        query: '',
        quirky: false,
        scheme: '',
        port: 0,
        framing: 'none',
        contentLength: 0,
        keepAlive: true,
      },
    );
    assert.deepEqual([head.expect100, head.teTrailers, head.maxForwards, head.websocket], [false, false, -1, false]);
    assert.deepEqual([head.restateLine, head.restateHost, head.restateFraming], [false, false, false]);
  });

  test('survives the reuse of the scanned buffer', () => {
    const bytes = Buffer.from(get('Cookie: a=1', 'X-Y: z'), 'latin1');
    head.scan(bytes, 0, bytes.length);
    bytes.fill(0);
    assert.deepEqual(
      [head.target, head.hostname, head.field('cookie'), head.field('x-y')],
      ['/p', 'app.test', 'a=1', 'z'],
    );
  });

  test('joins repeated fields as the list they are, and cookies as cookies', () => {
    scan(get('Accept: a', 'accept: b', 'Cookie: c=1', 'COOKIE: d=2', 'Accept-x: no', 'X_Y: twin'));
    assert.equal(head.field('accept'), 'a, b');
    assert.equal(head.field('cookie'), 'c=1; d=2');
    assert.equal(head.field('x-y'), undefined);
    assert.equal(head.field('missing'), undefined);
  });
});
