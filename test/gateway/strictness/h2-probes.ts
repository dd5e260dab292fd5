/**
 * Probes of HTTP/2 on its way down to HTTP/1.1 (RFC 9113 8): fields with line ends and NULs, pseudo-fields repeated, missing,
 * late and unknown, fields of one hop, lengths that differ from the data, targets and authorities that split.
 */
import type { Fields, H2Request } from './h2-wire.ts';
import type { Wanted } from './probe.ts';

export interface H2Probe {
  readonly clause: string;
  readonly name: string;
  readonly request: H2Request;
  /** What has to arrive; null: nothing whole. */
  readonly wanted: Wanted | null;
  /** Both that and nothing are allowed. */
  readonly isOptional?: boolean;
}

const GET: Fields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'app.test'],
  [':path', '/p'],
];
const POST = pseudo({ ':method': 'POST' });
const SEEN: Wanted = { method: 'GET', target: '/p', host: 'app.test', body: '' };
const EVIL = 'GET /evil HTTP/1.1\r\nHost: app.test\r\n\r\n';

/** The head of a GET with these values in place of its own; null leaves a pseudo-field out. */
function pseudo(values: Readonly<Record<string, string | null>>): Fields {
  return GET.flatMap(([name, value]) => {
    const other = values[name];
    return other === null ? [] : [[name, other ?? value] as const];
  });
}

function refused(clause: string, cases: Readonly<Record<string, Fields | H2Request>>): H2Probe[] {
  return Object.entries(cases).map(([name, given]) => ({ clause, name, request: requestOf(given), wanted: null }));
}

function served(clause: string, cases: Readonly<Record<string, readonly [Fields | H2Request, Wanted]>>): H2Probe[] {
  return Object.entries(cases).map(([name, [given, wanted]]) => ({ clause, name, request: requestOf(given), wanted }));
}

function requestOf(given: Fields | H2Request): H2Request {
  return 'fields' in given ? given : { fields: given };
}

const OCTETS = ['\0', '\r', '\n', '\r\n', '\x0b', '\x1f', '\x7f'];
const shown = (octets: string): string => JSON.stringify(octets);

