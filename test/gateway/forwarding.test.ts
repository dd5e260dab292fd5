/** Requests and answers on their ordinary way: what goes in comes out, whole and unchanged. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '#test/support/until';
import { open } from './support/clients.ts';
import { onEveryLane } from './support/rig.ts';
import { echo } from './support/upstreams.ts';

const MEBIBYTE = 1024 * 1024;

onEveryLane('a request reaches the replica and its answer the client', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const answer = await rig.send({ method: 'POST', path: '/a/b?c=d&e', body: 'hello' });
  assert.equal(answer.status, 200);
  const seen = JSON.parse(answer.text);
  assert.equal(seen.method, 'POST');
  assert.equal(seen.target, '/a/b?c=d&e');
  assert.equal(seen.body, 'hello');
});

onEveryLane('status, reason and repeated fields come through as the replica sent them', {}, async (rig) => {
  const replica = await rig.app((_request, response) => {
    response.writeHead(418, 'Short and Stout', ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Latin', 'caf\xe9']);
    response.end('tea');
  });
  rig.addSet({ ports: [replica.port] });
  const text = await rig.talk('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 418 Short and Stout\r\n/);
  assert.match(text, /set-cookie: a=1\r\nset-cookie: b=2\r\nx-latin: caf\xe9\r\n/i);
});

onEveryLane('a large upload and a large download arrive octet for octet', {}, async (rig) => {
  const down = randomBytes(8 * MEBIBYTE);
  const replica = await rig.app((incoming, response) => {
    const hash = createHash('sha256');
    incoming.on('data', (chunk) => hash.update(chunk));
    incoming.on('end', () => response.setHeader('x-hash', hash.digest('hex')).end(down));
  });
  rig.addSet({ ports: [replica.port] });
  const up = randomBytes(8 * MEBIBYTE);
  for (const framing of ['sized', 'chunked'] as const) {
    const headers = framing === 'sized' ? { 'content-length': String(up.length) } : { 'transfer-encoding': 'chunked' };
    const answer = await rig.send({ method: 'PUT', headers, body: up });
    assert.equal(answer.headers['x-hash'], createHash('sha256').update(up).digest('hex'), framing);
    assert.ok(answer.body.equals(down), framing);
  }
});

onEveryLane('a client that reads slowly holds the replica back, not the memory of the gateway', {}, async (rig) => {
  const total = 160 * MEBIBYTE;
  let produced = 0;
  const replica = await rig.app((_request, response) => {
    const chunk = randomBytes(MEBIBYTE);
    const produce = (): void => {
      while (produced < total) {
        produced += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', produce);
          return;
        }
      }
      response.end();
    };
    produce();
  });
  rig.addSet({ ports: [replica.port] });
  const response = await open(rig.port);
  response.pause();
  let last = -1;
  await until(
    async () => {
      if (produced === last) return true;
      last = produced;
      await sleep(200);
      return false;
    },
    { what: 'a replica that is held back' },
  );
  assert.ok(produced < 64 * MEBIBYTE, `${produced / MEBIBYTE} MiB were taken from the replica`);
  let received = 0;
  response.on('data', (chunk) => {
    received += chunk.length;
  });
  response.resume();
  await until(() => response.complete, { timeoutMs: 60_000 });
  assert.equal(received, total);
});

onEveryLane('a replica that reads slowly holds the client back, not the memory of the gateway', {}, async (rig) => {
  const total = 128 * MEBIBYTE;
  let go: () => void = () => {};
  const replica = await rig.app((incoming, response) => {
    let bytes = 0;
    go = () => {
      incoming.on('data', (chunk) => {
        bytes += chunk.length;
      });
    };
    incoming.on('end', () => response.end(String(bytes)));
  });
  rig.addSet({ ports: [replica.port] });
  const outgoing = request({ port: rig.port, host: '127.0.0.1', method: 'POST', headers: { host: 'app.test' } });
  const answered = new Promise<string>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => buffer(response).then((body) => resolve(body.toString()), reject));
  });
  const chunk = randomBytes(MEBIBYTE);
  let sent = 0;
  const produce = (): void => {
    while (sent < total) {
      sent += chunk.length;
      if (!outgoing.write(chunk)) {
        outgoing.once('drain', produce);
        return;
      }
    }
    outgoing.end();
  };
  produce();
  let last = -1;
  await until(async () => {
    if (sent === last) return true;
    last = sent;
    await sleep(200);
    return false;
  });
  assert.ok(sent < 64 * MEBIBYTE, `${sent / MEBIBYTE} MiB were taken from the client`);
  go();
  assert.equal(await answered, String(total));
});

onEveryLane('trailers travel both ways, but not those that would change the message', {}, async (rig) => {
  const replica = await rig.app((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => {
      response.writeHead(200, { trailer: 'X-Sum', 'transfer-encoding': 'chunked' });
      response.write(JSON.stringify(incoming.rawTrailers));
      response.addTrailers({ 'X-Sum': '42', 'Set-Cookie': 'late=1' });
      response.end();
    });
  });
  rig.addSet({ ports: [replica.port] });
  const text = await rig.talk(
    'POST / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '3\r\nabc\r\n0\r\nX-Check: yes\r\nAuthorization: late\r\n\r\n',
  );
  assert.match(text, /\["X-Check","yes"\]/);
  assert.match(text, /\r\n0\r\nX-Sum: 42\r\n\r\n$/);
});

onEveryLane('HEAD, 204 and 304 have no body and leave the connection in use', {}, async (rig) => {
  const replica = await rig.app((incoming, response) => {
    if (incoming.url === '/204') response.writeHead(204).end();
    else if (incoming.url === '/304') response.writeHead(304, { etag: '"a"', 'content-length': '5' }).end();
    else response.writeHead(200, { 'content-length': '5' }).end('hello');
  });
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await wire.has(/content-length: 5\r\n[\s\S]*\r\n\r\n$/i);
  wire.write('GET /204 HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await wire.has(/HTTP\/1\.1 204 [\s\S]*\r\n\r\n$/);
  wire.write('GET /304 HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await wire.has(/HTTP\/1\.1 304 [\s\S]*etag: "a"[\s\S]*\r\n\r\n$/i);
  wire.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  const text = await wire.has(/\r\n\r\nhello$/);
  assert.equal(text.split('hello').length, 2, 'only GET has a body');
  assert.equal(replica.opened(), 1, 'the upstream connection stayed in use too');
});

onEveryLane('a HEAD answered as chunked has no body either', {}, async (rig) => {
  const replica = await rig.raw((socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'));
  rig.addSet({ ports: [replica.port] });
  const text = await rig.talk('HEAD / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n$/);
});

onEveryLane('HTTP/1.0 clients get plain bodies that end with the connection or by length', {}, async (rig) => {
  const replica = await rig.app((incoming, response) => {
    if (incoming.url === '/sized') response.setHeader('content-length', '4').end('four');
    else {
      response.write('no ');
      response.end('chunks');
    }
  });
  rig.addSet({ ports: [replica.port] });
  const text = await rig.talk('GET / HTTP/1.0\r\nHost: app.test\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nno chunks$/);
  assert.doesNotMatch(text, /transfer-encoding/i);
  const wire = await rig.wire('GET /sized HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n');
  await wire.has(/connection: keep-alive[\s\S]*four$/i);
  wire.write('GET /sized HTTP/1.0\r\nHost: app.test\r\n\r\n');
  assert.equal((await wire.over()).split('four').length, 3);
});

onEveryLane('a body that ends with its connection is whole, and chunked for the client', {}, async (rig) => {
  const replica = await rig.raw((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nto the end'));
  rig.addSet({ ports: [replica.port] });
  const answer = await rig.send();
  assert.equal(answer.text, 'to the end');
  assert.equal(answer.headers['transfer-encoding'], 'chunked');
});

onEveryLane('requests sent ahead are answered in order, and a second POST waits for the first', {}, async (rig) => {
  const seen: string[] = [];
  let inFlight = 0;
  let atOnce = 0;
  const replica = await rig.app((incoming, response) => {
    seen.push(incoming.url ?? '');
    inFlight++;
    atOnce = Math.max(atOnce, inFlight);
    incoming.resume();
    setTimeout(() => {
      inFlight--;
      response.end(`answer ${incoming.url};`);
    }, 20);
  });
  rig.addSet({ ports: [replica.port] });
  const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
  const ahead = paths.map((path) => `POST ${path} HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\n\r\nok`).join('');
  const wire = await rig.wire(ahead);
  const text = await wire.has(`answer /19;`);
  assert.deepEqual(
    [...text.matchAll(/answer (\/\d+);/g)].map((match) => match[1]),
    paths,
  );
  assert.deepEqual(seen, paths);
  assert.equal(atOnce, 1);
});

onEveryLane('informational answers reach HTTP/1.1 clients and nobody else', {}, async (rig) => {
  const replica = await rig.raw((socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n');
    socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
  });
  rig.addSet({ ports: [replica.port] });
  const text = await rig.talk('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/i);
  const old = await rig.talk('GET / HTTP/1.0\r\nHost: app.test\r\n\r\n');
  assert.match(old, /^HTTP\/1\.1 200 OK\r\n/);
});

onEveryLane('a client that waits for 100 hears it from the replica before it sends its body', {}, async (rig) => {
  let told: () => void = () => {};
  const replica = await rig.app(echo, (server) => {
    server.on('checkContinue', (incoming, response) => {
      told = () => {
        response.writeContinue();
        echo(incoming, response);
      };
    });
  });
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  await until(() => replica.opened() === 1);
  await rig.settled();
  assert.equal(wire.text, '', 'the gateway does not promise what the replica has not');
  told();
  await wire.has('HTTP/1.1 100 Continue\r\n\r\n');
  wire.write('hello');
  assert.match(await wire.has('"body":"hello"'), /100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
});

onEveryLane('a replica may refuse a body before it is sent', {}, async (rig) => {
  const replica = await rig.app(echo, (server) => {
    server.on('checkContinue', (_incoming, response) => response.writeHead(401, { 'content-length': '2' }).end('no'));
  });
  rig.addSet({ ports: [replica.port] });
  const text = await rig.talk('PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 401 [\s\S]*\r\n\r\nno$/);
  assert.match(text, /connection: close/i);
});

onEveryLane('an answer that comes before the end of the request reaches a client that still sends', {}, async (rig) => {
  const replica = await rig.raw((socket) => {
    // Closed with octets unread: everything that is written to it from now on is answered by a reset.
    socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge', () => socket.destroy());
  });
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10000000000\r\n\r\n');
  const sending = setInterval(() => {
    if (!wire.socket.destroyed && wire.socket.writableLength < MEBIBYTE) wire.write(Buffer.alloc(65_536));
  }, 1);
  try {
    assert.match(await wire.has('large'), /^HTTP\/1\.1 413 Too Large\r\n[\s\S]*\r\n\r\nlarge$/);
    await until(() => wire.ended);
    await sleep(200);
    assert.equal(wire.error, null, 'the connection is not reset under a client that still sends');
  } finally {
    clearInterval(sending);
  }
  await rig.quiet();
});

onEveryLane('a request and an answer may stream at the same time', {}, async (rig) => {
  const replica = await rig.app((incoming, response) => {
    response.writeHead(200);
    response.flushHeaders();
    incoming.on('data', (chunk: Buffer) => response.write(chunk.toString().toUpperCase()));
    incoming.on('end', () => response.end());
  });
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n');
  await wire.has(/\r\n\r\n/);
  wire.write('4\r\nping\r\n');
  await wire.has('PING');
  wire.write('4\r\npong\r\n');
  await wire.has('PONG');
  wire.write('0\r\n\r\n');
  await wire.has(/0\r\n\r\n$/);
});

onEveryLane('server-sent events arrive one by one, and a client that leaves ends them', {}, async (rig) => {
  let client: 'none' | 'here' | 'gone' = 'none';
  let emit: (text: string) => void = () => {};
  const replica = await rig.app((_request, response) => {
    client = 'here';
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    emit = (text) => response.write(`data: ${text}\n\n`);
    response.on('close', () => {
      client = 'gone';
    });
  });
  const { pool } = rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('GET /events HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await wire.has(/text\/event-stream[\s\S]*\r\n\r\n/);
  emit('one');
  await wire.has('data: one\n\n');
  emit('two');
  await wire.has('data: two\n\n');
  assert.equal(pool.inFlight, 1);
  wire.destroy();
  await until(() => client === 'gone', { what: 'an upstream request that is ended' });
  assert.equal(pool.inFlight, 0);
});

onEveryLane('a client that leaves before the answer ends the upstream request and is counted', {}, async (rig) => {
  let left = false;
  const replica = await rig.app((_request, response) => {
    response.on('close', () => {
      left = true;
    });
  });
  const { pool } = rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await until(() => pool.inFlight === 1 && replica.opened() === 1);
  wire.destroy();
  await until(() => left);
  await rig.quiet();
  assert.equal(pool.inFlight, 0);
  assert.equal(rig.counts().aborted, 1);
});

onEveryLane('the prefix of a stripped route is taken off, the query untouched', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port], route: { path: '/api', strip: true } });
  const seen = async (path: string): Promise<{ target: string; fields: string[] }> =>
    JSON.parse((await rig.send({ path })).text);
  assert.equal((await seen('/api/users?q=%20a%2Fb&&x')).target, '/users?q=%20a%2Fb&&x');
  assert.equal((await seen('/api')).target, '/');
  assert.equal((await seen('/api?x=1')).target, '/?x=1');
  const { fields } = await seen('/api/users');
  assert.equal(fields[fields.indexOf('X-Forwarded-Prefix') + 1], '/api');
  assert.equal((await rig.send({ path: '/apiary' })).status, 404);
});

onEveryLane('ten thousand requests in a row leave nothing behind', {}, async (rig) => {
  const replica = await rig.app((_request, response) => response.end('ok'));
  const { pool } = rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire();
  const total = 10_000;
  let answers = 0;
  const request = Buffer.from('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  const done = new Promise<void>((resolve) => {
    wire.socket.removeAllListeners('data');
    wire.socket.on('data', (octets) => {
      if (!octets.toString('latin1').endsWith('ok\r\n0\r\n\r\n') && !octets.toString('latin1').endsWith('ok')) return;
      answers++;
      if (answers === total) resolve();
      else wire.socket.write(request);
    });
  });
  wire.socket.write(request);
  await done;
  assert.equal(replica.opened(), 1);
  assert.equal(pool.inFlight, 0);
  assert.equal(pool.claims, total);
  assert.equal(rig.gateway.collect().kept, 1);
  assert.equal(rig.counts().requests[1], total);
});
