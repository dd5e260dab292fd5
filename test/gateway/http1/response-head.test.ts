/** The response scanner on its vectors: nothing that a client could cut differently passes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ResponseHead } from '#gateway/http1/response-head';
import { ok, PLAIN, RESPONSE_VECTORS } from './response-vectors.ts';

const head = new ResponseHead();

describe('response head vectors', () => {
  for (const { clause, name, head: text, asked, fault, is } of RESPONSE_VECTORS) {
    test(`${clause}: ${name} is ${fault === undefined ? 'accepted' : `refused (${fault})`}`, () => {
      const bytes = Buffer.from(text, 'latin1');
      const outcome = head.scan(bytes, 0, bytes.length, asked);
      if (fault !== undefined) {
        assert.equal(outcome, 'malformed');
        assert.equal(head.fault, fault);
        return;
      }
      assert.equal(outcome, 'complete', head.fault);
      assert.equal(head.end, bytes.length);
      for (const [key, value] of Object.entries(is ?? {})) assert.equal(head[key as keyof ResponseHead], value, key);
    });
  }
});

describe('response head', () => {
  test('ends right after the empty line, wherever it starts in the buffer', () => {
    const text = ok('Content-Length: 4');
    const bytes = Buffer.from(`xx${text}body`, 'latin1');
    assert.equal(head.scan(bytes, 2, bytes.length, PLAIN), 'complete');
    assert.equal(head.end, 2 + text.length);
  });

  test('does not read beyond the end it is given', () => {
    const bytes = Buffer.from(ok('Content-Length: 4', 'A : b'), 'latin1');
    for (let end = 0; end < bytes.length; end++)
      assert.equal(head.scan(bytes, 0, end, PLAIN), 'incomplete', `at ${end}`);
  });

  test('informational answers are read one after the other, then the final one', () => {
    const bytes = Buffer.from(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n${ok('Content-Length: 1')}x`,
      'latin1',
    );
    let at = 0;
    const statuses: number[] = [];
    do {
      assert.equal(head.scan(bytes, at, bytes.length, PLAIN), 'complete');
      statuses.push(head.status);
      at = head.end;
    } while (head.informational);
    assert.deepEqual(statuses, [100, 103, 200]);
    assert.equal(bytes.toString('latin1', at), 'x');
  });

  test('keeps nothing of the head before', () => {
    const first = Buffer.from(
      'HTTP/1.0 426 x\r\nUpgrade: a\r\nDate: x\r\nConnection: close, b\r\nContent-Length: 07\r\n\r\n',
      'latin1',
    );
    head.scan(first, 0, first.length, PLAIN);
    const second = Buffer.from(ok('Transfer-Encoding: chunked', 'B: c'), 'latin1');
    assert.equal(head.scan(second, 0, second.length, PLAIN), 'complete');
    assert.deepEqual(
      [
        head.status,
        head.minor,
        head.upgrade,
        head.hasDate,
        head.keepAlive,
        head.contentLength,
        head.restateLine,
        head.restateFraming,
      ],
      [200, 1, '', false, true, -1, false, false],
    );
    assert.equal(head.field('b'), 'c');
  });
});