export const H2_PROBES: readonly H2Probe[] = [
  ...refused('RFC 9113 8.2.1', {
    ...Object.fromEntries(
      OCTETS.flatMap((octet): [string, Fields][] => [
        [`${shown(octet)} in a value`, [...GET, ['x-a', `a${octet}b`]]],
        [`${shown(octet)} in a name`, [...GET, [`x${octet}a`, 'b']]],
        [`${shown(octet)} in :path`, pseudo({ ':path': `/a${octet}b` })],
        [`${shown(octet)} in :authority`, pseudo({ ':authority': `app.test${octet}` })],
        [`${shown(octet)} in :method`, pseudo({ ':method': `GET${octet}` })],
      ]),
    ),
    'a field in a value': [...GET, ['x-a', 'b\r\nTransfer-Encoding: chunked']],
    'a request in a value': [...GET, ['x-a', `b\r\n\r\n${EVIL}`]],
    'a request in a name': [...GET, [`x: b\r\n\r\n${EVIL}x`, 'y']],
    'a request in :path': pseudo({ ':path': `/ HTTP/1.1\r\nHost: app.test\r\n\r\n${EVIL}` }),
    'a request in :method': pseudo({ ':method': `GET / HTTP/1.1\r\nHost: app.test\r\n\r\n${EVIL}GET` }),
    'a request in :authority': pseudo({ ':authority': `app.test\r\n\r\n${EVIL}` }),
    'a request in :scheme': pseudo({ ':scheme': `http\r\n\r\n${EVIL}` }),
    'a capital in a name': [...GET, ['X-A', 'b']],
    'a capital in a length': { fields: [...POST, ['Content-Length', '3']], data: ['abc'] },
    'a colon in a name': [...GET, ['x:a', 'b']],
    'a space in a name': [...GET, ['x a', 'b']],
    'a space behind a name': { fields: [...POST, ['transfer-encoding ', 'chunked']], data: ['0\r\n\r\n'] },
    'an empty name': [...GET, ['', 'b']],
    'obs-text in a name': [...GET, ['x\xe4', 'b']],
  }),
  ...refused('RFC 9113 8.2.2', {
    'transfer-encoding': { fields: [...POST, ['transfer-encoding', 'chunked']], data: ['0\r\n\r\n'] },
    connection: [...GET, ['connection', 'close']],
    'keep-alive': [...GET, ['keep-alive', 'timeout=5']],
    'proxy-connection': [...GET, ['proxy-connection', 'close']],
    upgrade: [...GET, ['upgrade', 'websocket']],
    'te other than trailers': [...GET, ['te', 'gzip']],
  }),
  ...refused('RFC 9113 8.3', {
    'no :method': pseudo({ ':method': null }),
    'no :path': pseudo({ ':path': null }),
    'no :scheme': pseudo({ ':scheme': null }),
    'neither :authority nor host': pseudo({ ':authority': null }),
    'an empty :path': pseudo({ ':path': '' }),
    'an empty :method': pseudo({ ':method': '' }),
    'two of :method': [...GET, [':method', 'POST']],
    'two of :path': [[':path', '/evil'], ...GET],
    'two of :authority': [[':authority', 'app.test'], ...GET],
    'an unknown one': [[':evil', 'x'], ...GET],
    'one of answers': [[':status', '200'], ...GET],
    'one behind a field': [['x-a', 'b'], ...GET],
    'one among trailers': { fields: POST, data: ['abc'], trailers: [[':path', '/evil']] },
    ':protocol without CONNECT': [...GET, [':protocol', 'websocket']],
    CONNECT: [
      [':method', 'CONNECT'],
      [':authority', 'app.test:443'],
    ],
    'asterisk of GET': pseudo({ ':path': '*' }),
    'an absolute :path': pseudo({ ':path': 'http://evil.test/' }),
    'no slash in :path': pseudo({ ':path': 'a' }),
    'a space in :path': pseudo({ ':path': '/a b' }),
    'a version in :path': pseudo({ ':path': '/ HTTP/1.1' }),
    'a fragment in :path': pseudo({ ':path': '/a#b' }),
    'obs-text in :path': pseudo({ ':path': '/\xe4' }),
    'a space in :method': pseudo({ ':method': 'GET /' }),
    'userinfo in :authority': pseudo({ ':authority': 'u@app.test' }),
    'a path in :authority': pseudo({ ':authority': 'app.test/evil' }),
    'a list in :authority': pseudo({ ':authority': 'app.test,evil.test' }),
    'a space in :authority': pseudo({ ':authority': 'app.test evil' }),
    'an empty :authority': pseudo({ ':authority': '' }),
    'another host than :authority': [...GET, ['host', 'evil.test']],
    'two hosts': [...pseudo({ ':authority': null }), ['host', 'app.test'], ['host', 'evil.test']],
    TRACE: pseudo({ ':method': 'TRACE' }),
  }),
  ...refused('RFC 9113 8.1.1', {
    'a length and less data': { fields: [...POST, ['content-length', '5']], data: ['abc'] },
    'a length and more data': { fields: [...POST, ['content-length', '2']], data: ['abc'] },
    'a length and no data': [...POST, ['content-length', '5']],
    'a length of zero and data': { fields: [...POST, ['content-length', '0']], data: [EVIL] },
    'two lengths': { fields: [...POST, ['content-length', '3'], ['content-length', '4']], data: ['abc'] },
    'a list of lengths': { fields: [...POST, ['content-length', '3, 3']], data: ['abc'] },
    'a signed length': { fields: [...POST, ['content-length', '+3']], data: ['abc'] },
    'an empty length': { fields: [...POST, ['content-length', '']], data: ['abc'] },
    'a length in a trailer': { fields: POST, data: ['abc'], trailers: [['content-length', '3']] },
    'a coding in a trailer': { fields: POST, data: ['abc'], trailers: [['transfer-encoding', 'chunked']] },
    'a line end in a trailer': { fields: POST, data: ['abc'], trailers: [['x-t', `a\r\n\r\n${EVIL}`]] },
    'a line end in the name of a trailer': { fields: POST, data: ['abc'], trailers: [['x\r\n\r\nt', 'a']] },
    'a capital in a trailer': { fields: POST, data: ['abc'], trailers: [['X-T', 'a']] },
  }),
  ...served('RFC 9113 8.3.1', {
    'a request': [GET, SEEN],
    'host in place of :authority': [[...pseudo({ ':authority': null }), ['host', 'app.test']], SEEN],
    'host beside the same :authority': [[...GET, ['host', 'app.test']], SEEN],
    'te: trailers': [[...GET, ['te', 'trailers']], { ...SEEN, without: ['te'] }],
    'cookies in pieces': [[...GET, ['cookie', 'a=b'], ['cookie', 'c=d']], { ...SEEN, with: ['cookie: a=b; c=d'] }],
    'data without a length': [
      { fields: POST, data: ['abc', 'de'] },
      { ...SEEN, method: 'POST', body: 'abcde' },
    ],
    'data with a length': [
      { fields: [...POST, ['content-length', '3']], data: ['abc'] },
      { ...SEEN, method: 'POST', body: 'abc', with: ['content-length: 3'] },
    ],
    'chunks in the data': [
      { fields: POST, data: ['0\r\n\r\n', EVIL] },
      { ...SEEN, method: 'POST', body: `0\r\n\r\n${EVIL}` },
    ],
    trailers: [
      { fields: POST, data: ['abc'], trailers: [['x-t', 'v']] },
      { ...SEEN, method: 'POST', body: 'abc', trailers: ['x-t', 'v'] },
    ],
    'a query': [pseudo({ ':path': '/a?b=c' }), { ...SEEN, target: '/a?b=c' }],
    'OPTIONS *': [pseudo({ ':method': 'OPTIONS', ':path': '*' }), { ...SEEN, method: 'OPTIONS', target: '*' }],
    'X-Forwarded-For of a stranger': [
      [...GET, ['x-forwarded-for', '1.2.3.4']],
      { ...SEEN, with: ['x-forwarded-for: 127.0.0.1'] },
    ],
    'a value of obs-text': [[...GET, ['x-a', '\xe4']], { ...SEEN, with: ['x-a: \xe4'] }],
    'an empty value': [[...GET, ['x-a', '']], { ...SEEN, with: ['x-a: '] }],
  }),
  ...[
    ...refused('RFC 9113 8.2.1', {
      'a space before a value': [...GET, ['x-a', ' b']],
      'a tab behind a value': [...GET, ['x-a', 'b\t']],
    }),
  ].map((probe): H2Probe => ({ ...probe, wanted: SEEN, isOptional: true })),
];
