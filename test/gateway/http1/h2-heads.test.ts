/** HTTP/2 field sections: what RFC 9113 forbids is refused, and a downgrade smuggles nothing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readH2Request, readH2Response } from '#gateway/http1/h2-heads';
import { RequestHead } from '#gateway/http1/request-head';
import { ResponseHead } from '#gateway/http1/response-head';
import { listRequestFields, writeRequestHead } from '#gateway/http1/write-request';
import { HEAD, PLAIN } from './response-vectors.ts';

const head = new RequestHead();
const answer = new ResponseHead();
const EDITS = { hearsay: false, expect: true, strip: 0, remove: null, add: '' };

const PSEUDO = [':method', 'GET', ':scheme', 'https', ':authority', 'app.test', ':path', '/p?q'];

/** The usual pseudo-fields with some replaced (undefined: left out), and then `fields`. */
function request(changes: Readonly<Record<string, string | undefined>>, ...fields: readonly string[]): string[] {
  const pseudo = new Map<string, string | undefined>();
  for (let i = 0; i < PSEUDO.length; i += 2) pseudo.set(PSEUDO[i] as string, PSEUDO[i + 1]);
  for (const [name, value] of Object.entries(changes)) pseudo.set(name, value);
  const list = [...pseudo].flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  return [...list, ...fields];
}

