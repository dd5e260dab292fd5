/**
 * Probes of bodies: chunk sizes, extensions, line ends and trailers octet by octet (RFC 9112 7), lengths that lie, bodies
 * that stop, and what was sent ahead behind each of them (RFC 9112 9.3.2).
 */
import { dropped, either, HOST, ours, type Probe, refused, served, servedLast, type Wanted } from './probe.ts';

const CHUNKED = `POST /b HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
const EVIL = `GET /evil HTTP/1.1\r\n${HOST}\r\n`;

function sized(length: number | string, body: string): string {
  return `POST /b HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n${body}`;
}

function post(body: string, trailers: readonly string[] = []): Wanted {
  return { method: 'POST', target: '/b', host: 'app.test', body, trailers };
}

/** A chunked request whose body is this. */
function chunks(octets: string, body: string, trailers: readonly string[] = []): [string, Wanted] {
  return [CHUNKED + octets, post(body, trailers)];
}

const SIZES = {
  'a sign': '+3',
  'a minus': '-3',
  'a prefix of C': '0x3',
  'a letter beyond F': 'g',
  'a letter behind the size': '3g',
  'a space before the size': ' 3',
  'a tab before the size': '\t3',
  'an underscore': '0_3',
  'a comma': '3,3',
  'a decimal point': '3.0',
  'no size': '',
  'a NUL behind the size': '3\0',
  'a form feed behind the size': '3\x0c',
  'a vertical tab behind the size': '3\x0b',
  'a no-break space behind the size': '3\xa0',
  'a size of 17 digits': '10000000000000003',
  'a size beyond 64 bits': 'fffffffffffffffff3',
  'an escape': '%33',
  'a quoted size': '"3"',
  'a superscript digit': '\xb3',
};

const LINE_ENDS = {
  'the size ended by LF': '3\nabc\r\n0\r\n\r\n',
  'the size ended by CR': '3\rabc\r\n0\r\n\r\n',
  'the size ended by CR CR LF': '3\r\r\nabc\r\n0\r\n\r\n',
  'the size ended by LF CR': '3\n\rabc\r\n0\r\n\r\n',
  'the size ended by CR and a letter': '3\rXabc\r\n0\r\n\r\n',
  'the data ended by LF': '3\r\nabc\n0\r\n\r\n',
  'the data ended by CR': '3\r\nabc\r0\r\n\r\n',
  'the data not ended at all': '3\r\nabc0\r\n\r\n',
  'the data ended twice': '3\r\nabc\r\n\r\n0\r\n\r\n',
  'the data one octet longer': '3\r\nabcd\r\n0\r\n\r\n',
  'the data two octets longer': '3\r\nabcde\r\n0\r\n\r\n',
  'the data one octet shorter': '3\r\nab\r\n0\r\n\r\n',
  'any two octets behind the data': '3\r\nabcXX0\r\n\r\n',
  'the last chunk ended by LF': '3\r\nabc\r\n0\n\r\n',
  'the last line is LF': '3\r\nabc\r\n0\r\n\n',
  'the last line is CR': '3\r\nabc\r\n0\r\n\rX',
  'the extension ended by LF': '3;a=b\nabc\r\n0\r\n\r\n',
  'the extension of the last chunk ended by LF': '3\r\nabc\r\n0;a\n\r\n',
};

const EXTENSIONS_BAD = {
  'a bare CR in an extension': '3;a\rb\r\nabc\r\n0\r\n\r\n',
  'a bare LF in an extension': '3;a\nb\r\nabc\r\n0\r\n\r\n',
  'a bare LF in a quoted extension': '3;a="\n"\r\nabc\r\n0\r\n\r\n',
  'CRLF in a quoted extension': '3;a="\r\n"\r\nabc\r\n0\r\n\r\n',
  'a NUL in an extension': '3;a\0\r\nabc\r\n0\r\n\r\n',
  'DEL in an extension': '3;a\x7f\r\nabc\r\n0\r\n\r\n',
  'an extension without a semicolon': '3 a=b\r\nabc\r\n0\r\n\r\n',
  'an unclosed quote': '3;a="b\r\nabc\r\n0\r\n\r\n',
};

/** Wrong, but not in a way that hides where the chunk ends; what goes on has neither. */
const ODD = {
  'an extension without a name': chunks('3;=b\r\nabc\r\n0\r\n\r\n', 'abc'),
  'a size of many zeros': chunks(`${'0'.repeat(40)}3\r\nabc\r\n0\r\n\r\n`, 'abc'),
  'an extension without a value': chunks('3;a=\r\nabc\r\n0\r\n\r\n', 'abc'),
  'a semicolon alone': chunks('3;\r\nabc\r\n0\r\n\r\n', 'abc'),
  'white space around everything': chunks('3 ; a = b\r\nabc\r\n0\r\n\r\n', 'abc'),
  'white space behind the size': chunks('3 \r\nabc\r\n0\r\n\r\n', 'abc'),
  '8 kB of extensions': chunks(`3;a=${'b'.repeat(8192)}\r\nabc\r\n0\r\n\r\n`, 'abc'),
  'a semicolon behind the last chunk': chunks('3\r\nabc\r\n0;\r\n\r\n', 'abc'),
  'obs-text in a quoted extension': chunks('3;a="\xe4"\r\nabc\r\n0\r\n\r\n', 'abc'),
  'an escaped quote in an extension': chunks('3;a="\\""\r\nabc\r\n0\r\n\r\n', 'abc'),
};

const TRAILERS_BAD = {
  'Content-Length as a trailer': '0\r\nContent-Length: 5\r\n\r\n',
  'Transfer-Encoding as a trailer': '0\r\nTransfer-Encoding: chunked\r\n\r\n',
  'Host as a trailer': '0\r\nHost: evil.test\r\n\r\n',
};

const TRAILERS_MALFORMED = {
  'a trailer without a colon': '0\r\nX\r\n\r\n',
  'a trailer without a name': '0\r\n: x\r\n\r\n',
  'a space before the colon of a trailer': '0\r\nX : y\r\n\r\n',
  'a folded trailer': '0\r\nX: y\r\n z\r\n\r\n',
  'white space before a trailer': '0\r\n X: y\r\n\r\n',
  'a bare CR in a trailer': '0\r\nX: a\rb\r\n\r\n',
  'a NUL in a trailer': '0\r\nX: a\0b\r\n\r\n',
  'a trailer ended by LF': '0\r\nX: y\n\r\n',
  'an octet that is no token in the name of a trailer': '0\r\nX(: y\r\n\r\n',
  'a request for a trailer': `0\r\n${EVIL}`,
};

const CHUNK_PROBES: readonly Probe[] = [
  ...refused(
    'RFC 9112 7.1',
    Object.fromEntries(
      Object.entries(SIZES).map(([name, size]) => [name, `${CHUNKED}${size}\r\nabc\r\n0\r\n\r\n${EVIL}`]),
    ),
  ),
  ...refused(
    'RFC 9112 7.1',
    Object.fromEntries(Object.entries(LINE_ENDS).map(([name, octets]) => [name, CHUNKED + octets])),
  ),
  ...refused(
    'RFC 9112 7.1.1',
    Object.fromEntries(Object.entries(EXTENSIONS_BAD).map(([name, octets]) => [name, CHUNKED + octets])),
  ),
  ...either('RFC 9112 7.1.1', ODD),
  ...served('RFC 9112 7.1', {
    'one chunk': chunks('3\r\nabc\r\n0\r\n\r\n', 'abc'),
    'no data': chunks('0\r\n\r\n', ''),
    'several chunks': chunks('1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', 'abc'),
    'capital digits': chunks('A\r\n0123456789\r\n0\r\n\r\n', '0123456789'),
    'leading zeros': chunks('0003\r\nabc\r\n0\r\n\r\n', 'abc'),
    'a last chunk of several zeros': chunks('3\r\nabc\r\n000\r\n\r\n', 'abc'),
    'CRLF in the data': chunks('4\r\n\r\n\r\n\r\n0\r\n\r\n', '\r\n\r\n'),
    'the end of chunks in the data': chunks('7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n', '\r\n0\r\n\r\n'),
    'a request in the data': chunks(`${EVIL.length.toString(16)}\r\n${EVIL}\r\n0\r\n\r\n`, EVIL),
    'an extension': chunks('3;a=b\r\nabc\r\n0;c\r\n\r\n', 'abc'),
    'a quoted extension': chunks('3;a="b;c"\r\nabc\r\n0\r\n\r\n', 'abc'),
    'a trailer': chunks('3\r\nabc\r\n0\r\nX-T: v\r\n\r\n', 'abc', ['X-T', 'v']),
    'two trailers': chunks('0\r\nX-T: v\r\nX-U:w\r\n\r\n', '', ['X-T', 'v', 'X-U', 'w']),
    'a trailer in obs-text': chunks('0\r\nX-T: \xe4\r\n\r\n', '', ['X-T', '\xe4']),
  }),
  ...served('RFC 9110 6.5.1', {
    'a trailer that would authorize': chunks('0\r\nAuthorization: x\r\nX-T: v\r\n\r\n', '', ['X-T', 'v']),
    'a trailer that would be a cookie': chunks('0\r\nCookie: a=b\r\n\r\n', ''),
    'a trailer that would encode': chunks('0\r\nContent-Encoding: gzip\r\n\r\n', ''),
    'a trailer of one hop': chunks('0\r\nConnection: x\r\nTE: x\r\n\r\n', ''),
    'a trailer about the client': chunks('0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n', ''),
  }),
  ...refused(
    'RFC 9110 6.5.1',
    Object.fromEntries(Object.entries(TRAILERS_BAD).map(([name, octets]) => [name, CHUNKED + octets])),
  ).map((probe): Probe => ({ ...probe, level: 'ours' })),
  ...refused(
    'RFC 9112 7.1.2',
    Object.fromEntries(Object.entries(TRAILERS_MALFORMED).map(([name, octets]) => [name, CHUNKED + octets])),
  ),
  ...ours(
    refused('limits', { '20 kB of trailers': `${CHUNKED}0\r\n${'X-T: aaaaaaaa\r\n'.repeat(1400)}\r\n` }, [400, 431]),
  ),
];

const STOPS: readonly Probe[] = dropped('RFC 9112 8', {
  'a head without its end': `GET /stop HTTP/1.1\r\n${HOST}`,
  'half a request-line': 'GET /st',
  'a length and no body': sized(5, ''),
  'a length and too little body': sized(5, 'abc'),
  'chunks without the last one': `${CHUNKED}3\r\nabc\r\n`,
  'a chunk that stops': `${CHUNKED}a\r\nabc`,
  'a size that stops': `${CHUNKED}a`,
  'a last chunk without its last line': `${CHUNKED}3\r\nabc\r\n0\r\n`,
  'trailers that stop': `${CHUNKED}0\r\nX-T: v\r\n`,
  'a huge length': sized('9007199254740991', 'abc'),
  'a huge chunk': `${CHUNKED}fffffffffffff\r\nabc`,
});

const AHEAD: readonly Probe[] = [
  {
    clause: 'RFC 9112 9.3.2',
    name: 'three requests with bodies of each framing',
    level: 'must',
    octets: `${sized(3, 'abc')}${CHUNKED}2\r\nde\r\n0\r\n\r\nGET /g HTTP/1.1\r\n${HOST}\r\n`,
    outcomes: [
      { is: 'served', requests: [post('abc'), post('de'), { method: 'GET', target: '/g', body: '' }], closes: false },
    ],
  },
  {
    clause: 'RFC 9112 9.3.2',
    name: 'ten of them',
    level: 'must',
    octets: Array.from({ length: 10 }, (_, i) => `GET /${i} HTTP/1.1\r\n${HOST}\r\n`).join(''),
    outcomes: [
      {
        is: 'served',
        requests: Array.from({ length: 10 }, (_, i) => ({ method: 'GET', target: `/${i}`, body: '' })),
        closes: false,
      },
    ],
  },
  ...servedLast('RFC 9112 9.6', {
    'nothing is served behind close': [
      `GET /last HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n${EVIL}`,
      { method: 'GET', target: '/last' },
    ],
    'nothing is served behind an HTTP/1.0 request': [
      `GET /last HTTP/1.0\r\n${HOST}\r\n${EVIL}`,
      { method: 'GET', target: '/last' },
    ],
    'nothing is served behind close with a body': [
      `POST /b HTTP/1.1\r\n${HOST}Connection: close\r\nContent-Length: 3\r\n\r\nabc${EVIL}`,
      post('abc'),
    ],
  }),
  ...refused('RFC 9112 6.1', {
    'nothing is served behind a refused head': `GET / HTTP/1.1\r\nHost: a b\r\n\r\n${EVIL}`,
    'a length and chunks, chunks first': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${EVIL}`,
    'a length and chunks, length first': `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${EVIL}`,
  }),
  ...served('RFC 9112 2.2', {
    'one empty line behind a body': [`${sized(3, 'abc')}\r\n`, post('abc')],
  }),
  ...served('RFC 9110 9.3', {
    'GET with a body': [
      `GET /g HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`,
      { method: 'GET', target: '/g', body: 'abc' },
    ],
    'GET with chunks': [
      `GET /g HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      { method: 'GET', target: '/g', body: 'abc' },
    ],
    'HEAD with a body': [
      `HEAD /h HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`,
      { method: 'HEAD', target: '/h', body: 'abc' },
    ],
    'DELETE with chunks': [
      `DELETE /d HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      { method: 'DELETE', target: '/d', body: 'abc' },
    ],
    'OPTIONS with chunks': [
      `OPTIONS /o HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      { method: 'OPTIONS', target: '/o', body: 'abc' },
    ],
    'a request in a body': [sized(EVIL.length, EVIL), post(EVIL)],
    'chunks in a body with a length': [sized(12, '0\r\n\r\n0\r\n\r\nXX'), post('0\r\n\r\n0\r\n\r\nXX')],
    'POST without a body': [`POST /b HTTP/1.1\r\n${HOST}\r\n`, post('')],
    'POST with a length of zero': [sized(0, ''), post('')],
  }),
];

export const BODY_PROBES: readonly Probe[] = [...CHUNK_PROBES, ...STOPS, ...AHEAD];
