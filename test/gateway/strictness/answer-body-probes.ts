/**
 * Probes of bodies of answers: those that stop (RFC 9112 8), chunks octet by octet (7.1), and what is said behind an answer
 * or without being asked (9.2).
 */
import { type AnswerProbe, cut, ours, passed } from './answer-probe.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const EVIL = `${OK}Content-Length: 5\r\n\r\nstray`;

function sized(body: string, length = body.length): string {
  return `${OK}Content-Length: ${length}\r\n\r\n${body}`;
}

const CUTS: readonly AnswerProbe[] = [
  ...(['end', 'reset'] as const).flatMap((after) => [
    ...cut(
      'RFC 9112 8',
      {
        [`a body too short, then ${after}`]: sized('abc', 10),
        [`no body, then ${after}`]: sized('', 10),
        [`chunks without the last one, then ${after}`]: `${CHUNKED}3\r\nabc\r\n`,
        [`a chunk that stops, then ${after}`]: `${CHUNKED}a\r\nabc`,
        [`a size that stops, then ${after}`]: `${CHUNKED}3\r\nabc\r\n5`,
        [`a last chunk without its line, then ${after}`]: `${CHUNKED}3\r\nabc\r\n0\r\n`,
        [`trailers that stop, then ${after}`]: `${CHUNKED}3\r\nabc\r\n0\r\nX-T: v\r\n`,
        [`no chunk at all, then ${after}`]: CHUNKED,
      },
      { after },
    ),
    ...cut(
      'RFC 9112 8',
      { [`a body too short for HTTP/1.0, then ${after}`]: sized('abc', 10) },
      { after, asks: 'HTTP/1.0' },
    ),
    ...cut(
      'RFC 9112 8',
      { [`chunks too few for HTTP/1.0, then ${after}`]: `${CHUNKED}3\r\nabc\r\n` },
      { after, asks: 'HTTP/1.0' },
    ),
    ...cut(
      'RFC 9112 8',
      { [`chunks too few for HTTP/1.0 with keep-alive, then ${after}`]: `${CHUNKED}3\r\nabc\r\n` },
      { after, asks: 'HTTP/1.0 keep-alive' },
    ),
    ...cut('RFC 9112 8', { [`a body of a POST too short, then ${after}`]: sized('abc', 10) }, { after, asks: 'POST' }),
  ]),
  ...cut('RFC 9112 8', { 'a reset where the end is the end': `${OK}\r\nabc` }, { after: 'reset' }),
];

const CHUNK_FAULTS = {
  'a size that is none': 'xyz\r\n',
  'a size with a sign': '+3\r\nabc\r\n0\r\n\r\n',
  'a size with a prefix': '0x3\r\nabc\r\n0\r\n\r\n',
  'a size with a space before it': ' 3\r\nabc\r\n0\r\n\r\n',
  'a size ended by LF': '3\nabc\r\n0\r\n\r\n',
  'a size ended by CR': '3\rabc\r\n0\r\n\r\n',
  'a size of 17 digits': '10000000000000003\r\nabc\r\n0\r\n\r\n',
  'no size': '\r\nabc\r\n0\r\n\r\n',
  'data ended by LF': '3\r\nabc\n0\r\n\r\n',
  'data one octet longer': '3\r\nabcd\r\n0\r\n\r\n',
  'data one octet shorter': '3\r\nab\r\n0\r\n\r\n',
  'data not ended': '3\r\nabc0\r\n\r\n',
  'an extension ended by LF': '3;a\nabc\r\n0\r\n\r\n',
  'a bare CR in an extension': '3;a\rb\r\nabc\r\n0\r\n\r\n',
  'a NUL in an extension': '3;a\0b\r\nabc\r\n0\r\n\r\n',
  'a last line of LF': '3\r\nabc\r\n0\r\n\n',
  'a trailer without a colon': '3\r\nabc\r\n0\r\nX\r\n\r\n',
  'a trailer that is folded': '3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n',
  'a trailer with a bare CR': '3\r\nabc\r\n0\r\nX: y\rz\r\n\r\n',
  'a trailer with a NUL': '3\r\nabc\r\n0\r\nX: y\0\r\n\r\n',
};

