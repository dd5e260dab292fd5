/** What an upstream gets to see of a request: copied where it is clean, written anew where it is not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestHead } from '#gateway/http1/request-head';
import { listRequestFields, type RequestEdits, targetOf, writeRequestHead } from '#gateway/http1/write-request';
import { get, post, target } from './request-vector.ts';

const head = new RequestHead();
const PLAIN: RequestEdits = { hearsay: false, expect: true, strip: 0, remove: null, add: '' };

function rewritten(text: string, edits: Partial<RequestEdits> = {}): string {
  const bytes = Buffer.from(text, 'latin1');
  assert.equal(head.scan(bytes, 0, bytes.length), 'complete', head.fault);
  return writeRequestHead(head, { ...PLAIN, ...edits });
}

describe('a rewritten request head', () => {
  test('is the same text if there is nothing to change', () => {
    const text = get('Accept: */*', 'X-Odd!: \xe4 b\tc', 'Cookie: a=1; b=2', 'Content-Length: 5');
    assert.equal(rewritten(text), text);
  });

  test('begins after an ignored empty line', () => {
    assert.equal(rewritten(`\r\n${get('A: b')}`), get('A: b'));
  });

  const dropped = [
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic x',
    'Proxy-Whatever: x',
    'Proxy: http://evil.test',
    'TE: trailers',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABk',
    'Trailer: X-Sum',
    'X-Forwarded-For: 1.2.3.4',
    'X-Forwarded-Host: evil.test',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Port: 1',
    'X-Forwarded: for=1.2.3.4',
    'Forwarded: for=1.2.3.4',
    'X-Real-IP: 1.2.3.4',
    'X-Request-Id: mine',
    'X_Forwarded_For: 1.2.3.4',
    'X-Forwarded_Proto: https',
    'X_Request_Id: mine',
    'x_real_ip: 1.2.3.4',
    'Proxy_Authorization: x',
    'Keep_Alive: x',
  ];
  for (const line of dropped) {
    test(`goes without "${line}", wherever it stands`, () => {
      assert.equal(rewritten(get(line, 'A: b', 'C: d')), get('A: b', 'C: d'));
      assert.equal(rewritten(get('A: b', line, 'C: d')), get('A: b', 'C: d'));
      assert.equal(rewritten(get('A: b', 'C: d', line)), get('A: b', 'C: d'));
    });
  }

  for (const line of [
    'Proxy-Status: x',
    'Date: x',
    'Via: 1.1 a',
    'X-Forward: x',
    'Proxies: x',
    'Hostess: x',
    'TEE: x',
    'Xx: y',
  ]) {
    test(`keeps "${line}", which only resembles something dropped`, () => {
      assert.equal(rewritten(get(line)), get(line));
    });
  }

  test('keeps what a trusted proxy claims, except what the gateway writes itself', () => {
    const text = get(
      'X-Forwarded-For: 1.2.3.4',
      'Forwarded: for=1.2.3.4',
      'X-Real-IP: 1.2.3.4',
      'X-Forwarded-Port: 1',
      'X-Request-Id: r',
    );
    assert.equal(
      rewritten(text, { hearsay: true }),
      get('Forwarded: for=1.2.3.4', 'X-Real-IP: 1.2.3.4', 'X-Forwarded-Port: 1'),
    );
    assert.equal(head.field('x-forwarded-for'), '1.2.3.4');
    assert.equal(head.field('x-request-id'), 'r');
  });

  test('goes without every field that Connection names', () => {
    const text = get('Connection: close, X-Hop , cookie', 'X-HOP: 1', 'Cookie: a', 'x-hop: 2', 'X-Hopper: 3');
    assert.equal(rewritten(text), get('X-Hopper: 3'));
    const trailer = post('Connection: Trailer', 'Trailer: A', 'Transfer-Encoding: chunked');
    assert.equal(rewritten(trailer), post('Transfer-Encoding: chunked'));
  });

  test('keeps what the gateway adds although Connection names it', () => {
    const add = 'X-Forwarded-For: 9.9.9.9\r\n';
    assert.equal(
      rewritten(get('Connection: X-Forwarded-For', 'A: b'), { add }),
      get('A: b', 'X-Forwarded-For: 9.9.9.9'),
    );
  });

  test('has exactly one space after each colon and none at the end of a value', () => {
    assert.equal(
      rewritten(get('A:b', 'C:  d', 'E:\tf', 'G: h ', 'I: j\t', 'K:', 'L: m')),
      get('A: b', 'C: d', 'E: f', 'G: h', 'I: j', 'K: ', 'L: m'),
    );
  });

  test('says HTTP/1.1 whatever minor version came', () => {
    assert.equal(rewritten('GET /a?b HTTP/1.0\r\nHost: a\r\n\r\n'), 'GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(rewritten('GET / HTTP/1.7\r\nHost: a\r\n\r\n'), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  });

  test('has a Host even if an HTTP/1.0 client sent none', () => {
    assert.equal(rewritten('GET / HTTP/1.0\r\nA: b\r\n\r\n'), 'GET / HTTP/1.1\r\nA: b\r\nHost: \r\n\r\n');
  });

  test('takes target and Host from an absolute-form target', () => {
    assert.equal(rewritten(target('http://APP.test:80/a?b')), 'GET /a?b HTTP/1.1\r\nHost: APP.test:80\r\n\r\n');
    assert.equal(rewritten(target('http://app.test', 'OPTIONS')), 'OPTIONS * HTTP/1.1\r\nHost: app.test\r\n\r\n');
  });

  test('keeps Host as it came, with its port', () => {
    assert.equal(
      rewritten('GET / HTTP/1.1\r\nhOST:App.test.:81\r\n\r\n'),
      'GET / HTTP/1.1\r\nhOST: App.test.:81\r\n\r\n',
    );
  });

  test('states a framing that was spelled oddly in the plain way', () => {
    assert.equal(rewritten(post('Content-Length: 0010', 'A: b')), post('A: b', 'Content-Length: 10'));
    assert.equal(rewritten(post('Content-Length: 00', 'A: b')), post('A: b', 'Content-Length: 0'));
    assert.equal(rewritten(post('Content-Length:5')), post('Content-Length: 5'));
    assert.equal(rewritten(post('TRANSFER-encoding: ChunkeD', 'A: b')), post('A: b', 'Transfer-Encoding: chunked'));
    assert.equal(rewritten(post('transfer-encoding:\tchunked ')), post('transfer-encoding: chunked'));
  });

  test('keeps Trailer only with a body that can have trailers', () => {
    assert.equal(
      rewritten(post('Trailer: A', 'Transfer-Encoding: chunked')),
      post('Trailer: A', 'Transfer-Encoding: chunked'),
    );
    assert.equal(rewritten(post('Trailer: A', 'Content-Length: 5')), post('Content-Length: 5'));
  });

  test('passes an upgrade on as one plain pair of fields', () => {
    const text = get('connection: keep-alive, UPGRADE', 'upgrade: WebSocket', 'Sec-WebSocket-Key: k');
    assert.equal(rewritten(text), get('Sec-WebSocket-Key: k', 'Connection: Upgrade', 'Upgrade: websocket'));
  });

  test('passes Expect on only with a body, in HTTP/1.1, and if told to', () => {
    const text = post('Expect: 100-continue', 'Content-Length: 5');
    assert.equal(rewritten(text), text);
    assert.equal(rewritten(text, { expect: false }), post('Content-Length: 5'));
    assert.equal(rewritten(post('Expect: 100-continue')), post());
    assert.equal(
      rewritten('POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'),
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n',
    );
  });

  test('counts Max-Forwards of OPTIONS down', () => {
    const text = target('/', 'OPTIONS').replace('\r\n\r\n', '\r\nMax-Forwards: 7\r\n\r\n');
    assert.match(rewritten(text), /\r\nMax-Forwards: 6\r\n\r\n$/);
    assert.equal(rewritten(get('Max-Forwards: 7')), get('Max-Forwards: 7'));
  });

  test('loses the prefix that a route strips, never the query', () => {
    const strip = '/api'.length;
    assert.match(rewritten(target('/api/x?/api'), { strip }), /^GET \/x\?\/api HTTP\/1\.1\r\nHost: app\.test\r\n/);
    assert.match(rewritten(target('/api?q'), { strip }), /^GET \/\?q HTTP/);
    assert.match(rewritten(target('/api'), { strip }), /^GET \/ HTTP/);
    assert.match(rewritten(target('*', 'OPTIONS'), { strip }), /^OPTIONS \* HTTP/);
    assert.equal(targetOf(head, { ...PLAIN, strip }), '*');
  });

  test('loses fields that a policy removes, also where a CGI would take another name for them', () => {
    const remove = new Set(['x-user', 'cookie']);
    assert.equal(
      rewritten(get('X-User: root', 'x_user: root', 'COOKIE: a', 'A:  b', 'X-Users: c'), { remove }),
      get('A: b', 'X-Users: c'),
    );
  });

  test('ends with what is added', () => {
    assert.equal(
      rewritten(get('A: b'), { add: 'X-Forwarded-For: 1.1.1.1\r\nVia: 1.1 t\r\n' }),
      get('A: b', 'X-Forwarded-For: 1.1.1.1', 'Via: 1.1 t'),
    );
  });
});

describe('the field list of a request', () => {
  test('holds what goes on, without what the sending stack states itself', () => {
    const text = post(
      'Accept: A',
      'Connection: x',
      'X: 1',
      'Content-Length: 5',
      'Cookie:  c',
      'X-Forwarded-For: 1',
      'Accept: B',
    );
    rewritten(text);
    assert.deepEqual(listRequestFields(head, PLAIN), ['accept', 'A', 'cookie', 'c', 'accept', 'B']);
  });

  test('follows the same edits', () => {
    rewritten(
      post('Accept: A', 'X_User: root', 'Forwarded: for=1', 'Expect: 100-continue', 'Transfer-Encoding: chunked'),
    );
    const edits = { ...PLAIN, hearsay: true, expect: false, remove: new Set(['x-user']) };
    assert.deepEqual(listRequestFields(head, edits), ['accept', 'A', 'forwarded', 'for=1']);
  });
});
