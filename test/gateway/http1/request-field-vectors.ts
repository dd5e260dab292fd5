/** Vectors of field lines, limits, body framing and what Connection, Upgrade, Expect, TE and Max-Forwards ask for. */
import {
  accepted,
  CONTROLS,
  EIGHT_BIT,
  get,
  post,
  type RequestVector,
  refused,
  SEPARATORS,
  target,
} from './request-vector.ts';

export const FIELDS: RequestVector[] = [
  ...refused('RFC 9112 5.1', 'field-name-spaced', {
    'space before the colon': get('A : b'),
    'tab before the colon': get('A\t: b'),
    'space before the colon of a length': post('Content-Length : 5'),
    'space before the colon of a coding': post('Transfer-Encoding : chunked'),
    'words in a name': get('A b: c'),
    'no colon after a space': get('Foo bar'),
  }),
  ...refused('RFC 9112 5.2', 'field-folded', {
    'continued by a space': get('A: b', ' c'),
    'continued by a tab': get('A: b', '\tc'),
    'white space before the first field': 'GET / HTTP/1.1\r\n Host: app.test\r\n\r\n',
    'folded coding': post('Transfer-Encoding:', ' chunked'),
    'a line of white space': get('A: b', ' '),
  }),
  ...refused('RFC 9112 5', 'field-name-empty', { 'colon first': get(': b'), 'colon alone': get(':') }),
  ...refused('RFC 9112 5', 'field-name', {
    'no colon': get('Foo'),
    'a second request-line': get('GET /evil HTTP/1.1'.replaceAll(' ', '/')),
  }),
  ...[...CONTROLS, ...SEPARATORS].map(
    ([name, c]): RequestVector => ({
      clause: 'RFC 9110 5.6.2',
      name: `${name} in a field name`,
      head: get(`Foo${c}Bar: baz`),
      fault: 'field-name',
    }),
  ),
  ...EIGHT_BIT.map(
    ([name, c]): RequestVector => ({
      clause: 'RFC 9110 5.6.2',
      name: `${name} in a field name`,
      head: get(`Foo${c}: a`),
      fault: 'field-name',
    }),
  ),
  ...CONTROLS.map(
    ([name, c]): RequestVector => ({
      clause: 'RFC 9110 5.5',
      name: `${name} in a value`,
      head: get(`Foo: a${c}b`),
      fault: 'field-value',
    }),
  ),
  ...CONTROLS.map(
    ([name, c]): RequestVector => ({
      clause: 'RFC 9112 6.1',
      name: `${name} before a coding`,
      head: post(`Transfer-Encoding: ${c}chunked`),
      fault: 'field-value',
    }),
  ),
  ...EIGHT_BIT.map(
    ([name, c]): RequestVector => ({
      clause: 'RFC 9110 5.5',
      name: `${name} in a value is obs-text`,
      head: get(`Foo: a${c}b`),
      is: { minor: 1 },
    }),
  ),
  ...accepted('RFC 9112 5', {
    'empty value': [get('Foo:', 'Bar: ', 'Baz:\t \t'), { method: 'GET' }],
    'every tchar in a name': [get("!#$%&'*+-.^_`|~09azAZ: x"), { method: 'GET' }],
    'tab within a value': [get('Foo: a\tb'), { method: 'GET' }],
    'as many lines as allowed': [get(...Array.from({ length: 127 }, (_, i) => `F${i}: x`)), { method: 'GET' }],
  }),
  ...refused('RFC 6585 5', 'too-many-fields', {
    'one line too many': get(...Array.from({ length: 128 }, (_, i) => `F${i}: x`)),
  }),
  ...refused('RFC 6585 5', 'head-too-large', {
    'one long line': get(`F: ${'x'.repeat(17_000)}`),
    'one octet too many': get(`F: ${'x'.repeat(16_384 - 39)}`),
  }),
  ...accepted('RFC 6585 5', { 'the largest head': [get(`F: ${'x'.repeat(16_384 - 40)}`), { end: 16_384 }] }),
  ...refused('RFC 9112 3', 'target-too-long', {
    'one octet too many': target(`/${'a'.repeat(8192 - 15)}`),
    'far too many': target(`/${'a'.repeat(20_000)}`),
    'a long query': target(`/?${'a'.repeat(9_000)}`),
    'a long authority': target(`http://${'a'.repeat(9_000)}`),
  }),
];

