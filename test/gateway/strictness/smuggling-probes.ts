/**
 * Probes of the ways that have hidden a request from one of two parsers: disguised Transfer-Encoding and Content-Length
 * (RFC 9112 6), fields that only a liberal reader takes for them, and line ends that only one reader sees. Each carries a
 * request in the place where the other reading would find one.
 */
import { either, HOST, type Probe, refused, served } from './probe.ts';

const EVIL = `GET /evil HTTP/1.1\r\n${HOST}\r\n`;
/** One reading ends behind `0 CRLF CRLF`, the other takes the request along. */
const TAIL = `0\r\n\r\n${EVIL}`;

const CODINGS = {
  'vertical tab before the coding': 'Transfer-Encoding: \x0bchunked',
  'form feed before the coding': 'Transfer-Encoding: \x0cchunked',
  'NUL before the coding': 'Transfer-Encoding: \0chunked',
  'NUL behind the coding': 'Transfer-Encoding: chunked\0',
  'DEL behind the coding': 'Transfer-Encoding: chunked\x7f',
  'no-break space before the coding': 'Transfer-Encoding: \xa0chunked',
  'next line before the coding': 'Transfer-Encoding: \x85chunked',
  'space before the colon': 'Transfer-Encoding : chunked',
  'tab before the colon': 'Transfer-Encoding\t: chunked',
  'NUL in the name': 'Transfer\0-Encoding: chunked',
  'vertical tab behind the name': 'Transfer-Encoding\x0b: chunked',
  'space before the name': ' Transfer-Encoding: chunked',
  'tab before the name': '\tTransfer-Encoding: chunked',
  'a bare LF before the name': 'X: y\nTransfer-Encoding: chunked',
  'a bare CR before the name': 'X: y\rTransfer-Encoding: chunked',
  'a folded coding': 'Transfer-Encoding:\r\n chunked',
  'a coding folded behind a comma': 'Transfer-Encoding: gzip,\r\n chunked',
  'a long-s for an s': 'Tran\xc5\xbffer-Encoding: chunked',
  quotes: 'Transfer-Encoding: "chunked"',
  apostrophes: "Transfer-Encoding: 'chunked'",
  'a parameter': 'Transfer-Encoding: chunked;q=0.5',
  'an empty parameter': 'Transfer-Encoding: chunked;',
  'a comma first': 'Transfer-Encoding: ,chunked',
  'a comma last': 'Transfer-Encoding: chunked,',
  'two codings of chunked': 'Transfer-Encoding: chunked, chunked',
  'identity behind chunked': 'Transfer-Encoding: chunked, identity',
  'identity before chunked': 'Transfer-Encoding: identity, chunked',
  'a word behind chunked': 'Transfer-Encoding: chunked x',
  'a word before chunked': 'Transfer-Encoding: x chunked',
  'a colon before chunked': 'Transfer-Encoding: : chunked',
  'an equals sign': 'Transfer-Encoding: =chunked',
  'a letter more': 'Transfer-Encoding: chunkedd',
  'a letter less': 'Transfer-Encoding: chunke',
  'two lines, chunked last': 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'two lines, chunked first': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'two lines of chunked': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'an unknown coding': 'Transfer-Encoding: cow',
  identity: 'Transfer-Encoding: identity',
  nothing: 'Transfer-Encoding:',
  'a plus': 'Transfer-Encoding: +chunked',
  'an escape': 'Transfer-Encoding: chunk%65d',
};

const LENGTHS = {
  'a plus sign': 'Content-Length: +5',
  'a minus sign': 'Content-Length: -5',
  'a prefix of C': 'Content-Length: 0x5',
  'a letter behind': 'Content-Length: 5a',
  'a space within': 'Content-Length: 5 0',
  'a tab within': 'Content-Length: 5\t0',
  'a comma': 'Content-Length: 5,',
  'the same twice in a list': 'Content-Length: 5, 5',
  'two in a list': 'Content-Length: 5, 50',
  'the same twice': 'Content-Length: 5\r\nContent-Length: 5',
  'two different ones': 'Content-Length: 5\r\nContent-Length: 50',
  'the larger one first': 'Content-Length: 50\r\nContent-Length: 5',
  'one in small letters': 'Content-Length: 5\r\ncontent-length: 50',
  'a zero and another one': 'Content-Length: 0\r\nContent-Length: 5',
  quotes: 'Content-Length: "5"',
  nothing: 'Content-Length:',
  'a point': 'Content-Length: 5.',
  'an exponent': 'Content-Length: 5e0',
  'an underscore': 'Content-Length: 5_0',
  'NUL behind': 'Content-Length: 5\0',
  'vertical tab before': 'Content-Length: \x0b5',
  'no-break space before': 'Content-Length: \xa05',
  'space before the colon': 'Content-Length : 5',
  'tab before the colon': 'Content-Length\t: 5',
  'space before the name': ' Content-Length: 5',
  'a bare LF before the name': 'X: y\nContent-Length: 5',
  'a bare CR before the name': 'X: y\rContent-Length: 5',
  folded: 'Content-Length:\r\n 5',
  'folded within': 'Content-Length: 5\r\n 0',
  'beyond 32 bits by five': 'Content-Length: 99999999999999999999995',
  'beyond 64 bits by five': 'Content-Length: 18446744073709551621',
  'a fullwidth digit': 'Content-Length: \xef\xbc\x95',
};

