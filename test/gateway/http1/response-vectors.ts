/** Heads that replicas may answer with and what must become of them, each under the clause it comes from. */
import type { Asked, ResponseFault, ResponseHead } from '#gateway/http1/response-head';

export interface ResponseVector {
  readonly clause: string;
  readonly name: string;
  readonly head: string;
  readonly asked: Asked;
  readonly fault?: ResponseFault;
  readonly is?: Partial<ResponseHead>;
}

export const PLAIN: Asked = { isHead: false, websocket: false };
export const HEAD: Asked = { isHead: true, websocket: false };
export const UPGRADE: Asked = { isHead: false, websocket: true };

/** A 200 with these lines. */
export function ok(...lines: readonly string[]): string {
  return answer('200 OK', ...lines);
}

export function answer(status: string, ...lines: readonly string[]): string {
  return `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

type Cases<T> = Readonly<Record<string, T>>;

function refused(clause: string, fault: ResponseFault, cases: Cases<string>, asked = PLAIN): ResponseVector[] {
  return Object.entries(cases).map(([name, head]) => ({ clause, name, head, asked, fault }));
}

function accepted(
  clause: string,
  cases: Cases<readonly [string, Partial<ResponseHead>]>,
  asked = PLAIN,
): ResponseVector[] {
  return Object.entries(cases).map(([name, [head, is]]) => ({ clause, name, head, asked, is }));
}

const SWITCH = ['Connection: Upgrade', 'Upgrade: websocket'];
const CONTROLS = [...Array(32).keys(), 127].filter((octet) => ![9, 10, 13].includes(octet));

export const RESPONSE_VECTORS: readonly ResponseVector[] = [
  ...accepted('RFC 9112 4', {
    'status and reason': [ok('Content-Length: 0'), { status: 200, reason: 'OK', minor: 1 }],
    'empty reason': [answer('200 '), { status: 200, reason: '' }],
    'forgotten space before an empty reason': [answer('204'), { status: 204, reason: '', restateLine: true }],
    'words and obs-text in the reason': [answer('404 Nicht gefunden \xe4\t!'), { reason: 'Nicht gefunden \xe4\t!' }],
    'HTTP/1.0': ['HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n', { minor: 0, keepAlive: false, restateLine: true }],
    'higher minor version': [
      'HTTP/1.3 200 OK\r\nContent-Length: 1\r\n\r\n',
      { minor: 1, keepAlive: true, restateLine: true },
    ],
    'the largest status': [answer('599 x', 'Content-Length: 0'), { status: 599 }],
    'an unheard-of status': [answer('299 x', 'Content-Length: 0'), { status: 299 }],
  }),
  ...refused('RFC 9112 4', 'status-line', {
    'no version': '200 OK\r\n\r\n',
    'HTTP/2': 'HTTP/2.0 200 OK\r\n\r\n',
    'HTTP/0.9 body': '<html>hello</html>\r\n\r\n',
    'lower case': 'http/1.1 200 OK\r\n\r\n',
    'two spaces': 'HTTP/1.1  200 OK\r\n\r\n',
    'tab for a space': 'HTTP/1.1\t200 OK\r\n\r\n',
    'two-digit minor': 'HTTP/1.10 200 OK\r\n\r\n',
    'status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
    'status of four digits': 'HTTP/1.1 2000 OK\r\n\r\n',
    'signed status': 'HTTP/1.1 +20 OK\r\n\r\n',
    'words for a status': 'HTTP/1.1 two hundred\r\n\r\n',
    'tab before the reason': 'HTTP/1.1 200\tOK\r\n\r\n',
    ICY: 'ICY 200 OK\r\n\r\n\r\n',
    'leading space': ` ${ok()}`,
    'empty line first': `\r\n${ok()}`,
    'NUL in the reason': answer('200 O\0K'),
    'DEL in the reason': answer('200 O\x7fK'),
  }),
  ...refused('RFC 9110 15', 'status-code', {
    zero: answer('000 x'),
    'below the classes': answer('099 x'),
    'above the classes': answer('600 x'),
    'made up': answer('999 x'),
  }),
  ...refused('RFC 9112 2.2', 'bare-lf', {
    'status-line': 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
    'status-line without reason': 'HTTP/1.1 200\n\n',
    'field line': 'HTTP/1.1 200 OK\r\nA: b\n\r\n',
    'empty line': 'HTTP/1.1 200 OK\r\nA: b\r\n\n',
  }),
  ...refused('RFC 9112 2.2', 'bare-cr', {
    'status-line': 'HTTP/1.1 200 OK\rA: b\r\n\r\n',
    'value (response splitting)': ok('Location: /x\rSet-Cookie: a=b'),
    'empty line': 'HTTP/1.1 200 OK\r\nA: b\r\n\rx',
  }),
  ...CONTROLS.map(
    (octet): ResponseVector => ({
      clause: 'RFC 9110 5.5',
      name: `octet ${octet} in a value`,
      head: ok(`A: b${String.fromCharCode(octet)}c`),
      asked: PLAIN,
      fault: 'field-value',
    }),
  ),
  ...CONTROLS.map(
    (octet): ResponseVector => ({
      clause: 'RFC 9110 5.6.2',
      name: `octet ${octet} in a name`,
      head: ok(`A${String.fromCharCode(octet)}: b`),
      asked: PLAIN,
      fault: 'field-name',
    }),
  ),
  ...refused('RFC 9112 5.2', 'field-folded', {
    'continued by a space': ok('A: b', ' c'),
    'continued by a tab': ok('A: b', '\tc'),
    'before the first field': ok(' A: b'),
    'folded length': ok('Content-Length: 1', ' 0'),
  }),
  ...refused('RFC 9112 5', 'field-name-empty', { 'colon first': ok(': b') }),
  ...refused('RFC 9112 5', 'field-name', {
    'no colon': ok('Foo'),
    'no colon after a space': ok('Foo bar'),
    'separator in a name': ok('Foo(x): y'),
    'obs-text in a name': ok('Fo\xf6: y'),
  }),
  ...accepted('RFC 9112 5.1', {
    'space before the colon is removed': [ok('Foo : bar', 'Content-Length: 3'), { framing: 'length' }],
    'tabs before the colon are removed': [ok('Foo\t \t: bar', 'Content-Length: 3'), { framing: 'length' }],
  }),
  ...refused('RFC 9112 5.1', 'field-name-spaced', {
    'space before the colon of a length': ok('Content-Length : 3'),
    'space before the colon of a coding': ok('Transfer-Encoding : chunked'),
    'space before the colon of Connection': ok('Connection : close'),
  }),
  ...refused('limits', 'too-many-fields', {
    'one line too many': ok(...Array.from({ length: 257 }, (_, i) => `F${i}: x`)),
  }),
  ...refused('limits', 'head-too-large', {
    'one long line': ok(`F: ${'x'.repeat(40_000)}`),
    'an endless reason': `HTTP/1.1 200 ${'x'.repeat(40_000)}`,
  }),
  ...accepted('RFC 9112 6.3', {
    'a length': [ok('Content-Length: 5'), { framing: 'length', contentLength: 5, keepAlive: true }],
    'a length of zero': [ok('Content-Length: 0'), { framing: 'none', contentLength: 0 }],
    'leading zeros': [ok('Content-Length: 005'), { framing: 'length', contentLength: 5, restateFraming: true }],
    chunked: [ok('Transfer-Encoding: chunked'), { framing: 'chunked', contentLength: -1, keepAlive: true }],
    'chunked in other letters': [ok('transfer-encoding: CHUNKED'), { framing: 'chunked', restateFraming: true }],
    'until close': [ok(), { framing: 'close', keepAlive: false, contentLength: -1 }],
    'until close whatever Connection says': [ok('Connection: keep-alive'), { framing: 'close', keepAlive: false }],
    'twin names mean nothing in responses': [ok('Content_Length: 7', 'Content-Length: 5'), { contentLength: 5 }],
  }),
  ...refused('RFC 9110 8.6', 'length-invalid', {
    signed: ok('Content-Length: +5'),
    negative: ok('Content-Length: -1'),
    list: ok('Content-Length: 5, 5'),
    empty: ok('Content-Length:'),
    word: ok('Content-Length: abc'),
    hexadecimal: ok('Content-Length: 0x10'),
    'beyond safe integers': ok('Content-Length: 99999999999999999999'),
  }),
  ...refused('RFC 9112 6.3', 'length-repeated', {
    different: ok('Content-Length: 5', 'Content-Length: 6'),
    same: ok('Content-Length: 5', 'Content-Length: 5'),
  }),
  ...refused('RFC 9112 6.3', 'length-and-coding', {
    'length first': ok('Content-Length: 5', 'Transfer-Encoding: chunked'),
    'coding first': ok('Transfer-Encoding: chunked', 'Content-Length: 5'),
  }),
  ...refused('RFC 9112 6.1', 'coding-invalid', {
    identity: ok('Transfer-Encoding: identity'),
    gzip: ok('Transfer-Encoding: gzip'),
    'gzip, chunked': ok('Transfer-Encoding: gzip, chunked'),
    'chunked twice': ok('Transfer-Encoding: chunked, chunked'),
    empty: ok('Transfer-Encoding:'),
  }),
  ...refused('RFC 9112 6.1', 'coding-repeated', {
    'two lines': ok('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  }),
  ...refused('RFC 9112 6.1', 'coding-in-1.0', { chunked: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' }),
  ...accepted('RFC 9110 15.2', {
    '100': [answer('100 Continue'), { informational: true, framing: 'none', switched: false }],
    '103 with links': [answer('103 Early Hints', 'Link: </a>'), { informational: true, framing: 'none' }],
    'an unheard-of 1xx': [answer('199 x'), { informational: true, framing: 'none' }],
  }),
  ...refused('RFC 9110 8.6', 'length-forbidden', {
    'length on 100': answer('100 Continue', 'Content-Length: 5'),
    'length of zero on 103': answer('103 Early Hints', 'Content-Length: 0'),
    'length on 204': answer('204 No Content', 'Content-Length: 5'),
    'length on 205': answer('205 Reset Content', 'Content-Length: 5'),
  }),
  ...refused('RFC 9112 6.1', 'coding-forbidden', {
    'coding on 100': answer('100 Continue', 'Transfer-Encoding: chunked'),
    'coding on 204': answer('204 No Content', 'Transfer-Encoding: chunked'),
  }),
  ...accepted('RFC 9112 6.3', {
    '204': [answer('204 No Content'), { framing: 'none', keepAlive: true, contentLength: -1 }],
    '204 with a length of zero': [
      answer('204 No Content', 'Content-Length: 0'),
      { framing: 'none', contentLength: -1 },
    ],
    '205 with a length of zero': [answer('205 Reset Content', 'Content-Length: 0'), { framing: 'none' }],
    '304 with a length': [
      answer('304 Not Modified', 'Content-Length: 77'),
      { framing: 'none', contentLength: 77, keepAlive: true },
    ],
    '304 with a coding': [answer('304 Not Modified', 'Transfer-Encoding: chunked'), { framing: 'none' }],
    '304 with nothing': [answer('304 Not Modified'), { framing: 'none', keepAlive: true }],
  }),
  ...accepted(
    'RFC 9110 9.3.2',
    {
      'HEAD with a length': [ok('Content-Length: 77'), { framing: 'none', contentLength: 77, keepAlive: true }],
      'HEAD with a coding': [ok('Transfer-Encoding: chunked'), { framing: 'none', contentLength: -1 }],
      'HEAD with nothing': [ok(), { framing: 'none', keepAlive: true }],
    },
    HEAD,
  ),
  ...refused(
    'RFC 9112 6.3',
    'length-and-coding',
    { 'HEAD excuses nothing': ok('Content-Length: 1', 'Transfer-Encoding: chunked') },
    HEAD,
  ),
  ...accepted(
    'RFC 9110 7.8',
    { '101': [answer('101 Switching Protocols', ...SWITCH), { switched: true, framing: 'none' }] },
    UPGRADE,
  ),
  ...accepted(
    'RFC 9110 7.8',
    { 'an upgrade may be declined': [ok('Content-Length: 2'), { switched: false, framing: 'length' }] },
    UPGRADE,
  ),
  ...refused('RFC 9110 7.8', 'switch-unasked', { '101 out of the blue': answer('101 Switching Protocols', ...SWITCH) }),
  ...refused(
    'RFC 9110 7.8',
    'switch-invalid',
    {
      'without Upgrade': answer('101 x', 'Connection: Upgrade'),
      'without Connection': answer('101 x', 'Upgrade: websocket'),
      'to something else': answer('101 x', 'Connection: Upgrade', 'Upgrade: h2c'),
      'to several': answer('101 x', 'Connection: Upgrade', 'Upgrade: websocket', 'Upgrade: websocket'),
      'in HTTP/1.0': `HTTP/1.0 101 x\r\n${SWITCH.join('\r\n')}\r\n\r\n`,
    },
    UPGRADE,
  ),
  ...refused(
    'RFC 9110 8.6',
    'length-forbidden',
    { 'length on 101': answer('101 x', ...SWITCH, 'Content-Length: 1') },
    UPGRADE,
  ),
  ...accepted('RFC 9110 15.5.22', {
    '426 tells the protocol': [
      answer('426 Upgrade Required', ...SWITCH, 'Content-Length: 0'),
      { upgrade: 'websocket' },
    ],
    'Upgrade elsewhere is removed': [ok(...SWITCH, 'Content-Length: 0'), { upgrade: '' }],
  }),
  ...accepted('RFC 9112 9.3', {
    close: [ok('Connection: close', 'Content-Length: 1'), { keepAlive: false }],
    'HTTP/1.0 goes on if it says so': [
      'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\n',
      { keepAlive: true },
    ],
    'close wins': [ok('Connection: keep-alive', 'Connection: close', 'Content-Length: 1'), { keepAlive: false }],
  }),
  ...refused('RFC 9110 7.6.1', 'connection-option', { 'no token': ok('Connection: a b', 'Content-Length: 1') }),
  ...refused('RFC 9110 7.6.1', 'connection-protected', {
    'content-length': ok('Connection: content-length', 'Content-Length: 1'),
    'transfer-encoding': ok('Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'),
  }),
  ...accepted('RFC 9110 6.6.1', {
    'with Date': [ok('Date: Tue, 15 Nov 1994 08:12:31 GMT', 'Content-Length: 0'), { hasDate: true }],
    'without Date': [ok('Content-Length: 0'), { hasDate: false }],
  }),
];