export const FRAMING: RequestVector[] = [
  ...accepted('RFC 9112 6', {
    'no body by default': [post(), { framing: 'none', contentLength: 0 }],
    'a length': [post('Content-Length: 5'), { framing: 'length', contentLength: 5 }],
    'a length of zero': [post('Content-Length: 0'), { framing: 'none', contentLength: 0 }],
    'a length with leading zeros': [post('Content-Length: 010'), { framing: 'length', contentLength: 10 }],
    'the largest length': [post('Content-Length: 9007199254740991'), { contentLength: Number.MAX_SAFE_INTEGER }],
    'a length on GET': [get('Content-Length: 3'), { framing: 'length', contentLength: 3 }],
    'a length in HTTP/1.0': ['POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\n\r\n', { framing: 'length' }],
    chunked: [post('Transfer-Encoding: chunked'), { framing: 'chunked', contentLength: 0 }],
    'chunked in other letters': [post('transfer-encoding: Chunked'), { framing: 'chunked' }],
    'chunked without a space': [post('Transfer-Encoding:chunked'), { framing: 'chunked' }],
    'chunked on OPTIONS': [get('Transfer-Encoding: chunked').replace('GET', 'OPTIONS'), { framing: 'chunked' }],
  }),
  ...refused('RFC 9110 8.6', 'length-invalid', {
    signed: post('Content-Length: +5'),
    negative: post('Content-Length: -5'),
    hexadecimal: post('Content-Length: 0x5'),
    fraction: post('Content-Length: 5.0'),
    exponent: post('Content-Length: 1e1'),
    empty: post('Content-Length:'),
    word: post('Content-Length: five'),
    list: post('Content-Length: 5, 5'),
    'list of different ones': post('Content-Length: 5, 6'),
    'trailing comma': post('Content-Length: 5,'),
    'space within': post('Content-Length: 5 5'),
    quoted: post('Content-Length: "5"'),
    underscore: post('Content-Length: 1_0'),
    'beyond safe integers': post('Content-Length: 9007199254740992'),
    'beyond 64 bits': post('Content-Length: 18446744073709551621'),
    'superscript digit': post('Content-Length: \xb2'),
    semicolon: post('Content-Length: 5;a'),
  }),
  ...refused('RFC 9112 6.3', 'length-repeated', {
    'the same twice': post('Content-Length: 5', 'Content-Length: 5'),
    'before Host': 'POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\nHost: a\r\n\r\n',
    'two different ones': post('Content-Length: 5', 'Content-Length: 6'),
    'in other letters': post('Content-Length: 5', 'content-length: 5'),
  }),
  ...refused('RFC 9112 6.1', 'length-and-coding', {
    'length first': post('Content-Length: 5', 'Transfer-Encoding: chunked'),
    'coding first': post('Transfer-Encoding: chunked', 'Content-Length: 5'),
    'length of zero': post('Content-Length: 0', 'Transfer-Encoding: chunked'),
  }),
  ...refused('RFC 9112 6.1', 'coding-invalid', {
    identity: post('Transfer-Encoding: identity'),
    empty: post('Transfer-Encoding:'),
    'not chunked at all': post('Transfer-Encoding: gzip'),
    'chunked not last': post('Transfer-Encoding: chunked, gzip'),
    'chunked twice': post('Transfer-Encoding: chunked, chunked'),
    'chunked after identity': post('Transfer-Encoding: identity, chunked'),
    'a parameter': post('Transfer-Encoding: chunked;q=1'),
    'a prefix': post('Transfer-Encoding: xchunked'),
    'a suffix': post('Transfer-Encoding: chunkedx'),
    quoted: post('Transfer-Encoding: "chunked"'),
    'a leading comma': post('Transfer-Encoding: , chunked'),
    'a trailing comma': post('Transfer-Encoding: chunked,'),
    words: post('Transfer-Encoding: chunked foo'),
    'a colon': post('Transfer-Encoding: : chunked'),
    'length beside an identity coding': post('Content-Length: 5', 'Transfer-Encoding: identity'),
    cow: post('Transfer-Encoding: cow'),
    'obs-text before it': post('Transfer-Encoding: \xa0chunked'),
  }),
  ...refused('RFC 9112 6.1', 'coding-unknown', {
    'gzip, chunked': post('Transfer-Encoding: gzip, chunked'),
    'two codings and chunked': post('Transfer-Encoding: a,b, Chunked'),
  }),
  ...refused('RFC 9112 6.1', 'coding-repeated', {
    'before Host': 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n',
    'chunked on two lines': post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    'identity on the second line': post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity'),
    'split over two lines': post('Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'),
  }),
  ...refused('RFC 9112 6.1', 'coding-in-1.0', {
    'chunked in HTTP/1.0': 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    'with a length': 'POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
  }),
  ...refused('CGI, RFC 3875 4.1.18', 'field-name-twin', {
    content_length: post('Content_Length: 5'),
    transfer_encoding: post('Transfer_Encoding: chunked'),
    'twin beside the real one': post('Content-Length: 5', 'content_length: 6'),
  }),
];

