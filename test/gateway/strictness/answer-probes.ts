/**
 * Probes of heads of answers: messages that must have no body (RFC 9110 6.4.1), informational answers and switches (15.2),
 * fields of one hop, response splitting, what older clients are told.
 */
import { type AnswerProbe, badGateway, passed } from './answer-probe.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const EVIL = `${OK}Content-Length: 5\r\n\r\nstray`;
const FINAL = `${OK}Content-Length: 5\r\n\r\nfinal`;

function ok(...lines: readonly string[]): string {
  return `${OK}${lines.map((line) => `${line}\r\n`).join('')}`;
}

function sized(body: string, length = body.length): string {
  return `${OK}Content-Length: ${length}\r\n\r\n${body}`;
}

const NOTHING = badGateway(
  'RFC 9112 8',
  {
    'a status-line of another protocol': 'SSH-2.0-x\r\n',
    'HTTP/0.9': '<p>stray</p>',
    'a TLS alert': '\x15\x03\x01\0\x02\x02F',
  },
  { after: 'stay' },
);

const BODILESS: readonly AnswerProbe[] = [
  ...passed(
    'RFC 9110 9.3.2',
    {
      'a length': [`${OK}Content-Length: 5\r\n\r\n`, { status: 200, body: '', with: ['content-length: 5'] }],
      'a length and a body': [
        `${OK}Content-Length: 5\r\n\r\nstray`,
        { status: 200, body: '', with: ['content-length: 5'] },
      ],
      'a coding': [`${OK}Transfer-Encoding: chunked\r\n\r\n`, { status: 200, body: '' }],
      'a coding and chunks': [
        `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nstray\r\n0\r\n\r\n`,
        { status: 200, body: '' },
      ],
      nothing: [`${OK}\r\n`, { status: 200, body: '' }],
      'nothing and a body': [`${OK}\r\nstray`, { status: 200, body: '' }],
      'an answer behind it': [`${OK}Content-Length: 5\r\n\r\n${EVIL}`, { status: 200, body: '' }],
    },
    { asks: 'HEAD' },
  ).map((probe): AnswerProbe => ({ ...probe, name: `to HEAD, ${probe.name}` })),
  ...passed('RFC 9110 8.6', {
    '204 with a length of zero': [
      'HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n',
      { status: 204, body: '', without: ['content-length'] },
    ],
    '304 with the length of what was not sent': [
      'HTTP/1.1 304 x\r\nContent-Length: 500\r\n\r\n',
      { status: 304, body: '', with: ['content-length: 500'] },
    ],
  }),
  ...badGateway('RFC 9112 6.1, RFC 9110 8.6', {
    '204 with a length': 'HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\nstray',
    '204 with a coding': 'HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '100 with a length': 'HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\nstray',
    '103 with a coding': `HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${FINAL}`,
  }),
];

