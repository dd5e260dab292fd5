/** The chunked reader: what passes, what is cut out, what is refused, in both outputs and in every split. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ChunkedBody,
  type ChunkedEvent,
  type ChunkedFault,
  type ChunkedOutput,
  chunkLine,
  EXTENSIONS_MAX_BYTES,
  lastChunk,
} from '#gateway/http1/chunked';
import { readRawTrailers } from '#gateway/http1/field-list';
import { TRAILERS_MAX, TRAILERS_MAX_BYTES } from '#gateway/http1/trailers';

interface Reading {
  readonly out: string;
  readonly event: string;
  readonly fault: ChunkedFault | null;
  readonly rest: string;
  readonly trailers: readonly string[];
}

/** Reads `pieces` one after the other as a lane does; the rest is what followed the body. */
function read(output: ChunkedOutput, pieces: readonly string[]): Reading {
  const body = new ChunkedBody();
  body.start(output);
  let event: ChunkedEvent = 'more';
  let out = '';
  let rest = '';
  for (const piece of pieces) {
    if (event === 'done') rest += piece;
    if (event !== 'more') continue;
    const bytes = Buffer.from(piece, 'latin1');
    let at = 0;
    do {
      at = body.scan(bytes, at, bytes.length);
      event = body.event;
      assert.ok(body.partStart <= body.partEnd && body.partEnd <= bytes.length);
      out += bytes.toString('latin1', body.partStart, body.partEnd);
    } while (event === 'part');
    if (event === 'done') rest = bytes.toString('latin1', at);
  }
  const fault = event === 'fault' ? body.fault : null;
  return { out: out + body.tail, event, fault, rest, trailers: body.trailers };
}

/** name → body, payload, what is forwarded (same as the body if left out), trailers. */
const ACCEPTED: Readonly<Record<string, readonly [string, string, string?, (readonly string[])?]>> = {
  'an empty body': ['0\r\n\r\n', ''],
  'one chunk': ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
  'several chunks': ['1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n', 'abcdef'],
  'sizes in either case': ['a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n', '01234567890123456789'],
  'every digit of a size': [
    `${[...'123456789aAbBcCdDeEfF'].map((digit) => `${digit}\r\n${'x'.repeat(Number.parseInt(digit, 16))}\r\n`).join('')}0\r\n\r\n`,
    'x'.repeat(195),
  ],
  'leading zeros up to the limit': ['000000000000005\r\nhello\r\n000\r\n\r\n', 'hello'],
  'line ends within the data': ['4\r\n\r\n0\r\r\n1\r\n\n\r\n0\r\n\r\n', '\r\n0\r\n'],
  'an extension': ['5;a\r\nhello\r\n0\r\n\r\n', 'hello', '5\r\nhello\r\n0\r\n\r\n'],
  'an extension with a value': ['5;a=b\r\nhello\r\n0;c=d\r\n\r\n', 'hello', '5\r\nhello\r\n0\r\n\r\n'],
  'a quoted value': ['5;a="b;\\"\t\xff c"\r\nhello\r\n0\r\n\r\n', 'hello', '5\r\nhello\r\n0\r\n\r\n'],
  'an empty quoted value': ['5;a=""\r\nhello\r\n0\r\n\r\n', 'hello', '5\r\nhello\r\n0\r\n\r\n'],
  'bad white space where it is allowed': [
    '5 \t; a = "b" ; c\t=\td;e\r\nhello\r\n0\r\n\r\n',
    'hello',
    '5\r\nhello\r\n0\r\n\r\n',
  ],
  'an extension that looks like a chunk': ['5;a="2"\r\nhello\r\n0\r\n\r\n', 'hello', '5\r\nhello\r\n0\r\n\r\n'],
  trailers: ['1\r\nx\r\n0\r\nA: b\r\nC:d\t\r\n\r\n', 'x', '1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n', ['A', 'b', 'C', 'd']],
  'a trailer that may not follow a body': [
    '0\r\nSet-Cookie: a\r\nX: y\r\nX-Forwarded-For: 1\r\n\r\n',
    '',
    '0\r\nX: y\r\n\r\n',
    ['X', 'y'],
  ],
  'only trailers that may not follow a body': [
    '0\r\nAuthorization: a\r\nConnection: close\r\n\r\n',
    '',
    '0\r\n\r\n',
    [],
  ],
};

