/** Clients that do not mean well: each gets what it deserves, and nobody else notices. */
import assert from 'node:assert/strict';
import { until } from '#test/support/until';
import type { Wire } from './support/clients.ts';
import { onEveryLane } from './support/rig.ts';
import { echo } from './support/upstreams.ts';

const HOST = 'Host: app.test\r\n';

const REFUSED: readonly (readonly [name: string, octets: string, status: number, code: string])[] = [
  ['garbage', 'hello\r\n\r\n', 400, 'bad_request'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'bad_request'],
  ['two Hosts', `GET / HTTP/1.1\r\n${HOST}Host: b\r\n\r\n`, 400, 'bad_request'],
  ['a folded line', `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`, 400, 'bad_request'],
  ['a space before a colon', `GET / HTTP/1.1\r\n${HOST}X : a\r\n\r\n`, 400, 'bad_request'],
  ['bare line feeds', 'GET / HTTP/1.1\nHost: app.test\n\n', 400, 'bad_request'],
  ['two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`, 400, 'bad_request'],
  [
    'a length and chunks',
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'bad_request',
  ],
  [
    'a coding before chunked',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    501,
    'not_implemented',
  ],
  [
    'a strange expectation',
    `PUT / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nExpect: x\r\n\r\n`,
    417,
    'expectation_failed',
  ],
  ['CONNECT', 'CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\n\r\n', 501, 'not_implemented'],
  ['TRACE', `TRACE / HTTP/1.1\r\n${HOST}\r\n`, 501, 'not_implemented'],
  ['a head too large', `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'head_too_large'],
  ['too many lines', `GET / HTTP/1.1\r\n${HOST}${'X: a\r\n'.repeat(200)}\r\n`, 431, 'head_too_large'],
  ['a line too long', `GET /${'a'.repeat(9000)} HTTP/1.1\r\n${HOST}\r\n`, 414, 'target_too_long'],
];

for (const [name, octets, status, code] of REFUSED) {
  onEveryLane(`${name}: refused with ${status}, and the connection closed`, {}, async (rig) => {
    const replica = await rig.app(echo);
    rig.addSet({ ports: [replica.port] });
    const text = await rig.talk(`${octets}GET /smuggled HTTP/1.1\r\n${HOST}\r\n`);
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*X-Tidegate-Error: ${code}\r\n`));
    assert.match(text, /\r\nConnection: close\r\n/i);
    assert.equal(text.split('HTTP/1.1 ').length, 2, 'one answer and nothing after it');
    assert.equal(replica.opened(), 0, 'nothing reached the replica');
    assert.equal(rig.gateway.collect().sets.at(-1)?.errors[code as 'bad_request'], 1);
  });
}

onEveryLane('a body that breaks its framing is refused and not forwarded as whole', {}, async (rig) => {
  let whole = false;
  const replica = await rig.app((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => {
      whole = true;
      response.end();
    });
  });
  const { pool } = rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`);
  await until(() => replica.opened() === 1);
  await rig.settled();
  wire.write('xyz\r\n');
  const text = await wire.over();
  assert.match(text, /^HTTP\/1\.1 400 [\s\S]*X-Tidegate-Error: bad_request[\s\S]*\}\n$/);
  assert.equal(text.split('HTTP/1.1 ').length, 2);
  await rig.quiet();
  await until(() => replica.open() === 0);
  assert.equal(whole, false);
  assert.equal(pool.inFlight, 0);
});

onEveryLane('garbage behind a good request waits for its answer', {}, async (rig) => {
  let finish: () => void = () => {};
  const replica = await rig.app((_request, response) => {
    finish = () => response.end('good');
  });
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire(`GET / HTTP/1.1\r\n${HOST}\r\ngarbage\r\n\r\n`);
  await until(() => replica.opened() === 1);
  await rig.settled();
  finish();
  const text = await wire.over();
  assert.match(text, /^HTTP\/1\.1 200 [\s\S]*good[\s\S]*HTTP\/1\.1 400 [\s\S]*X-Tidegate-Error: bad_request/);
});

onEveryLane('heads that never end cost a connection and nobody else anything', { headTimeoutMs: 1000 }, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  const slow: Wire[] = [];
  for (let i = 0; i < 100; i++) slow.push(await rig.wire('GET / HTTP/1.1\r\nHost: app.te'));
  const drip = setInterval(() => {
    for (const wire of slow) if (!wire.closed && wire.socket.writable) wire.write('s');
  }, 100);
  try {
    for (let i = 0; i < 20; i++) assert.equal((await rig.send()).status, 200);
    const text = await slow[0]?.over();
    assert.match(text ?? '', /^HTTP\/1\.1 408 [\s\S]*X-Tidegate-Error: request_timeout/);
    for (const wire of slow) await wire.over();
  } finally {
    clearInterval(drip);
  }
  await until(() => rig.gateway.collect().connections === 0);
});

onEveryLane(
  'a thousand connections that say nothing are closed without a word',
  { headTimeoutMs: 1000 },
  async (rig) => {
    const replica = await rig.app(echo);
    rig.addSet({ ports: [replica.port] });
    const silent: Wire[] = [];
    for (let i = 0; i < 1000; i += 50) {
      silent.push(...(await Promise.all(Array.from({ length: 50 }, () => rig.wire()))));
    }
    assert.equal((await rig.send()).status, 200);
    for (const wire of silent) assert.equal(await wire.over(), '');
    assert.equal((await rig.send()).status, 200);
    await until(() => rig.gateway.collect().connections === 0);
  },
);

onEveryLane('a flood of requests sent ahead is taken in portions', {}, async (rig) => {
  const replica = await rig.app((_request, response) => response.end('ok'));
  rig.addSet({ ports: [replica.port] });
  const total = 2000;
  const wire = await rig.wire();
  wire.write(`GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(total));
  await until(() => rig.counts().requests[1] === total, { timeoutMs: 60_000 });
  await until(() => wire.text.split('HTTP/1.1 200').length === total + 1);
});

onEveryLane('an endless body for nobody is not read for ever', {}, async (rig) => {
  const wire = await rig.wire('POST / HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 10000000000\r\n\r\n');
  const flood = setInterval(() => {
    if (!wire.socket.destroyed && wire.socket.writableLength < 1_000_000) wire.write(Buffer.alloc(65_536));
  }, 1);
  try {
    await wire.has(/^HTTP\/1\.1 404 [\s\S]*X-Tidegate-Error: no_route/);
    await until(() => rig.gateway.collect().connections === 0, { what: 'a closed connection' });
  } finally {
    clearInterval(flood);
  }
});