const INFORMED: readonly AnswerProbe[] = [
  ...passed('RFC 9110 15.2', {
    '103 goes on': [
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${FINAL}`,
      { status: 200, body: 'final', informed: [103] },
    ],
    'several go on': [
      `HTTP/1.1 102 x\r\n\r\nHTTP/1.1 103 x\r\n\r\n${FINAL}`,
      { status: 200, body: 'final', informed: [102, 103] },
    ],
    'one that comes first': [['HTTP/1.1 103 x\r\n\r\n', FINAL], { status: 200, body: 'final', informed: [103] }],
    '100 that nobody waits for': [
      `HTTP/1.1 100 Continue\r\n\r\n${FINAL}`,
      { status: 200, body: 'final', informed: [] },
    ],
    'an unheard-of one': [`HTTP/1.1 199 x\r\n\r\n${FINAL}`, { status: 200, body: 'final', informed: [199] }],
  }),
  ...(['HTTP/1.0', 'HTTP/1.0 keep-alive'] as const).flatMap((asks) =>
    passed(
      'RFC 9110 15.2',
      {
        [`none goes to ${asks}`]: [`HTTP/1.1 103 x\r\n\r\n${FINAL}`, { status: 200, body: 'final', informed: [] }],
      },
      { asks },
    ),
  ),
  ...badGateway('RFC 9110 15.2.2', {
    'a switch nobody asked for': 'HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nstray',
    'a switch to HTTP/2': 'HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nstray',
    'a switch behind an informational answer':
      'HTTP/1.1 103 x\r\n\r\nHTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nstray',
  }),
  ...badGateway(
    'RFC 9110 15.2.2',
    {
      'a switch to something else': 'HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nstray',
      'a switch without Upgrade': 'HTTP/1.1 101 x\r\nConnection: Upgrade\r\n\r\nstray',
    },
    { asks: 'websocket' },
  ),
  ...passed(
    'RFC 9110 7.8',
    {
      'a switch that was asked for': [
        'HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes',
        { status: 101, body: 'frames' },
      ],
    },
    { asks: 'websocket', after: 'end' },
  ),
  ...passed(
    'RFC 9110 7.8',
    {
      'an upgrade declined': [FINAL, { status: 200, body: 'final' }],
      'an upgrade declined with 426': [
        'HTTP/1.1 426 x\r\nConnection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 0\r\n\r\n',
        { status: 426, body: '', with: ['upgrade: foo'] },
      ],
    },
    { asks: 'websocket' },
  ),
];

const FIELDS: readonly AnswerProbe[] = [
  ...passed('RFC 9110 7.6.1', {
    'fields of one hop': [
      `${ok('Connection: keep-alive, X-Hop', 'Keep-Alive: timeout=5', 'X-Hop: 1', 'Proxy-Connection: x', 'X-Stay: 2', 'Content-Length: 0')}\r\n`,
      { status: 200, body: '', with: ['x-stay: 2'], without: ['x-hop', 'proxy-connection'] },
    ],
    'Upgrade where none is asked for': [
      `${ok('Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 0')}\r\n`,
      { status: 200, body: '', without: ['upgrade'] },
    ],
    'a space before a colon is taken out': [
      `${ok('X-A : 1', 'Content-Length: 0')}\r\n`,
      { status: 200, body: '', with: ['x-a: 1'] },
    ],
    'obs-text': [`${ok('X-A: \xe4\xff', 'Content-Length: 0')}\r\n`, { status: 200, body: '', with: ['x-a: \xe4\xff'] }],
    'cookies stay apart': [
      `${ok('Set-Cookie: a=1', 'Set-Cookie: b=2', 'Content-Length: 0')}\r\n`,
      { status: 200, body: '', with: ['set-cookie: a=1', 'set-cookie: b=2'] },
    ],
    'Date stays as it is': [
      `${ok('Date: Tue, 15 Nov 1994 08:12:31 GMT', 'Content-Length: 0')}\r\n`,
      { status: 200, body: '', with: ['date: Tue, 15 Nov 1994 08:12:31 GMT'] },
    ],
    'Trailer without chunks promises nothing': [
      `${ok('Trailer: X-T', 'Content-Length: 0')}\r\n`,
      { status: 200, body: '', without: ['trailer'] },
    ],
  }),
  ...badGateway(
    'RFC 9112 2.2',
    {
      'a cookie behind a bare CR': `${ok('Location: /a\rSet-Cookie: stray')}\r\n`,
      'a head behind a NUL': `${ok('X: y\0\r\n\r\nstray')}\r\n`,
      'an answer behind CR CR': `${ok('X: y\r\rHTTP/1.1 200 stray')}\r\n`,
    },
    { after: 'end' },
  ),
];

const OLD: readonly AnswerProbe[] = [
  ...passed(
    'RFC 9112 6.1',
    {
      'chunks are taken apart': [
        `${CHUNKED}3\r\nabc\r\n0\r\n\r\n`,
        { status: 200, body: 'abc', without: ['transfer-encoding'] },
      ],
      'a length stays': [sized('abc'), { status: 200, body: 'abc', with: ['content-length: 3'] }],
      'trailers are not promised': [
        `${ok('Trailer: X-T', 'Transfer-Encoding: chunked')}\r\n3\r\nabc\r\n0\r\nX-T: v\r\n\r\n`,
        { status: 200, body: 'abc', without: ['transfer-encoding', 'trailer'] },
      ],
    },
    { asks: 'HTTP/1.0' },
  ),
  ...passed(
    'RFC 9112 6.3',
    {
      'the end is the end': [`${OK}\r\nall of it`, { status: 200, body: 'all of it' }],
      'the end is the end of HTTP/1.0': ['HTTP/1.0 200 OK\r\n\r\nall of it', { status: 200, body: 'all of it' }],
      'an empty one': [`${OK}\r\n`, { status: 200, body: '' }],
      'a length and the end': [sized('abc'), { status: 200, body: 'abc' }],
      'chunks and the end': [`${CHUNKED}3\r\nabc\r\n0\r\n\r\n`, { status: 200, body: 'abc' }],
    },
    { after: 'end' },
  ),
  ...passed(
    'RFC 9112 6.3',
    { 'the end is the end for HTTP/1.0': [`${OK}\r\nall`, { status: 200, body: 'all' }] },
    { after: 'end', asks: 'HTTP/1.0' },
  ),
];

export const ANSWER_PROBES: readonly AnswerProbe[] = [...NOTHING, ...BODILESS, ...INFORMED, ...FIELDS, ...OLD];
