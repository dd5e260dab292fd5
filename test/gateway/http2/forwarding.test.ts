/** HTTP/2 clients as they are (node:http2, which is nghttp2) through the gateway to HTTP/1.1 replicas. */
import assert from 'node:assert/strict';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { buffer } from 'node:stream/consumers';
import type { Rig } from '#test/gateway/support/rig';
import { echo } from '#test/gateway/support/upstreams';
import { until } from '#test/support/until';
import { onHttp2 } from './raw-client.ts';

/** A session that ends with the rig. */
function open(rig: Rig): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${rig.port}`);
  session.on('error', () => {});
  rig.owns({ close: () => session.destroy() });
  return session;
}

interface Answer {
  readonly fields: IncomingHttpHeaders;
  readonly status: number | undefined;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let trailers: IncomingHttpHeaders = {};
  stream.on('trailers', (fields) => {
    trailers = fields;
  });
  const fields = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
    stream.on('response', resolve);
    stream.on('error', reject);
  });
  const body = await buffer(stream);
  return { fields, status: Number(fields[':status']), trailers, body };
}

const AUTHORITY = { ':authority': 'app.test' } as const;

onHttp2('a request arrives whole and its answer comes back whole', {}, async (rig) => {
  const { port } = await rig.app(echo);
  rig.addSet({ ports: [port] });
  const session = open(rig);
  for (let round = 0; round < 3; round++) {
    const stream = session.request({
      ...AUTHORITY,
      ':method': 'POST',
      ':path': '/p?q=1',
      'x-own': 'all \xe4\xf6\xff of it',
      cookie: 'a=1; b=2',
    });
    stream.end('the body');
    const answer = await answerOf(stream);
    assert.equal(answer.status, 200);
    const seen = JSON.parse(answer.body.toString());
    assert.deepEqual([seen.method, seen.target, seen.body], ['POST', '/p?q=1', 'the body']);
    const fields: string[] = seen.fields;
    const fieldOf = (name: string): string | undefined => fields[fields.findIndex((f) => f.toLowerCase() === name) + 1];
    assert.equal(fieldOf('host'), 'app.test');
    assert.equal(fieldOf('cookie'), 'a=1; b=2');
    assert.equal(fieldOf('transfer-encoding'), 'chunked');
    assert.equal(fieldOf('x-forwarded-proto'), 'http');
    assert.equal(
      Buffer.from(fieldOf('x-own') ?? '', 'latin1')
        .toString('utf8')
        .includes('of it'),
      true,
    );
  }
});

onHttp2('fields of every octet come through in both directions', {}, async (rig) => {
  const value = String.fromCharCode(...Array.from({ length: 190 }, (_, i) => (i < 94 ? 33 + i : 66 + i)));
  const { port } = await rig.app((request, response) => {
    response.setHeader('x-back', request.headers['x-all'] ?? '');
    response.end();
  });
  rig.addSet({ ports: [port] });
  const answer = await answerOf(open(rig).request({ ...AUTHORITY, 'x-all': value }));
  assert.equal(answer.status, 200);
  assert.equal(Buffer.from(String(answer.fields['x-back']), 'latin1').length, 190);
});

onHttp2('an answer keeps its fields but those of its connection', {}, async (rig) => {
  const { port } = await rig.raw((socket) => {
    socket.end(
      'HTTP/1.1 200 Fine\r\nConnection: close, X-Hop\r\nX-Hop: a\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n' +
        'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\nX-Kept: yes\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    );
  });
  rig.addSet({ ports: [port] });
  const { fields, body } = await answerOf(open(rig).request(AUTHORITY));
  assert.equal(body.toString(), 'hi');
  assert.deepEqual(fields['set-cookie'], ['a=1', 'b=2']);
  assert.equal(fields['x-kept'], 'yes');
  for (const name of ['connection', 'x-hop', 'keep-alive', 'upgrade', 'transfer-encoding']) {
    assert.equal(fields[name], undefined, name);
  }
  assert.match(String(fields.date), /GMT$/);
});

onHttp2('HEAD, 204 and 304 have no body, and the length that was said', {}, async (rig) => {
  const { port } = await rig.app((request, response) => {
    if (request.method === 'HEAD') response.writeHead(200, { 'content-length': '1000' });
    else response.writeHead(request.url === '/none' ? 204 : 304);
    response.end();
  });
  rig.addSet({ ports: [port] });
  const session = open(rig);
  const head = await answerOf(session.request({ ...AUTHORITY, ':method': 'HEAD' }));
  assert.deepEqual([head.status, head.fields['content-length'], head.body.length], [200, '1000', 0]);
  const none = await answerOf(session.request({ ...AUTHORITY, ':path': '/none' }));
  assert.deepEqual([none.status, none.body.length], [204, 0]);
  assert.equal((await answerOf(session.request({ ...AUTHORITY, ':path': '/same' }))).status, 304);
});

onHttp2('a large body goes up and comes down unharmed, beside others', {}, async (rig) => {
  const { port } = await rig.app((request, response) => void request.pipe(response));
  rig.addSet({ ports: [port] });
  const session = open(rig);
  const bodies = [1, 70_000, 1_000_000, 5_000_000].map((bytes) => Buffer.alloc(bytes, `body of ${bytes} `));
  const answers = bodies.map((body) => {
    const stream = session.request({ ...AUTHORITY, ':method': 'POST' });
    stream.end(body);
    return answerOf(stream);
  });
  for (const [i, { body }] of (await Promise.all(answers)).entries()) assert.ok(body.equals(bodies[i] as Buffer));
  await rig.quiet();
});

onHttp2('a hundred requests at once are answered each with its own', {}, async (rig) => {
  const { port } = await rig.app((request, response) => {
    const ms = Number(request.url?.length ?? 0) % 7;
    setTimeout(() => response.end(`answer to ${request.url}`), ms);
  });
  rig.addSet({ ports: [port] });
  const session = open(rig);
  const paths = Array.from({ length: 100 }, (_, i) => `/${'x'.repeat(i)}`);
  const answers = await Promise.all(paths.map((path) => answerOf(session.request({ ...AUTHORITY, ':path': path }))));
  assert.deepEqual(
    answers.map(({ body }) => body.toString()),
    paths.map((path) => `answer to ${path}`),
  );
});

onHttp2('trailers pass in both directions', {}, async (rig) => {
  const { port } = await rig.app((request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': request.trailers['x-sum'] ?? 'none' });
      response.end();
    });
  });
  rig.addSet({ ports: [port] });
  const stream = open(rig).request({ ...AUTHORITY, ':method': 'POST', te: 'trailers' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
  stream.end('up');
  const { trailers, body } = await answerOf(stream);
  assert.equal(body.toString(), 'body');
  assert.equal(trailers['x-sum'], '42');
});

onHttp2('informational answers come before the answer', {}, async (rig) => {
  const { port } = await rig.app((_request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.end('done');
  });
  rig.addSet({ ports: [port] });
  const stream = open(rig).request(AUTHORITY);
  const hints: IncomingHttpHeaders[] = [];
  stream.on('headers', (fields) => hints.push(fields));
  const { body } = await answerOf(stream);
  assert.equal(body.toString(), 'done');
  assert.deepEqual(
    hints.map((fields) => [fields[':status'], fields.link]),
    [[103, '</style.css>; rel=preload']],
  );
});

onHttp2('a client that waits for 100 is told to go on', {}, async (rig) => {
  const { port } = await rig.app(echo);
  rig.addSet({ ports: [port] });
  const stream = open(rig).request({ ...AUTHORITY, ':method': 'POST', expect: '100-continue' });
  stream.on('continue', () => stream.end('now'));
  const { body } = await answerOf(stream);
  assert.equal(JSON.parse(body.toString()).body, 'now');
});

onHttp2('an answer before the end of the request ends the request without an error', {}, async (rig) => {
  const { port } = await rig.raw((socket) => {
    socket.end('HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  });
  rig.addSet({ ports: [port] });
  const stream = open(rig).request({ ...AUTHORITY, ':method': 'POST', 'content-length': '10000000' });
  stream.write(Buffer.alloc(10_000));
  const { status, body } = await answerOf(stream);
  assert.deepEqual([status, body.toString()], [403, 'no']);
  await until(() => stream.closed, { what: 'a closed stream' });
  assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
  await rig.quiet();
});

onHttp2('an answer that is cut never looks complete', {}, async (rig) => {
  const { port } = await rig.raw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
    setTimeout(() => socket.destroy(), 10);
  });
  rig.addSet({ ports: [port] });
  const stream = open(rig).request(AUTHORITY);
  await assert.rejects(answerOf(stream));
  assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
  assert.equal(rig.counts().cut, 1);
});

onHttp2('a client that takes its request back takes it from the replica too', {}, async (rig) => {
  let gone = 0;
  let here = 0;
  const { port } = await rig.app((_request, response) => {
    here++;
    response.on('close', () => gone++);
  });
  rig.addSet({ ports: [port] });
  const session = open(rig);
  const stream = session.request(AUTHORITY);
  stream.on('error', () => {});
  await until(() => here === 1, { what: 'the request at the replica' });
  stream.close(constants.NGHTTP2_CANCEL);
  await until(() => gone === 1, { what: 'a replica that is rid of it' });
  await rig.quiet();
  assert.equal(rig.counts().aborted, 1);
  const second = session.request(AUTHORITY);
  second.on('error', () => {});
  await until(() => here === 2, { what: 'another request at the replica' });
  session.destroy();
  await until(() => gone === 2, { what: 'a replica that is rid of both' });
});

onHttp2('a slow reader holds its replica back and nobody else', {}, async (rig) => {
  const body = Buffer.alloc(30_000_000, 'z');
  let written = false;
  const { port } = await rig.app((request, response) => {
    if (request.url !== '/large') response.end('small');
    else {
      response.write(body, () => {
        written = true;
      });
      response.end();
    }
  });
  rig.addSet({ ports: [port] });
  const session = open(rig);
  const slow = session.request({ ...AUTHORITY, ':path': '/large' });
  await new Promise((resolve) => slow.once('response', resolve));
  assert.equal((await answerOf(open(rig).request(AUTHORITY))).body.toString(), 'small');
  await rig.settled();
  assert.equal(written, false);
  assert.equal((await buffer(slow)).length, body.length);
});

onHttp2('the gateway answers by itself in HTTP/2 as well', {}, async (rig) => {
  const answer = await answerOf(open(rig).request({ ':authority': 'nobody.test' }));
  assert.equal(answer.status, 404);
  assert.equal(answer.fields['x-tidegate-error'], 'no_route');
  assert.equal(answer.fields['content-length'], String(answer.body.length));
});

onHttp2('a scheme that is not that of the connection is misdirected, but for a trusted proxy', {}, async (rig) => {
  const answer = await answerOf(open(rig).request({ ...AUTHORITY, ':scheme': 'https' }));
  assert.equal(answer.status, 421);
});

onHttp2('a trusted proxy says what scheme its client used', { trusted: ['127.0.0.1/32'] }, async (rig) => {
  const { port } = await rig.app(echo);
  rig.addSet({ ports: [port] });
  const stream = open(rig).request({ ...AUTHORITY, ':scheme': 'https', 'x-forwarded-proto': 'https' });
  const { status, body } = await answerOf(stream);
  assert.equal(status, 200);
  assert.match(body.toString(), /"X-Forwarded-Proto","https"/);
});

onHttp2('a session that drains is told so, keeps what it has in flight, and ends', {}, async (rig) => {
  const waiting: (() => void)[] = [];
  const { port } = await rig.app((_request, response) => void waiting.push(() => response.end('in time')));
  rig.addSet({ ports: [port] });
  const session = open(rig);
  const idle = open(rig);
  await new Promise((resolve) => idle.once('remoteSettings', resolve));
  let goAways = 0;
  session.on('goaway', () => goAways++);
  const answer = answerOf(session.request(AUTHORITY));
  await until(() => waiting.length === 1, { what: 'the request at the replica' });
  const closing = rig.gateway.close({ graceMs: 20_000 });
  await until(() => goAways > 0 && idle.destroyed, { what: 'a goodbye, and an idle session that is gone' });
  waiting[0]?.();
  assert.equal((await answer).body.toString(), 'in time');
  await closing;
  await until(() => session.destroyed, { what: 'the end of the session' });
});