describe('an HTTP/2 request', () => {
  test('becomes the HTTP/1.1 request it stands for', () => {
    assert.equal(
      readH2Request(
        head,
        request({}, 'accept', '*/*', 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2', 'te', 'trailers'),
        true,
      ),
      'complete',
    );
    assert.equal(
      writeRequestHead(head, EDITS),
      'GET /p?q HTTP/1.1\r\nhost: app.test\r\naccept: */*\r\ncookie: a=1; b=2\r\nx: y\r\n\r\n',
    );
    assert.deepEqual(
      [head.scheme, head.hostname, head.path, head.framing, head.teTrailers],
      ['https', 'app.test', '/p', 'none', true],
    );
    assert.deepEqual(listRequestFields(head, EDITS), ['accept', '*/*', 'cookie', 'a=1; b=2', 'x', 'y']);
  });

  test('with a body of unknown length is chunked', () => {
    assert.equal(readH2Request(head, request({ ':method': 'POST' }), false), 'complete');
    assert.equal(head.framing, 'chunked');
    assert.match(writeRequestHead(head, EDITS), /\r\ntransfer-encoding: chunked\r\n/);
  });

  test('with a length has that length', () => {
    assert.equal(readH2Request(head, request({ ':method': 'POST' }, 'content-length', '5'), false), 'complete');
    assert.deepEqual([head.framing, head.contentLength], ['length', 5]);
    const first = request({ ':method': 'POST', ':authority': undefined }, 'content-length', '5', 'host', 'app.test');
    assert.equal(readH2Request(head, first, false), 'complete');
    assert.equal(head.framing, 'length');
  });

  test('whose value reads "content-length" is still of unknown length', () => {
    assert.equal(readH2Request(head, request({ ':method': 'POST' }, 'vary', 'content-length'), false), 'complete');
    assert.equal(head.framing, 'chunked');
  });

  test('that ended has no body', () => {
    assert.equal(readH2Request(head, request({ ':method': 'POST' }), true), 'complete');
    assert.equal(head.framing, 'none');
    assert.equal(readH2Request(head, request({ ':method': 'POST' }, 'content-length', '0'), true), 'complete');
  });

  test('may name its hostname in Host alone, or twice alike', () => {
    assert.equal(readH2Request(head, request({ ':authority': undefined }, 'host', 'b.test:81'), true), 'complete');
    assert.deepEqual([head.hostname, head.port], ['b.test', 81]);
    assert.equal(readH2Request(head, request({}, 'host', 'APP.test'), true), 'complete');
  });

  test('for a WebSocket reads as the upgrade it replaces', () => {
    const list = request({ ':method': 'CONNECT', ':protocol': 'websocket' }, 'sec-websocket-version', '13');
    assert.equal(readH2Request(head, list, false), 'complete');
    assert.deepEqual([head.method, head.websocket, head.framing], ['GET', true, 'none']);
    assert.equal(
      writeRequestHead(head, EDITS),
      'GET /p?q HTTP/1.1\r\nhost: app.test\r\nsec-websocket-version: 13\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
  });

  const refused: Readonly<Record<string, readonly [string, string[], boolean?]>> = {
    'RFC 9113 8.3.1: no method': ['pseudo-field', request({ ':method': undefined })],
    'RFC 9113 8.3.1: no scheme': ['pseudo-field', request({ ':scheme': undefined })],
    'RFC 9113 8.3.1: no path': ['pseudo-field', request({ ':path': undefined })],
    'RFC 9113 8.3.1: an empty path': ['target', request({ ':path': '' })],
    'RFC 9113 8.3.1: a path without slash': ['target', request({ ':path': 'p' })],
    'RFC 9113 8.3.1: a URL for a path': ['target', request({ ':path': 'https://app.test/' })],
    'RFC 9113 8.3.1: an asterisk without OPTIONS': ['target', request({ ':path': '*' })],
    'RFC 9113 8.3.1: another scheme': ['pseudo-field', request({ ':scheme': 'ftp' })],
    'RFC 9113 8.3.1: userinfo in the authority': ['host-invalid', request({ ':authority': 'u@app.test' })],
    'RFC 9113 8.3.1: Host against :authority': ['host-conflict', request({}, 'host', 'evil.test')],
    'RFC 9113 8.3.1: two Hosts': ['host-repeated', request({}, 'host', 'app.test', 'host', 'app.test')],
    'RFC 9113 8.3.1: no hostname at all': ['host-missing', request({ ':authority': undefined })],
    'RFC 9113 8.3.1: an empty authority': ['host-invalid', request({ ':authority': '' })],
    'RFC 9113 8.3: an unknown pseudo-field': ['pseudo-field', request({ ':foo': 'x' })],
    'RFC 9113 8.3: a status in a request': ['pseudo-field', request({ ':status': '200' })],
    'RFC 9113 8.3: a pseudo-field twice': ['pseudo-field', [...PSEUDO, ':path', '/x']],
    'RFC 9113 8.3: a pseudo-field after a field': ['pseudo-field', ['a', 'b', ...PSEUDO]],
    'RFC 9113 8.2.1: capitals in a name': ['field-capital', request({}, 'Accept', 'x')],
    'RFC 9113 8.2.1: a space in a name': ['field-name-spaced', request({}, 'a b', 'x')],
    'RFC 9113 8.2.1: a colon in a name': ['list', request({}, 'a:b', 'x')],
    'RFC 9113 8.2.1: an 8-bit name': ['field-name', request({}, 'a\xe4', 'x')],
    'RFC 9113 8.2.1: an empty name': ['field-name-empty', request({}, '', 'x')],
    'RFC 9113 8.2.1: NUL in a value': ['field-value', request({}, 'a', 'x\0y')],
    'RFC 9113 8.2.1: CR in a value': ['bare-cr', request({}, 'a', 'x\ry')],
    'RFC 9113 8.2.1: LF in a value': ['bare-lf', request({}, 'a', 'x\ny')],
    'RFC 9113 8.2.1: a line in a value': ['list', request({}, 'a', 'x\r\nb: c')],
    'RFC 9113 8.2.1: a coding in a value': [
      'length-and-coding',
      request({}, 'content-length', '5', 'a', 'x\r\ntransfer-encoding: chunked'),
      false,
    ],
    'RFC 9113 8.2.1: a request in a value': ['list', request({}, 'a', 'x\r\n\r\nGET /evil HTTP/1.1\r\nHost: a')],
    'RFC 9113 8.2.1: space before a value': ['list', request({}, 'a', ' x')],
    'RFC 9113 8.2.1: tab after a value': ['list', request({}, 'a', 'x\t')],
    'RFC 9113 8.2.1: a line in a name': ['list', request({}, 'a: b\r\nc', 'x')],
    'RFC 9113 8.2.1: a line in the path': ['list', request({ ':path': '/ HTTP/1.1\r\nx: y' })],
    'RFC 9113 8.2.1: a line in the method': ['target', request({ ':method': 'GET /\r\nx:' })],
    'RFC 9113 8.2.1: a line in the authority': ['list', request({ ':authority': 'app.test\r\nx: y' })],
    'RFC 9113 8.2.2: connection': ['connection-field', request({}, 'connection', 'close')],
    'RFC 9113 8.2.2: keep-alive': ['connection-field', request({}, 'keep-alive', 'x')],
    'RFC 9113 8.2.2: proxy-connection': ['connection-field', request({}, 'proxy-connection', 'x')],
    'RFC 9113 8.2.2: transfer-encoding': ['connection-field', request({}, 'transfer-encoding', 'chunked'), false],
    'RFC 9113 8.2.2: upgrade': ['connection-field', request({}, 'upgrade', 'websocket')],
    'RFC 9113 8.2.2: te other than trailers': ['connection-field', request({}, 'te', 'trailers, deflate')],
    'RFC 9113 8.1.1: a length of a request that ended': ['length-invalid', request({}, 'content-length', '5'), true],
    'RFC 9110 8.6: a length that is none': ['length-invalid', request({}, 'content-length', '+5'), false],
    'RFC 9110 8.6: two lengths': ['length-repeated', request({}, 'content-length', '5', 'content-length', '5'), false],
    'CGI: the twin of a length': ['field-name-twin', request({}, 'content_length', '5')],
    'RFC 9113 8.5: CONNECT': ['method-refused', [':method', 'CONNECT', ':authority', 'app.test:443'], false],
    'RFC 8441 4: CONNECT for another protocol': [
      'method-refused',
      request({ ':method': 'CONNECT', ':protocol': 'connect-udp' }),
      false,
    ],
    'RFC 8441 4: a protocol without CONNECT': ['pseudo-field', request({ ':protocol': 'websocket' })],
    'RFC 8441 4: a WebSocket with a length': [
      'pseudo-field',
      request({ ':method': 'CONNECT', ':protocol': 'websocket' }, 'content-length', '5'),
      false,
    ],
    'RFC 9110 9.1: an unknown method': ['method-unknown', request({ ':method': 'FROB' })],
    'RFC 6585 5: too many fields': ['too-many-fields', request({}, ...Array.from({ length: 300 }, () => 'a'))],
    'RFC 6585 5: fields too large': ['head-too-large', request({}, 'a', 'x'.repeat(20_000))],
  };
  for (const [name, [fault, list, ended = true]] of Object.entries(refused)) {
    test(`is refused for ${name}`, () => {
      assert.equal(readH2Request(head, list, ended), 'malformed');
      assert.equal(head.fault, fault);
    });
  }
});

describe('an HTTP/2 response', () => {
  test('reads as the HTTP/1.1 response it stands for', () => {
    assert.equal(
      readH2Response(answer, [':status', '200', 'set-cookie', 'a', 'set-cookie', 'b'], PLAIN, false),
      'complete',
    );
    assert.deepEqual([answer.status, answer.framing, answer.field('set-cookie')], [200, 'chunked', 'a, b']);
    assert.equal(readH2Response(answer, [':status', '200', 'content-length', '3'], PLAIN, false), 'complete');
    assert.deepEqual([answer.framing, answer.contentLength], ['length', 3]);
    assert.equal(readH2Response(answer, [':status', '404'], PLAIN, true), 'complete');
    assert.deepEqual([answer.framing, answer.contentLength], ['none', 0]);
    assert.equal(readH2Response(answer, [':status', '304', 'content-length', '9'], PLAIN, true), 'complete');
    assert.deepEqual([answer.framing, answer.contentLength], ['none', 9]);
    assert.equal(readH2Response(answer, [':status', '200', 'content-length', '9'], HEAD, true), 'complete');
    assert.deepEqual([answer.framing, answer.contentLength], ['none', 9]);
    assert.equal(readH2Response(answer, [':status', '204'], PLAIN, false), 'complete');
    assert.equal(answer.framing, 'none');
    assert.equal(readH2Response(answer, [':status', '304'], PLAIN, true), 'complete');
    assert.deepEqual([answer.framing, answer.contentLength], ['none', -1]);
    assert.equal(readH2Response(answer, [':status', '103', 'link', 'x'], PLAIN, false), 'complete');
    assert.equal(answer.informational, true);
  });

  for (const [name, list, ended] of [
    ['without a status', ['a', 'b'], false],
    ['with a switch', [':status', '101'], false],
    ['with a status of four digits', [':status', '2000'], false],
    ['with a status beyond the classes', [':status', '600'], false],
    ['with words for a status', [':status', '200 OK'], false],
    ['with two statuses', [':status', '200', ':status', '404'], false],
    ['with a path', [':status', '200', ':path', '/'], false],
    ['with a connection field', [':status', '200', 'connection', 'close'], false],
    ['with a coding', [':status', '200', 'transfer-encoding', 'chunked'], false],
    ['with capitals in a name', [':status', '200', 'Server', 'x'], false],
    ['with a line in a value', [':status', '200', 'location', '/\r\nset-cookie: a'], false],
    ['with a length but no body', [':status', '200', 'content-length', '5'], true],
    ['with two lengths', [':status', '200', 'content-length', '5', 'content-length', '6'], false],
    ['with a length on 204', [':status', '204', 'content-length', '5'], false],
  ] as const) {
    test(`is refused ${name}`, () => {
      assert.equal(readH2Response(answer, list, PLAIN, ended), 'malformed');
    });
  }
});