const SPLITS = {
  'LF for the empty line': `GET / HTTP/1.1\r\n${HOST}X: y\r\n\nGET /evil HTTP/1.1\r\n${HOST}\r\n`,
  'LF LF within a value': `GET / HTTP/1.1\r\n${HOST}X: y\n\nGET /evil HTTP/1.1\r\n${HOST}\r\n`,
  'CR CR within a value': `GET / HTTP/1.1\r\n${HOST}X: y\r\rGET /evil HTTP/1.1\r\n${HOST}\r\n`,
  'NUL before a line end': `GET / HTTP/1.1\r\n${HOST}X: y\0\r\n\r\n`,
  'a bare CR before the empty line': `GET / HTTP/1.1\r\n${HOST}X: y\r\n\r\r\n`,
  'CR LF in a method': `GE\r\nT / HTTP/1.1\r\n${HOST}\r\n`,
  'CR LF in a target': `GET /a\r\nX: y HTTP/1.1\r\n${HOST}\r\n`,
  'a version within a target': `GET /a HTTP/1.1 HTTP/1.1\r\n${HOST}\r\n`,
  'a second request-line for a field': `GET / HTTP/1.1\r\nGET /evil HTTP/1.1\r\n${HOST}\r\n`,
  'a Host in the request-line': `GET / HTTP/1.1 Host: app.test\r\n\r\n`,
};

const HOSTS = {
  'two Hosts': `${HOST}Host: evil.test\r\n`,
  'the same Host twice': `${HOST}${HOST}`,
  'a second Host behind a space': `${HOST} Host: evil.test\r\n`,
  'a second Host with a space before its colon': `${HOST}Host : evil.test\r\n`,
  'a Host folded to two': 'Host: app.test\r\n evil.test\r\n',
  'a list': 'Host: app.test,evil.test\r\n',
  'an at sign': 'Host: app.test@evil.test\r\n',
  'a path': 'Host: app.test/evil\r\n',
  'a question mark': 'Host: app.test?evil\r\n',
  'a fragment': 'Host: app.test#evil\r\n',
  'a space': 'Host: app.test evil\r\n',
  'a backslash': 'Host: app.test\\evil\r\n',
  'a colon and letters': 'Host: app.test:evil\r\n',
  'a colon and another colon': 'Host: app.test:80:80\r\n',
  'an escape': 'Host: app%2etest\r\n',
  'a NUL': 'Host: app.test\0evil\r\n',
  'a bracket': 'Host: [app.test]\r\n',
  nothing: 'Host:\r\n',
};

function under(lines: Readonly<Record<string, string>>, around: (line: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(lines).map(([name, line]) => [name, around(line)]));
}

function named(prefix: string, probes: readonly Probe[]): Probe[] {
  return probes.map((probe) => ({ ...probe, name: `${prefix}: ${probe.name}` }));
}

/** Both orders of a disguised coding and a plain length. */
const BESIDE_LENGTH = [
  ...named(
    'a coding before a length',
    refused(
      'RFC 9112 6.1',
      under(CODINGS, (line) => `POST / HTTP/1.1\r\n${HOST}${line}\r\nContent-Length: 4\r\n\r\n${TAIL}`),
      [400, 501],
    ),
  ),
  ...named(
    'a coding behind a length',
    refused(
      'RFC 9112 6.1',
      under(CODINGS, (line) => `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\n${line}\r\n\r\n${TAIL}`),
      [400, 501],
    ),
  ),
];

export const SMUGGLING_PROBES: readonly Probe[] = [
  ...named(
    'a coding alone',
    refused(
      'RFC 9112 6.1',
      under(CODINGS, (line) => `POST / HTTP/1.1\r\n${HOST}${line}\r\n\r\n${TAIL}`),
      [400, 501],
    ),
  ),
  ...BESIDE_LENGTH,
  ...named(
    'a length',
    refused(
      'RFC 9112 6.3',
      under(LENGTHS, (line) => `POST / HTTP/1.1\r\n${HOST}${line}\r\n\r\nabcde${EVIL}`),
    ),
  ),
  ...named(
    'a length beside chunks',
    refused(
      'RFC 9112 6.3',
      under(LENGTHS, (line) => `POST / HTTP/1.1\r\n${HOST}${line}\r\nTransfer-Encoding: chunked\r\n\r\n${TAIL}`),
    ),
  ),
  ...named('line ends', refused('RFC 9112 2.2', SPLITS, [400, 505])),
  ...named(
    'Host',
    refused(
      'RFC 9112 3.2',
      under(HOSTS, (lines) => `GET / HTTP/1.1\r\n${lines}\r\n`),
    ),
  ),
  ...served('RFC 9112 6.3', {
    'a name that only begins like Transfer-Encoding': [
      `POST /n HTTP/1.1\r\n${HOST}Transfer-Encoding-X: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
      { method: 'POST', target: '/n', body: '0\r\n\r\n', with: ['transfer-encoding-x: chunked'] },
    ],
    'a name that only ends like Content-Length': [
      `POST /n HTTP/1.1\r\n${HOST}X-Content-Length: 50\r\nContent-Length: 3\r\n\r\nabc`,
      { method: 'POST', target: '/n', body: 'abc', with: ['x-content-length: 50'] },
    ],
    'lengths in other fields': [
      `GET /n HTTP/1.1\r\n${HOST}Content_Lengths: 5\r\nContent-Lengt: 5\r\n\r\n`,
      { method: 'GET', target: '/n', body: '' },
    ],
  }),
  ...either('CGI', {
    'a Content_Length beside none': [
      `POST /n HTTP/1.1\r\n${HOST}Content_Length: 5\r\n\r\n`,
      { method: 'POST', target: '/n', body: '', without: ['content_length'] },
    ],
    'a Transfer_Encoding beside a length': [
      `POST /n HTTP/1.1\r\n${HOST}Transfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc`,
      { method: 'POST', target: '/n', body: 'abc', without: ['transfer_encoding'] },
    ],
  }).map((probe): Probe => ({ ...probe, level: 'ours' })),
];
