/** What a client gets to see of an answer, for each way its body may leave. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Asked, ResponseHead } from '#gateway/http1/response-head';
import { listResponseFields, outgoingFor, type ResponseEdits, writeResponseHead } from '#gateway/http1/write-response';
import { answer, HEAD, ok, PLAIN, UPGRADE } from './response-vectors.ts';

const head = new ResponseHead();
const NONE: ResponseEdits = { outgoing: 'same', connection: '', date: '', remove: null, add: '' };

function scanned(text: string, asked: Asked = PLAIN): ResponseHead {
  const bytes = Buffer.from(text, 'latin1');
  assert.equal(head.scan(bytes, 0, bytes.length, asked), 'complete', head.fault);
  return head;
}

function rewritten(text: string, edits: Partial<ResponseEdits> = {}, asked: Asked = PLAIN): string {
  return writeResponseHead(scanned(text, asked), { ...NONE, ...edits });
}

describe('a rewritten response head', () => {
  test('is the same text if there is nothing to change', () => {
    for (const text of [
      ok('Content-Length: 5', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'X: \xe4'),
      ok('Transfer-Encoding: chunked', 'Trailer: X-Sum'),
      answer('404 Nicht da', 'Content-Length: 0', 'Date: today'),
      answer('200 ', 'Content-Length: 1', 'X-Forwarded-For: its own', 'Content_Length: 3', 'X_Request_Id: y'),
    ]) {
      assert.equal(rewritten(text), text);
    }
  });

  for (const line of [
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: close',
    'Proxy-Authenticate: Basic',
    'Proxy-Authentication-Info: x',
    'Upgrade: h2c',
    'TE: trailers',
    'Trailer: X-Sum',
  ]) {
    test(`goes without "${line}"`, () => {
      assert.equal(rewritten(ok('A: b', line, 'Content-Length: 1')), ok('A: b', 'Content-Length: 1'));
    });
  }

  test('goes without fields that Connection names', () => {
    assert.equal(
      rewritten(ok('Connection: x-hop', 'X-Hop: 1', 'A: b', 'Content-Length: 1')),
      ok('A: b', 'Content-Length: 1'),
    );
  });

  test('has no white space before a colon and one space after it', () => {
    assert.equal(rewritten(ok('A : b', 'C\t:d', 'Content-Length:1')), ok('A: b', 'C: d', 'Content-Length: 1'));
  });

  test('says HTTP/1.1 and has the space before the reason', () => {
    assert.equal(rewritten('HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n'), ok('Content-Length: 1'));
    assert.equal(rewritten('HTTP/1.1 404\r\nContent-Length: 1\r\n\r\n'), answer('404 ', 'Content-Length: 1'));
  });

  test('states an oddly spelled framing plainly', () => {
    assert.equal(rewritten(ok('Content-Length: 007', 'A: b')), ok('A: b', 'Content-Length: 7'));
    assert.equal(rewritten(ok('Transfer-Encoding: CHUNKED', 'A: b')), ok('A: b', 'Transfer-Encoding: chunked'));
    assert.equal(rewritten(ok('Content-Length: 007'), {}, HEAD), ok('Content-Length: 7'));
  });

  test('has no framing where no body may follow', () => {
    assert.equal(rewritten(answer('204 x', 'Content-Length: 0', 'A: b')), answer('204 x', 'A: b'));
    assert.equal(rewritten(answer('304 x', 'Transfer-Encoding: chunked', 'A: b')), answer('304 x', 'A: b'));
    assert.equal(rewritten(answer('304 x', 'Content-Length: 9')), answer('304 x', 'Content-Length: 9'));
    assert.equal(rewritten(ok('Transfer-Encoding: chunked'), {}, HEAD), ok());
  });

  test('of a body that is framed anew states the new framing alone', () => {
    const chunked = { outgoing: 'chunked' } as const;
    assert.equal(rewritten(ok('Content-Length: 9', 'A: b'), chunked), ok('A: b', 'Transfer-Encoding: chunked'));
    assert.equal(
      rewritten(ok('Transfer-Encoding: chunked', 'A: b'), chunked),
      ok('A: b', 'Transfer-Encoding: chunked'),
    );
    assert.equal(rewritten(ok('A: b'), chunked), ok('A: b', 'Transfer-Encoding: chunked'));
    assert.equal(rewritten(ok('Content-Length: 9', 'A: b'), chunked, HEAD), ok('A: b'));
    const close = { outgoing: 'close', connection: 'close' } as const;
    assert.equal(rewritten(ok('Transfer-Encoding: chunked', 'A: b'), close), ok('A: b', 'Connection: close'));
    assert.equal(rewritten(ok('A: b'), close), ok('A: b', 'Connection: close'));
  });

  test('gets a Date if it has none, but not between heads', () => {
    const date = 'Date: now\r\n';
    assert.equal(rewritten(ok('Content-Length: 1'), { date }), ok('Content-Length: 1', 'Date: now'));
    assert.equal(rewritten(ok('Content-Length: 1', 'Date: then'), { date }), ok('Content-Length: 1', 'Date: then'));
    assert.equal(
      rewritten(answer('103 x', 'Link: a'), { date, connection: 'close', add: 'A: b\r\n' }),
      answer('103 x', 'Link: a'),
    );
  });

  test('says how the connection goes on', () => {
    assert.equal(
      rewritten(ok('Content-Length: 1', 'Connection: close'), { connection: 'keep-alive' }),
      ok('Content-Length: 1', 'Connection: keep-alive'),
    );
    assert.equal(
      rewritten(ok('Content-Length: 1'), { connection: 'close', add: 'X: y\r\n' }),
      ok('Content-Length: 1', 'Connection: close', 'X: y'),
    );
  });

  test('completes a switch to WebSocket', () => {
    const text = answer(
      '101 Switching Protocols',
      'upgrade: WebSocket',
      'connection: upgrade',
      'Sec-WebSocket-Accept: x',
    );
    assert.equal(
      rewritten(text, { connection: 'close', add: 'X: y\r\n' }, UPGRADE),
      answer('101 Switching Protocols', 'Sec-WebSocket-Accept: x', 'Connection: Upgrade', 'Upgrade: websocket', 'X: y'),
    );
  });

  test('of 426 says what to upgrade to', () => {
    const text = answer('426 x', 'Upgrade: websocket', 'Connection: upgrade', 'Content-Length: 0');
    assert.equal(rewritten(text), answer('426 x', 'Content-Length: 0', 'Connection: Upgrade', 'Upgrade: websocket'));
    assert.equal(
      rewritten(text, { connection: 'close' }),
      answer('426 x', 'Content-Length: 0', 'Connection: Upgrade, close', 'Upgrade: websocket'),
    );
  });

  test('loses fields that a policy removes', () => {
    const remove = new Set(['server']);
    assert.equal(
      rewritten(ok('Server: x', 'A: b', 'SERVER: y', 'Content-Length: 1'), { remove }),
      ok('A: b', 'Content-Length: 1'),
    );
  });
});

describe('the way a body leaves', () => {
  const cases = [
    [ok('Content-Length: 5'), PLAIN, 'same', 'same'],
    [ok('Content-Length: 0'), PLAIN, 'same', 'same'],
    [ok('Transfer-Encoding: chunked'), PLAIN, 'same', 'close'],
    [ok(), PLAIN, 'chunked', 'close'],
    [ok('Transfer-Encoding: chunked'), HEAD, 'same', 'same'],
    [answer('304 x'), PLAIN, 'same', 'same'],
  ] as const;
  for (const [text, asked, newer, older] of cases) {
    test(`of ${JSON.stringify(text)}${asked.isHead ? ' to HEAD' : ''} is ${newer} for HTTP/1.1, ${older} for HTTP/1.0`, () => {
      assert.equal(outgoingFor(scanned(text, asked), 1), newer);
      assert.equal(outgoingFor(head, 0), older);
    });
  }
});

describe('the field list of a response', () => {
  test('holds what goes on, with the length if that stays true', () => {
    scanned(ok('Server: x', 'Set-Cookie: a', 'Set-Cookie: b', 'Content-Length: 05', 'Connection: x-hop', 'X-Hop: y'));
    assert.deepEqual(listResponseFields(head, NONE), [
      'server',
      'x',
      'set-cookie',
      'a',
      'set-cookie',
      'b',
      'content-length',
      '5',
    ]);
    const edits = { ...NONE, outgoing: 'chunked', remove: new Set(['server']) } as const;
    assert.deepEqual(listResponseFields(head, edits), ['set-cookie', 'a', 'set-cookie', 'b']);
  });

  test('has neither coding nor length of a chunked body', () => {
    scanned(ok('Transfer-Encoding: chunked', 'A: b'));
    assert.deepEqual(listResponseFields(head, NONE), ['a', 'b']);
  });
});