const REFUSED: Readonly<Record<string, readonly [string, ChunkedFault]>> = {
  'an empty size': ['\r\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'a sign': ['+5\r\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'a negative size': ['-5\r\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'a 0x prefix': ['0x5\r\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'white space before the size': [' 5\r\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'letters beyond f': ['g\r\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'an underscore': ['1_0\r\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'too many digits': [`${'0'.repeat(15)}5\r\nhello\r\n0\r\n\r\n`, 'chunk-size'],
  'an unsafe integer': ['20000000000000\r\n', 'chunk-size'],
  'an overflowing size': ['fffffffffffffff\r\n', 'chunk-size'],
  'a line end of LF after the size': ['5\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'a comma': ['5,a\r\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'a NUL after the size': ['5\0\r\nhello\r\n0\r\n\r\n', 'chunk-size'],
  'CR and no LF after the size': ['5\rhello\r\n0\r\n\r\n', 'chunk-line-end'],
  'CR CR LF after the size': ['5\r\r\nhello\r\n0\r\n\r\n', 'chunk-line-end'],
  'white space after the size': ['5 \r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'an extension without a name': ['5;\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'two semicolons': ['5;;a\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'words after an extension name': ['5;a b\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'words after an extension value': ['5;a=b c\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'an extension ended by LF': ['5;a\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'an extension value ended by LF': ['5;a=b\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'an extension with CR alone': ['5;a\rb\r\nhello\r\n0\r\n\r\n', 'chunk-line-end'],
  'an extension without value': ['5;a=\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'white space at the end of an extension': ['5;a=b \r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'an unclosed quote': ['5;a="b\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'LF in a quote': ['5;a="b\nc"\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'an escaped LF in a quote': ['5;a="b\\\nc"\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'words after a quote': ['5;a="b"c\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'a separator in an extension name': ['5;a(b\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  '8-bit octets in an extension name': ['5;\xe4\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'a control in an extension': ['5;a\x01\r\nhello\r\n0\r\n\r\n', 'chunk-extension'],
  'endless extensions': [`5;a=${'b'.repeat(EXTENSIONS_MAX_BYTES)}`, 'extensions-too-large'],
  'many small extensions': [`${'1;a=b\r\nx\r\n'.repeat(EXTENSIONS_MAX_BYTES / 4)}`, 'extensions-too-large'],
  'data longer than announced': ['4\r\nhello\r\n0\r\n\r\n', 'chunk-data-end'],
  'data shorter than announced': ['6\r\nhello\r\n0\r\n\r\n', 'chunk-data-end'],
  'data ended by LF': ['5\r\nhello\n0\r\n\r\n', 'chunk-data-end'],
  'data ended by CR alone': ['5\r\nhello\r0\r\n\r\n', 'chunk-data-end'],
  'data not ended at all': ['5\r\nhello0\r\n\r\n', 'chunk-data-end'],
  'CR alone at the very end': ['0\r\n\rx', 'chunk-line-end'],
  'LF alone at the very end': ['0\r\n\n', 'trailer-invalid'],
  'a trailer without colon': ['0\r\nfoo\r\n\r\n', 'trailer-invalid'],
  'a folded trailer': ['0\r\nA: b\r\n c\r\n\r\n', 'trailer-invalid'],
  'a trailer ended by LF': ['0\r\nA: b\n\r\n', 'trailer-invalid'],
  'a trailer with space before the colon': ['0\r\nA : b\r\n\r\n', 'trailer-invalid'],
  'a trailer with NUL': ['0\r\nA: b\0\r\n\r\n', 'trailer-invalid'],
  'a request-line as trailer': ['0\r\nGET /evil HTTP/1.1\r\n\r\n', 'trailer-invalid'],
  'a length as trailer': ['0\r\nContent-Length: 5\r\n\r\n', 'trailer-forbidden'],
  'a coding as trailer': ['0\r\nTransfer-Encoding: chunked\r\n\r\n', 'trailer-forbidden'],
  'the twin of a coding as trailer': ['0\r\ntransfer_encoding: chunked\r\n\r\n', 'trailer-forbidden'],
  'Host as trailer': ['0\r\nHost: evil.test\r\n\r\n', 'trailer-forbidden'],
  'an endless trailer': [`0\r\nA: ${'b'.repeat(TRAILERS_MAX_BYTES)}`, 'trailers-too-large'],
  'too many trailers': [`0\r\n${'A: b\r\n'.repeat(TRAILERS_MAX + 1)}\r\n`, 'trailers-too-large'],
};

describe('a chunked body', () => {
  for (const [name, [text, payload, wire = text, trailers = []]] of Object.entries(ACCEPTED)) {
    test(`with ${name} is read to its end and no further`, () => {
      const next = 'GET / HTTP/1.1\r\n';
      assert.deepEqual(read('payload', [text + next]), {
        out: payload,
        event: 'done',
        fault: null,
        rest: next,
        trailers,
      });
      assert.deepEqual(read('wire', [text + next]), { out: wire, event: 'done', fault: null, rest: next, trailers });
    });

    test(`with ${name} reads the same octet by octet and cut anywhere`, () => {
      for (const output of ['payload', 'wire'] as const) {
        const whole = read(output, [text]);
        assert.deepEqual(read(output, [...text]), whole);
        for (let cut = 0; cut <= text.length; cut++)
          assert.deepEqual(read(output, [text.slice(0, cut), text.slice(cut)]), whole);
      }
    });

    test(`with ${name} is not over before its last octet`, () => {
      assert.equal(read('wire', [text.slice(0, -1)]).event, 'more');
    });
  }

  for (const [name, [text, fault]] of Object.entries(REFUSED)) {
    test(`with ${name} is refused (${fault})`, () => {
      for (const output of ['payload', 'wire'] as const) {
        assert.equal(read(output, [text]).fault, fault);
        assert.equal(read(output, [...text]).fault, fault);
      }
    });
  }

  test('is forwarded in one part per read if it is plain', () => {
    const body = new ChunkedBody();
    body.start('wire');
    const bytes = Buffer.from(`xx${'5\r\nhello\r\n'.repeat(100)}0\r\n\r\nGET`, 'latin1');
    const at = body.scan(bytes, 2, bytes.length);
    assert.deepEqual([body.event, body.partStart, body.partEnd, at], ['done', 2, bytes.length - 3, bytes.length - 3]);
  });

  test('starts afresh after any other body', () => {
    const body = new ChunkedBody();
    for (const first of ['5;a=', '0\r\nA: b\r\n', 'zz', '3\r\na', '0\r\n\r\n', '7']) {
      body.start('payload');
      const bytes = Buffer.from(first, 'latin1');
      let at = 0;
      do at = body.scan(bytes, at, bytes.length);
      while (body.event === 'part');
      body.start('wire');
      const second = Buffer.from('1\r\nx\r\n0\r\n\r\n', 'latin1');
      assert.equal(body.scan(second, 0, second.length), second.length);
      assert.deepEqual([body.event, body.partStart, body.partEnd, body.tail], ['done', 0, second.length, '']);
    }
  });

  test('takes nothing more once it is over', () => {
    const body = new ChunkedBody();
    body.start('wire');
    const bytes = Buffer.from('0\r\n\r\n0\r\n\r\n', 'latin1');
    assert.equal(body.scan(bytes, 0, 5), 5);
    assert.equal(body.scan(bytes, 5, 10), 5);
    assert.deepEqual([body.event, body.partStart, body.partEnd], ['done', 5, 5]);
  });

  test('can be written by what is exported for it', () => {
    const text = `${chunkLine(26)}${'x'.repeat(26)}\r\n${lastChunk(['A', 'b'])}`;
    assert.deepEqual(read('payload', [text]), {
      out: 'x'.repeat(26),
      event: 'done',
      fault: null,
      rest: '',
      trailers: ['A', 'b'],
    });
  });
});

describe('trailers split by somebody else', () => {
  test('are kept and dropped by the same rules', () => {
    assert.deepEqual(readRawTrailers(['grpc-status', '0', 'Set-Cookie', 'a', 'grpc-message', '']), [
      'grpc-status',
      '0',
      'grpc-message',
      '',
    ]);
    assert.deepEqual(readRawTrailers([]), []);
  });

  test('are dropped where RFC 9110 6.5.1 forbids them', () => {
    const forbidden =
      'accept-ranges age allow alt-svc authentication-info authorization cache-control connection content-encoding content-location ' +
      'content-range content-security-policy content-type cookie expect expires forwarded if-match if-modified-since if-none-match ' +
      'if-range if-unmodified-since keep-alive location max-forwards origin pragma proxy-authorization range retry-after set-cookie ' +
      'strict-transport-security te trailer upgrade vary warning www-authenticate x-forwarded-for x-real-ip x-request-id';
    for (const name of forbidden.split(' ')) {
      assert.deepEqual(
        readRawTrailers(['A', 'b', name, 'c', name.toUpperCase(), 'd', 'E', 'f']),
        ['A', 'b', 'E', 'f'],
        name,
      );
    }
  });

  for (const fields of [
    ['content-length', '1'],
    ['host', 'a'],
    ['a', 'b\r\nc: d'],
    ['a', 'b\r\n\r\nc'],
    ['a: b\r\nc', 'd'],
    ['a', 'b\u010ac'],
    ['a', ' b'],
    ['a b', 'c'],
    ['a:b', 'c'],
    ['', 'c'],
    ['a'],
  ]) {
    test(`are refused as ${JSON.stringify(fields)}`, () => {
      assert.equal(readRawTrailers(fields), null);
    });
  }
});