const CHUNKS: readonly AnswerProbe[] = [
  ...cut(
    'RFC 9112 7.1',
    Object.fromEntries(Object.entries(CHUNK_FAULTS).map(([name, octets]) => [name, `${CHUNKED}2\r\nok\r\n${octets}`])),
  ),
  ...ours(
    cut('RFC 9110 6.5.1', {
      'a length as a trailer': `${CHUNKED}3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n`,
      'a coding as a trailer': `${CHUNKED}3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`,
      'endless trailers': `${CHUNKED}3\r\nabc\r\n0\r\n${'X-T: aaaaaaaa\r\n'.repeat(1400)}\r\n`,
    }),
  ),
  ...passed('RFC 9112 7.1', {
    chunks: [`${CHUNKED}1\r\na\r\n2\r\nbc\r\n0\r\n\r\n`, { status: 200, body: 'abc' }],
    'chunks in parts': [[`${CHUNKED}1\r\na`, '\r\n2\r', '\nbc\r\n0', '\r\n\r\n'], { status: 200, body: 'abc' }],
    'capital digits': [`${CHUNKED}A\r\n0123456789\r\n0\r\n\r\n`, { status: 200, body: '0123456789' }],
    'an extension': [`${CHUNKED}3;a="b;c"\r\nabc\r\n0;d\r\n\r\n`, { status: 200, body: 'abc' }],
    'the end of chunks in the data': [`${CHUNKED}5\r\n0\r\n\r\n\r\n0\r\n\r\n`, { status: 200, body: '0\r\n\r\n' }],
    'a head in the data': [
      `${CHUNKED}13\r\nHTTP/1.1 200 OK\r\n\r\n\r\n0\r\n\r\n`,
      { status: 200, body: 'HTTP/1.1 200 OK\r\n\r\n' },
    ],
    trailers: [
      `${CHUNKED}3\r\nabc\r\n0\r\nX-T: v\r\nX-U:w\r\n\r\n`,
      { status: 200, body: 'abc', trailers: ['X-T', 'v', 'X-U', 'w'] },
    ],
    'no data': [`${CHUNKED}0\r\n\r\n`, { status: 200, body: '' }],
    'trailers that may not be': [
      `${CHUNKED}0\r\nSet-Cookie: a=b\r\nX-T: v\r\nConnection: close\r\n\r\n`,
      { status: 200, body: '', trailers: ['X-T', 'v'] },
    ],
  }),
];

/** Behind an answer that has ended, every octet is one too many. */
const SURPLUS: readonly AnswerProbe[] = passed('RFC 9112 9.2', {
  'octets behind a length': [`${sized('abc')}stray`, { status: 200, body: 'abc' }],
  'an answer behind a length': [`${sized('abc')}${EVIL}`, { status: 200, body: 'abc' }],
  'an answer behind a length, later': [[sized('abc'), EVIL], { status: 200, body: 'abc' }],
  'an answer behind an empty body': [`${sized('')}${EVIL}`, { status: 200, body: '' }],
  'octets behind the last chunk': [`${CHUNKED}3\r\nabc\r\n0\r\n\r\nstray`, { status: 200, body: 'abc' }],
  'an answer behind the last chunk': [`${CHUNKED}3\r\nabc\r\n0\r\n\r\n${EVIL}`, { status: 200, body: 'abc' }],
  'an answer behind trailers': [`${CHUNKED}0\r\nX: y\r\n\r\n${EVIL}`, { status: 200, body: '' }],
  'a body of 204': ['HTTP/1.1 204 No Content\r\n\r\nstray', { status: 204, body: '' }],
  'chunks of 204': ['HTTP/1.1 204 No Content\r\n\r\n5\r\nstray\r\n0\r\n\r\n', { status: 204, body: '' }],
  'an answer behind 204': [`HTTP/1.1 204 No Content\r\n\r\n${EVIL}`, { status: 204, body: '' }],
  'a body of 304': ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nstray', { status: 304, body: '' }],
  'chunks of 304': [
    'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstray\r\n0\r\n\r\n',
    { status: 304, body: '' },
  ],
  'an empty line behind an answer': [`${sized('abc')}\r\n`, { status: 200, body: 'abc' }],
  'an informational answer behind an answer': [
    [sized('abc'), 'HTTP/1.1 103 stray\r\n\r\n'],
    { status: 200, body: 'abc' },
  ],
  'a request timeout behind an answer': [
    [sized('abc'), 'HTTP/1.1 408 stray\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'],
    { status: 200, body: 'abc' },
  ],
});

export const ANSWER_BODY_PROBES: readonly AnswerProbe[] = [...CUTS, ...CHUNKS, ...SURPLUS];
