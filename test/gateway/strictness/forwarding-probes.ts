/**
 * Probes of what has to change and what has to stay on the way through: Connection and the fields it names (RFC 9110 7.6.1),
 * TE, Trailer, Upgrade, Expect, Max-Forwards, the client's version, the form of the target, spellings of the same host.
 */
import {
  answered,
  either,
  HOST,
  type Outcome,
  ours,
  type Probe,
  refused,
  served,
  servedLast,
  type Wanted,
} from './probe.ts';

function get(...lines: readonly string[]): string {
  return `GET /f HTTP/1.1\r\n${HOST}${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

function post(...lines: readonly string[]): string {
  return `POST /f HTTP/1.1\r\n${HOST}${lines.map((line) => `${line}\r\n`).join('')}Content-Length: 3\r\n\r\nabc`;
}

function at(target: string, method = 'GET'): string {
  return `${method} ${target} HTTP/1.1\r\n${HOST}\r\n`;
}

function without(...names: readonly string[]): Wanted {
  return { method: 'GET', target: '/f', host: 'app.test', body: '', without: names };
}

function with_(...lines: readonly string[]): Wanted {
  return { method: 'GET', target: '/f', host: 'app.test', body: '', with: lines };
}

function as(target: string, host = 'app.test', method = 'GET'): Wanted {
  return { method, target, host, body: '' };
}

const POSTED: Wanted = { method: 'POST', target: '/f', body: 'abc' };

const HOPS: readonly Probe[] = [
  ...served('RFC 9110 7.6.1', {
    'Connection ends here': [get('Connection: keep-alive'), without('connection')],
    'a field it names': [
      get('Connection: x-hop', 'X-Hop: 1', 'X-Stay: 2'),
      { ...with_('x-stay: 2'), without: ['x-hop'] },
    ],
    'a field named in other letters': [get('connection: X-HOP', 'x-hop: 1'), without('x-hop')],
    'several fields it names': [get('Connection: a, b ,c', 'A: 1', 'B: 1', 'C: 1'), without('a', 'b', 'c')],
    'fields named on two lines': [get('Connection: a', 'Connection: b', 'A: 1', 'B: 1'), without('a', 'b')],
    'both lines of a field it names': [get('Connection: a', 'A: 1', 'A: 2'), without('a')],
    'a field that stands before it': [get('A: 1', 'Connection: a'), without('a')],
    'empty elements': [get('Connection: , a,,', 'A: 1'), without('a')],
    'a field that is not there': [get('Connection: a'), without('a')],
    'a cookie it names': [get('Connection: cookie', 'Cookie: a=b'), without('cookie')],
    'X-Forwarded-For that it names is the gateway’s own': [
      get('Connection: x-forwarded-for', 'X-Forwarded-For: 1.2.3.4'),
      with_('x-forwarded-for: 127.0.0.1'),
    ],
    'X-Request-Id that it names': [get('Connection: x-request-id'), without('connection')],
    'Keep-Alive': [get('Keep-Alive: timeout=5', 'Connection: keep-alive'), without('keep-alive')],
    'Keep-Alive that is not named': [get('Keep-Alive: timeout=5'), without('keep-alive')],
    'Proxy-Connection': [get('Proxy-Connection: keep-alive'), without('proxy-connection')],
    'Proxy-Authorization': [get('Proxy-Authorization: Basic x'), without('proxy-authorization')],
    'Proxy, which CGI takes for a setting': [get('Proxy: evil.test'), without('proxy')],
    TE: [get('TE: trailers, deflate', 'Connection: TE'), without('te')],
    'TE that is not named': [get('TE: gzip'), without('te')],
  }),
  ...refused('RFC 9110 7.6.1', {
    'a list of words': get('Connection: close keep-alive'),
    'a name that is no token': get('Connection: a(b)'),
  }),
  ...ours(
    refused('RFC 9110 7.6.1', {
      'Host is not one to remove': get('Connection: host'),
      'Content-Length is not one to remove': post('Connection: content-length'),
      'Transfer-Encoding is not one to remove': get('Connection: transfer-encoding'),
    }),
  ),
  ...served('RFC 9110 6.6.2', {
    'Trailer goes on with chunks': [
      `POST /f HTTP/1.1\r\n${HOST}Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: v\r\n\r\n`,
      { ...POSTED, with: ['trailer: X-T'], trailers: ['X-T', 'v'] },
    ],
    'Trailer without chunks promises nothing': [post('Trailer: X-T'), { ...POSTED, without: ['trailer'] }],
  }),
  ...served('RFC 9110 7.8', {
    'h2c is not offered': [
      get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'),
      without('upgrade', 'http2-settings', 'connection'),
    ],
    'Upgrade that is not named': [get('Upgrade: websocket'), without('upgrade')],
    'an unknown protocol': [get('Connection: upgrade', 'Upgrade: foo/2'), without('upgrade')],
    'TLS within HTTP': [get('Connection: upgrade', 'Upgrade: TLS/1.0'), without('upgrade')],
  }).map(mayClose),
  ...served('RFC 9110 10.1.1', {
    '100-continue': [post('Expect: 100-continue'), POSTED],
    '100-continue without a body': [get('Expect: 100-continue'), without('expect')],
  }).map(mayClose),
  ...servedLast('RFC 9110 10.1.1', {
    'an expectation in HTTP/1.0': [
      `POST /f HTTP/1.0\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`,
      { ...POSTED, without: ['expect'] },
    ],
  }),
  ...ours(refused('RFC 9110 10.1.1', { 'another expectation': post('Expect: 200-ok') }, [417])),
  ...ours(
    refused(
      'RFC 9110 9.3.8',
      { TRACE: at('/', 'TRACE'), 'TRACE with a body': post('X: y').replace('POST', 'TRACE') },
      [400, 405, 501],
    ),
  ),
  ...ours(
    refused(
      'RFC 9110 9.3.2',
      { 'HEAD at fault is answered without a body': get('Expect: 200-ok').replace('GET', 'HEAD') },
      [417],
    ),
  ),
  ...refused('RFC 9110 9.3.2', {
    'HEAD of two hosts is answered without a body': get('Host: x').replace('GET', 'HEAD'),
  }),
  ...answered('RFC 9110 7.6.2', [200], {
    'OPTIONS that may go no further': `OPTIONS /f HTTP/1.1\r\n${HOST}Max-Forwards: 0\r\n\r\n`,
    'OPTIONS * that may go no further': `OPTIONS * HTTP/1.1\r\n${HOST}Max-Forwards: 0\r\n\r\n`,
  }),
  ...served('RFC 9110 7.6.2', {
    'Max-Forwards of OPTIONS is one less': [
      `OPTIONS /f HTTP/1.1\r\n${HOST}Max-Forwards: 7\r\n\r\n`,
      { ...as('/f', 'app.test', 'OPTIONS'), with: ['max-forwards: 6'] },
    ],
    'Max-Forwards of GET stays': [get('Max-Forwards: 0'), with_('max-forwards: 0')],
  }),
  ...served('RFC 9110 5.1', {
    'fields nobody knows': [get('X-Nobody: knows', 'Foo: bar'), with_('x-nobody: knows', 'foo: bar')],
    'an empty value': [get('X-Empty:'), with_('x-empty: ')],
    'obs-text': [get('X-Old: \xe4\xff'), with_('x-old: \xe4\xff')],
    'a tab within a value': [get('X-Tab: a\tb'), with_('x-tab: a\tb')],
    'white space around a value': [get('X-Space:  \t a b \t '), with_('x-space: a b')],
    'two lines of one field stay in order': [get('X-Two: 1', 'X-Two: 2'), with_('x-two: 1', 'x-two: 2')],
    'Authorization is for the replica': [get('Authorization: Basic x'), with_('authorization: Basic x')],
    'Date of a client': [get('Date: Tue, 15 Nov 1994 08:12:31 GMT'), with_('date: Tue, 15 Nov 1994 08:12:31 GMT')],
  }),
  ...served('the contract', {
    'X-Forwarded-For of a stranger is not believed': [
      get('X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.test', 'X-Real-IP: 1.2.3.4'),
      {
        ...with_('x-forwarded-for: 127.0.0.1', 'x-forwarded-proto: http', 'x-forwarded-host: app.test'),
        without: ['x-real-ip'],
      },
    ],
    'nor with underscores': [
      get('X_Forwarded_For: 1.2.3.4', 'X_Real_IP: 1.2.3.4'),
      without('x_forwarded_for', 'x_real_ip'),
    ],
    'nor Forwarded': [get('Forwarded: for=1.2.3.4'), without('forwarded')],
  }).map((probe): Probe => ({ ...probe, level: 'ours' })),
];

/** Whoever declines an upgrade, or was never asked for 100, may end the connection. */
function mayClose(probe: Probe): Probe {
  const closing = probe.outcomes.map(
    (outcome): Outcome => (outcome.is === 'served' ? { ...outcome, closes: true } : outcome),
  );
  return { ...probe, outcomes: [...probe.outcomes, ...closing] };
}

const VERSIONS: readonly Probe[] = [
  ...servedLast('RFC 9112 9.3', {
    'HTTP/1.0 ends': [`GET /f HTTP/1.0\r\n${HOST}\r\n`, as('/f')],
    'HTTP/1.0 with close': [`GET /f HTTP/1.0\r\n${HOST}Connection: close\r\n\r\n`, as('/f')],
    'HTTP/1.0 with both': [`GET /f HTTP/1.0\r\n${HOST}Connection: keep-alive, close\r\n\r\n`, as('/f')],
    'HTTP/1.1 with both': [get('Connection: keep-alive, close'), as('/f')],
    'HTTP/1.1 with close in capitals': [get('Connection: CLOSE'), as('/f')],
  }),
  ...served('RFC 9112 C.2.2', {
    'HTTP/1.0 with keep-alive': [`GET /f HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`, as('/f')],
  }),
  ...refused(
    'RFC 9110 15.6.6',
    {
      'HTTP/0.9': 'GET /f\r\n',
      'HTTP/0.9 with a version': `GET /f HTTP/0.9\r\n${HOST}\r\n`,
      'HTTP/2.0': `GET /f HTTP/2.0\r\n${HOST}\r\n`,
      'HTTP/1': `GET /f HTTP/1\r\n${HOST}\r\n`,
      'HTTP/1.': `GET /f HTTP/1.\r\n${HOST}\r\n`,
      'HTTP/.1': `GET /f HTTP/.1\r\n${HOST}\r\n`,
      'HTTP 1.1': `GET /f HTTP 1.1\r\n${HOST}\r\n`,
      'HTTPS/1.1': `GET /f HTTPS/1.1\r\n${HOST}\r\n`,
      'HTTP/+1.1': `GET /f HTTP/+1.1\r\n${HOST}\r\n`,
      'HTTP/1.1.1': `GET /f HTTP/1.1.1\r\n${HOST}\r\n`,
    },
    [400, 505],
  ),
];

const TARGETS: readonly Probe[] = [
  ...served('RFC 9112 3.2', {
    'absolute-form becomes origin-form': [at('http://app.test/f?q'), as('/f?q')],
    'absolute-form without a path': [at('http://app.test'), as('/')],
    'absolute-form without a path but with a query': [at('http://app.test?q'), as('/?q')],
    'absolute-form in other letters': [at('HTTP://app.test/f'), as('/f')],
    'OPTIONS * stays': [at('*', 'OPTIONS'), as('*', 'app.test', 'OPTIONS')],
    'OPTIONS of an absolute target without a path': [at('http://app.test', 'OPTIONS'), as('*', 'app.test', 'OPTIONS')],
    'OPTIONS of a path': [at('/f', 'OPTIONS'), as('/f', 'app.test', 'OPTIONS')],
  }),
  ...served('RFC 9110 7.7', {
    'dots in escapes': [at('/a/%2e%2e/b'), as('/a/%2e%2e/b')],
    dots: [at('/a/../b/./c'), as('/a/../b/./c')],
    'doubled slashes': [at('//a//b'), as('//a//b')],
    'an escaped slash': [at('/a%2fb'), as('/a%2fb')],
    'an escaped NUL': [at('/a%00b'), as('/a%00b')],
    'an escaped line end': [at('/a%0d%0ab'), as('/a%0d%0ab')],
    'an escaped percent sign': [at('/a%25%32%65'), as('/a%25%32%65')],
    'an empty query': [at('/a?'), as('/a?')],
    'a query like a path': [at('/a?/../../b'), as('/a?/../../b')],
    'two question marks': [at('/a??b'), as('/a??b')],
    parameters: [at('/a;b=c/d'), as('/a;b=c/d')],
    'a colon in the first segment': [at('/a:b'), as('/a:b')],
    'a URL in the path': [at('/http://evil.test/'), as('/http://evil.test/')],
  }),
  ...refused(
    'RFC 9112 3.2',
    {
      'a fragment': at('/a#b'),
      'a space': at('/a b'),
      'a line end': at('/a\r\nb'),
      'a tab': at('/a\tb'),
      'asterisk-form of GET': at('*'),
      'authority-form of GET': at('app.test:80'),
      'no slash': at('a/b'),
      'a scheme that is not served': at('ftp://app.test/'),
      userinfo: at('http://u:p@app.test/'),
      'another host in the target': at('http://evil.test/'),
      'CONNECT of a path': at('/a', 'CONNECT'),
      CONNECT: 'CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\n\r\n',
      'CONNECT without a port': 'CONNECT app.test HTTP/1.1\r\nHost: app.test\r\n\r\n',
    },
    [400, 405, 501],
  ),
];

function hosted(value: string): string {
  return `GET /f HTTP/1.1\r\nHost: ${value}\r\n\r\n`;
}

const LABEL = 'a'.repeat(63);
const LONGEST = `${LABEL}.${LABEL}.${LABEL}.${'a'.repeat(61)}`;

const HOSTS: readonly Probe[] = [
  ...served('RFC 9110 4.2.3', {
    capitals: [hosted('APP.Test'), as('/f', 'APP.Test')],
    'a port': [hosted('app.test:80'), as('/f', 'app.test:80')],
    'another port': [hosted('app.test:8080'), as('/f', 'app.test:8080')],
    'a port with leading zeros': [hosted('app.test:0080'), as('/f', 'app.test:0080')],
    'a trailing dot': [hosted('app.test.'), as('/f', 'app.test.')],
    'a trailing dot and a port': [hosted('app.test.:8080'), as('/f', 'app.test.:8080')],
    'the longest name there is': [hosted(LONGEST), as('/f', LONGEST)],
    'an IPv4 address': [hosted('192.0.2.1'), as('/f', '192.0.2.1')],
    'an IPv6 address': [hosted('[2001:db8::1]:8080'), as('/f', '[2001:db8::1]:8080')],
    'an IPv6 address in capitals': [hosted('[2001:DB8::1]'), as('/f', '[2001:DB8::1]')],
    'an underscore': [hosted('my_app.test'), as('/f', 'my_app.test')],
  }),
  ...refused('RFC 9110 7.2', {
    'one octet too long': hosted(`${LONGEST}a`),
    'far too long': hosted('a.'.repeat(2000)),
    'an IPv6 address without brackets': hosted('2001:db8::1'),
    'a port too large': hosted('app.test:65536'),
    'a signed port': hosted('app.test:-1'),
    'an empty label': hosted('app..test'),
  }),
  ...answered('the contract', [404], {
    'a host nobody serves': hosted('nobody.test'),
    'an address nobody serves': hosted('192.0.2.99'),
    'no Host in HTTP/1.0': 'GET /f HTTP/1.0\r\n\r\n',
  }).map((probe): Probe => ({ ...probe, level: 'ours' })),
  ...either('RFC 9112 3.2.2', {
    'absolute-form and Host with the usual port': [
      'GET http://app.test/f HTTP/1.1\r\nHost: app.test:80\r\n\r\n',
      { method: 'GET', target: '/f' },
    ],
    'absolute-form and Host in other letters': [
      'GET http://app.test/f HTTP/1.1\r\nHost: APP.TEST\r\n\r\n',
      { method: 'GET', target: '/f' },
    ],
  }),
];

export const FORWARDING_PROBES: readonly Probe[] = [...HOPS, ...VERSIONS, ...TARGETS, ...HOSTS];
