/**
 * Inputs for the fuzzer: requests put together from the grammar with a taste for what parsers differ on, and mutations of
 * those and of a corpus. The same seed gives the same inputs on every machine.
 */
import { mutated } from '../http1/mutate.ts';

/** Returns integers in [0, below). */
export type Random = (below: number) => number;

const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'QUERY', 'M-SEARCH'];
const TARGETS = [
  ...['/', '/a', '/a/b?c=d', '/?', '/a?b?c', '//x/../y;z', '/%2e%2e/|[]^', '/%00', '/a?{}|\\^`', '/a//b/', '/.'],
  ...['http://app.test/a', 'http://app.test', 'http://app.test?q', 'HTTP://APP.test:80/', 'https://app.test/s', '*'],
  ...["/!$&'()*+,;=:@", '/a:b', '/http://x/', '/a%20b', '/%E4%BD%A0', '/a?100%'],
];
const HOSTS = ['app.test', 'app.test', 'app.test', 'APP.Test', 'app.test:80', 'app.test.', 'other.test', 'nobody.test'];
const NAMES = [
  ...['Accept', 'Cookie', 'User-Agent', 'X-A', 'x-b', 'Range', 'Authorization', 'Content-Type', 'If-None-Match'],
  ...['Connection', 'Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'Expect', 'Max-Forwards', 'Proxy-Connection', 'Date'],
  ...['X-Forwarded-For', 'x_forwarded_for', 'X-Request-Id', 'Forwarded', 'X-Real-IP', 'HTTP2-Settings', 'X-Hop', 'Via'],
  ...["!#$%&'*+-.^_`|~", 'Content-Lengt', 'Transfer-Encodings', 'Hosts', 'Proxy'],
];
const VALUES = [
  ...[
    '',
    'x',
    'a, b',
    '0',
    '5',
    'close',
    'keep-alive',
    'x-hop',
    'X-A, x-b',
    'Upgrade',
    'close, X-Hop',
    'TE',
    'websocket',
  ],
  ...[
    '100-continue',
    'trailers',
    'h2c',
    '\xe4\xff',
    'a\tb',
    '"q\\"',
    'app.test',
    'chunked',
    '1.2.3.4',
    'text/html, */*;q=0',
  ],
];
const SPACES = [' ', ' ', ' ', ' ', '', '  ', '\t', ' \t '];
const EXTENSIONS = ['', '', '', '', ';a', ';a=b', ';a="b;c"', ' ; a = "\\"" '];
const TRAILERS = [
  'X-T: v',
  'X-U:w',
  'Cookie: a=b',
  'Connection: x',
  'X-Forwarded-For: 1.2.3.4',
  'X-Old: \xe4',
  'Date: x',
];
const DATA = [
  ...[
    'a',
    'abc',
    '\r\n',
    '0\r\n\r\n',
    'GET /evil HTTP/1.1\r\nHost: app.test\r\n\r\n',
    '\0\xff',
    '5\r\nhello\r\n',
    'HTTP/1.1 200 OK',
  ],
];
/** One input in this many is a mutation of the corpus, one a mutation of a sound request. */
const FROM_CORPUS = 14;
const MUTATED = 15;

/** One request, sound or not, as latin1 text. */
export function requestInput(random: Random, corpus: readonly string[]): string {
  const kind = random(FROM_CORPUS * MUTATED);
  if (kind % FROM_CORPUS === 0) return mutated(corpus[random(corpus.length)] ?? '', corpus, random);
  const sound = soundRequest(random);
  return kind % MUTATED === 0 ? mutated(sound, corpus, random) : sound;
}

function soundRequest(random: Random): string {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const method = pick(METHODS);
  let target = pick(TARGETS);
  if (target === '*' && method !== 'OPTIONS') target = '/';
  const host = /^https?:/i.test(target) ? 'app.test' : pick(HOSTS);
  const lines: string[] = [];
  for (let n = random(5); n > 0; n--) lines.push(`${pick(NAMES)}:${pick(SPACES)}${pick(VALUES)}${pick(SPACES)}`);
  lines.splice(random(lines.length + 1), 0, `${random(9) === 0 ? 'host' : 'Host'}:${pick(SPACES)}${host}`);
  const [framing, body] = bodyOf(method, random);
  if (framing !== '') lines.splice(random(lines.length + 1), 0, framing);
  const version = random(12) === 0 && !framing.startsWith('T') ? '1.0' : '1.1';
  return `${method} ${target} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** The line that frames a body, and the body. */
function bodyOf(method: string, random: Random): [line: string, body: string] {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const kind = random(method === 'GET' ? 12 : 3);
  if (kind === 0) {
    const body = pick(DATA).repeat(random(3));
    return [`Content-Length: ${random(9) === 0 ? '0' : ''}${body.length}`, body];
  }
  if (kind !== 1) return ['', ''];
  let body = '';
  for (let n = random(4); n > 0; n--) {
    const data = pick(DATA);
    const size = data.length.toString(16);
    body += `${random(5) === 0 ? '00' : ''}${random(2) === 0 ? size.toUpperCase() : size}${pick(EXTENSIONS)}\r\n${data}\r\n`;
  }
  let trailers = '';
  for (let n = random(8); n > 5; n--) trailers += `${pick(TRAILERS)}\r\n`;
  return [
    `Transfer-Encoding: ${random(5) === 0 ? 'Chunked' : 'chunked'}`,
    `${body}0${pick(EXTENSIONS)}\r\n${trailers}\r\n`,
  ];
}
