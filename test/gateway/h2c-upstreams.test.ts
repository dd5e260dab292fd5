/** Replicas that speak HTTP/2 without TLS. */
import assert from 'node:assert/strict';
import { constants, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '#test/support/until';
import { HandAdmitter } from './support/admitters.ts';
import { onEveryLane, type Rig } from './support/rig.ts';
import { closedPort, echo, mutePort, serve, type TestServer } from './support/upstreams.ts';

const H2C = { proto: 'h2c' } as const;

type OnStream = (stream: ServerHttp2Stream, fields: readonly string[]) => void;

async function h2cReplica(rig: Rig, onStream: OnStream): Promise<TestServer & { readonly server: Http2Server }> {
  const server = createServer();
  server.on('stream', (stream, _fields, _flags, list) => {
    stream.on('error', () => {});
    onStream(stream, list);
  });
  server.on('session', (session) => session.on('error', () => {}));
  return { ...rig.owns(await serve(server)), server };
}

function field(fields: readonly string[], name: string): string | undefined {
  const at = fields.indexOf(name);
  return at < 0 ? undefined : fields[at + 1];
}

onEveryLane('requests and answers pass with their bodies and fields, over one session', {}, async (rig) => {
  const seen: (readonly string[])[] = [];
  const replica = await h2cReplica(rig, (stream, fields) => {
    seen.push(fields);
    let body = '';
    stream.on('data', (chunk) => {
      body += chunk;
    });
    stream.on('end', () => {
      stream.respond([':status', '201', 'set-cookie', 'a=1', 'set-cookie', 'b=2']);
      stream.end(`got ${body}`);
    });
  });
  rig.addSet({ ports: [replica.port], policy: H2C, route: { path: '/api', strip: true } });
  const answer = await rig.send({ method: 'POST', path: '/api/x?y', body: 'hello', headers: { 'X-Mine': 'Z' } });
  assert.equal(answer.status, 201);
  assert.equal(answer.text, 'got hello');
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
  const [first = []] = seen;
  const expected = {
    ':method': 'POST',
    ':scheme': 'http',
    ':authority': 'app.test',
    ':path': '/x?y',
    'content-length': '5',
    'x-mine': 'Z',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-prefix': '/api',
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(field(first, name), value, name);
  assert.equal(field(first, 'connection'), undefined);
  await Promise.all(Array.from({ length: 10 }, () => rig.send({ path: '/api', method: 'POST', body: 'x' })));
  assert.equal(replica.opened(), 1);
  const head = await rig.send({ method: 'HEAD', path: '/api' });
  assert.equal(head.status, 201);
  assert.equal(head.text, '');
});

onEveryLane('gRPC passes: trailers both ways, te, and no buffering', {}, async (rig) => {
  let te: string | undefined;
  let fromClient: string | undefined;
  const replica = await h2cReplica(rig, (stream, fields) => {
    te = field(fields, 'te');
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('trailers', (_fields, _flags, list) => {
      fromClient = field(list, 'x-checksum');
    });
    stream.on('data', (chunk) => stream.write(`echo ${chunk}`));
    stream.on('end', () => stream.end());
  });
  rig.addSet({ ports: [replica.port], policy: H2C });
  const wire = await rig.wire(
    'POST /s/M HTTP/1.1\r\nHost: app.test\r\nConnection: TE\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  wire.write('3\r\none\r\n');
  await wire.has('echo one');
  wire.write('3\r\ntwo\r\n');
  await wire.has('echo two');
  wire.write('0\r\nX-Checksum: 7\r\n\r\n');
  await wire.has(/\r\n0\r\ngrpc-status: 0\r\n\r\n$/);
  assert.equal(te, 'trailers');
  assert.equal(fromClient, '7');
});

onEveryLane('informational answers pass', {}, async (rig) => {
  const replica = await h2cReplica(rig, (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a>' });
    stream.respond({ ':status': 204 }, { endStream: true });
  });
  rig.addSet({ ports: [replica.port], policy: H2C });
  const text = await rig.talk('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 103 [\s\S]*link: <\/a>\r\n\r\nHTTP\/1\.1 204 /i);
});

onEveryLane('a stream that breaks off in its answer is a cut, before it an error', {}, async (rig) => {
  const replica = await h2cReplica(rig, (stream, fields) => {
    const path = field(fields, ':path');
    if (path === '/early') {
      stream.destroy(new Error('reset before the answer'));
      return;
    }
    stream.respond({ ':status': 200 });
    stream.write('begun');
    setTimeout(() => {
      if (path === '/reset') stream.destroy(new Error('reset in the answer'));
      else stream.session?.destroy();
    }, 30);
  });
  const { pool } = rig.addSet({ ports: [replica.port], policy: { ...H2C, retry: 0 } });
  const early = await rig.send({ path: '/early' });
  assert.equal(early.status, 502);
  assert.equal(early.headers['x-tidegate-error'], 'upstream_reset');
  for (const path of ['/reset', '/session']) await assert.rejects(rig.send({ path }), { code: 'ECONNRESET' }, path);
  await rig.quiet();
  assert.equal(pool.inFlight, 0);
});

onEveryLane('an answer that HTTP/2 forbids is a protocol error', {}, async (rig) => {
  const replica = await h2cReplica(rig, (stream) => {
    stream.respond({ ':status': 200, 'content-length': '10' });
    stream.end('short');
  });
  rig.addSet({ ports: [replica.port], policy: { ...H2C, retry: 0 } });
  await assert.rejects(rig.send(), { code: 'ECONNRESET' });
});

onEveryLane('a client that leaves cancels its stream and no other', {}, async (rig) => {
  const codes: number[] = [];
  const replica = await h2cReplica(rig, (stream, fields) => {
    stream.on('close', () => codes.push(stream.rstCode ?? -1));
    if (field(fields, ':path') === '/wait') return;
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const { pool } = rig.addSet({ ports: [replica.port], policy: H2C });
  const wire = await rig.wire('GET /wait HTTP/1.1\r\nHost: app.test\r\n\r\n');
  await until(() => replica.opened() === 1 && pool.inFlight === 1);
  assert.equal((await rig.send()).text, 'ok');
  wire.destroy();
  await until(() => codes.includes(constants.NGHTTP2_CANCEL));
  assert.equal((await rig.send()).text, 'ok');
  assert.equal(replica.opened(), 1);
  await until(() => pool.inFlight === 0);
});

const patient = new HandAdmitter();
onEveryLane('a port that refuses, is mute or speaks no HTTP/2 is told apart', { admitter: patient }, async (rig) => {
  const plain = await rig.app(echo);
  const mute = rig.owns(await mutePort());
  const timeout = { connectMs: 300, responseMs: 1000, idleMs: 1000 };
  const cases = [
    [await closedPort(), 'upstream_connect', 502],
    [mute.port, 'upstream_timeout', 504],
    [plain.port, 'upstream_protocol', 502],
  ] as const;
  for (const [port, code, status] of cases) {
    rig.addSet({ host: `${status}.test`, set: code, ports: [port], policy: { ...H2C, retry: 0, timeout } });
    const answer = await rig.send({ host: `${status}.test` });
    assert.equal(answer.headers['x-tidegate-error'], code);
    assert.equal(answer.status, status);
    rig.table.remove(`default/app/${code}`);
  }
});

onEveryLane('a session that the replica ends is replaced, and costs a GET nothing', {}, async (rig) => {
  const replica = await h2cReplica(rig, (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const sessions: { destroy(): void }[] = [];
  replica.server.on('session', (session) => sessions.push(session));
  rig.addSet({ ports: [replica.port], policy: { ...H2C, retry: 0 } });
  for (const method of ['GET', 'POST', 'GET']) {
    assert.equal((await rig.send({ method, body: method === 'POST' ? 'x' : '' })).text, 'ok');
    for (const session of sessions.splice(0)) session.destroy();
  }
  assert.equal(replica.opened(), 3);
});

let choosing: () => void = () => {};
const choice = (): number => {
  choosing();
  return 0;
};
onEveryLane('a POST waits for the close of a session that is just being said', { random: choice }, async (rig) => {
  const sessions: { destroy(): void }[] = [];
  const replica = await h2cReplica(rig, (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  replica.server.on('session', (session) => sessions.push(session));
  // Two replicas, so that the pool has to choose: that is the moment in which the first one hangs up.
  rig.addSet({ ports: [replica.port, replica.port], policy: { ...H2C, retry: 0 } });
  assert.equal((await rig.send()).text, 'ok');
  choosing = () => {
    choosing = () => {};
    sessions[0]?.destroy();
  };
  assert.equal((await rig.send({ method: 'POST', body: 'x' })).text, 'ok');
  assert.equal(replica.opened(), 2);
});

onEveryLane('the session to a replica that leaves is closed', {}, async (rig) => {
  const replica = await h2cReplica(rig, (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const { pool, upstreams } = rig.addSet({ ports: [replica.port], policy: H2C });
  await rig.send();
  for (const upstream of upstreams) pool.remove(upstream);
  await until(() => replica.open() === 0);
});

onEveryLane('a WebSocket to a replica that also speaks HTTP/1.1 passes', {}, async (rig) => {
  const replica = await rig.app(echo, (server) => {
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(message)));
  });
  rig.addSet({ ports: [replica.port], policy: H2C });
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/`, { headers: { host: 'app.test' } });
  let heard = '';
  socket.on('message', (message) => {
    heard = message.toString();
  });
  socket.on('open', () => socket.send('hello'));
  await until(() => heard === 'hello');
  socket.close();
});