export const OPTIONS: RequestVector[] = [
  ...accepted('RFC 9112 9.3', {
    'HTTP/1.1 goes on': [get(), { keepAlive: true }],
    close: [get('Connection: close'), { keepAlive: false }],
    'close in other letters': [get('connection: Close'), { keepAlive: false }],
    'close wins': [get('Connection: keep-alive, close'), { keepAlive: false }],
    'close on a second line': [get('Connection: keep-alive', 'Connection: close'), { keepAlive: false }],
    'HTTP/1.0 ends': ['GET / HTTP/1.0\r\nHost: a\r\n\r\n', { keepAlive: false }],
    'HTTP/1.0 may go on': ['GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n', { keepAlive: true }],
    'HTTP/1.0 close wins': ['GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n', { keepAlive: false }],
    'empty elements': [get('Connection: , ,close,,'), { keepAlive: false }],
    'an empty Connection': [get('Connection:'), { keepAlive: true }],
  }),
  ...refused('RFC 9110 7.6.1', 'connection-option', {
    'two words': get('Connection: close keep-alive'),
    quoted: get('Connection: "close"'),
    'a wide gap between two words': get(`Connection: a${' '.repeat(8_000)}b`),
    'white space that HTTP does not know': get('Connection: \xa0close'),
    parameter: get('Connection: close;q=1'),
    'obs-text': get('Connection: clos\xe9'),
    'too many': get(`Connection: ${Array.from({ length: 40 }, (_, i) => `x${i}`).join(',')}`),
  }),
  ...refused('RFC 9110 7.6.1', 'connection-protected', {
    host: get('Connection: Host'),
    'content-length': post('Connection: close, Content-Length', 'Content-Length: 5'),
    'transfer-encoding': post('Connection: transfer-encoding', 'Transfer-Encoding: chunked'),
    transfer_encoding: get('Connection: transfer_encoding'),
    expect: post('Connection: expect'),
    'content-type': post('Connection: content-type'),
  }),
  ...accepted('RFC 9110 7.8', {
    websocket: [get('Connection: Upgrade', 'Upgrade: websocket'), { websocket: true, keepAlive: true }],
    'websocket in other letters': [get('connection: keep-alive, upgrade', 'upgrade: WebSocket'), { websocket: true }],
    'Upgrade not named in Connection': [get('Upgrade: websocket'), { websocket: false }],
    'Connection: upgrade alone': [get('Connection: upgrade'), { websocket: false }],
    h2c: [get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'), { websocket: false }],
    'a list of protocols': [get('Connection: upgrade', 'Upgrade: websocket, h2c'), { websocket: false }],
    'two Upgrade lines': [get('Connection: upgrade', 'Upgrade: websocket', 'Upgrade: websocket'), { websocket: false }],
    'by POST': [post('Connection: upgrade', 'Upgrade: websocket'), { websocket: false }],
    'with a body': [
      get('Connection: upgrade', 'Upgrade: websocket', 'Content-Length: 5'),
      { websocket: false, framing: 'length' },
    ],
    'with a chunked body': [
      get('Connection: upgrade', 'Upgrade: websocket', 'Transfer-Encoding: chunked'),
      { websocket: false },
    ],
    'in HTTP/1.0': [
      'GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
      { websocket: false },
    ],
  }),
  ...accepted('RFC 9110 10.1.1', {
    '100-continue': [post('Expect: 100-continue', 'Content-Length: 5'), { expect100: true }],
    'in other letters': [post('Expect: 100-Continue', 'Content-Length: 5'), { expect100: true }],
    'before the length is known': [post('Expect: 100-continue', 'Transfer-Encoding: chunked'), { expect100: true }],
    'without a body': [post('Expect: 100-continue'), { expect100: false }],
    'in HTTP/1.0': [
      'POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
      { expect100: false },
    ],
    'unknown in HTTP/1.0': [
      'POST / HTTP/1.0\r\nHost: a\r\nExpect: cake\r\nContent-Length: 5\r\n\r\n',
      { expect100: false },
    ],
  }),
  ...refused('RFC 9110 10.1.1', 'expectation', {
    'something else': post('Expect: 200-ok', 'Content-Length: 5'),
    'a list': post('Expect: 100-continue, 200-ok', 'Content-Length: 5'),
    empty: post('Expect:', 'Content-Length: 5'),
  }),
  ...accepted('RFC 9110 10.1.4', {
    'TE: trailers': [get('Connection: TE', 'TE: trailers'), { teTrailers: true }],
    'TE with more': [get('Connection: TE', 'TE: deflate;q=0.5, trailers'), { teTrailers: true }],
    'TE without trailers': [get('Connection: TE', 'TE: deflate'), { teTrailers: false }],
    'TE of a longer word': [get('Connection: TE', 'TE: trailersx'), { teTrailers: false }],
  }),
  ...accepted('RFC 9110 7.6.2', {
    'Max-Forwards of OPTIONS': [
      target('/', 'OPTIONS').replace('\r\n\r\n', '\r\nMax-Forwards: 5\r\n\r\n'),
      { maxForwards: 5 },
    ],
    'Max-Forwards of zero': [
      target('*', 'OPTIONS').replace('\r\n\r\n', '\r\nMax-Forwards: 0\r\n\r\n'),
      { maxForwards: 0 },
    ],
    'Max-Forwards of GET means nothing': [get('Max-Forwards: x'), { maxForwards: -1 }],
  }),
  ...refused('RFC 9110 7.6.2', 'max-forwards', {
    'no number': target('/', 'OPTIONS').replace('\r\n\r\n', '\r\nMax-Forwards: x\r\n\r\n'),
    twice: target('/', 'OPTIONS').replace('\r\n\r\n', '\r\nMax-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n'),
  }),
];
