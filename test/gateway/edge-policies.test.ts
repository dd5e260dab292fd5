/** What the gateway does at the edge on a set's behalf: the same on every lane. */
import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { until } from '#test/support/until';
import { HandAdmitter } from './support/admitters.ts';
import { open } from './support/clients.ts';
import { onEveryLane, type Rig } from './support/rig.ts';
import { echo } from './support/upstreams.ts';

const NO_RULES = { set: [], remove: [] };
const CORS = {
  origins: ['https://app.example.com'],
  methods: ['GET', 'PUT'],
  headers: null,
  expose: ['X-Total'],
  credentials: true,
  maxAgeS: 600,
};

function scryptHash(password: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const text = (octets: Buffer): string => octets.toString('base64').replace(/=+$/, '');
  return `$scrypt$ln=10,r=8,p=1$${text(salt)}$${text(scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 }))}`;
}

const AUTH = { users: [{ name: 'ali', hash: scryptHash('sesame') }], realm: 'Staging', forward: false };
const ALI = `Basic ${Buffer.from('ali:sesame').toString('base64')}`;

/** The fields a replica that echoes was sent, by name in lower case. */
async function seenBy(rig: Rig, headers: Record<string, string>): Promise<Record<string, string>> {
  const { fields } = JSON.parse((await rig.send({ headers })).text) as { fields: string[] };
  const seen: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) seen[(fields[i] ?? '').toLowerCase()] = fields[i + 1] ?? '';
  return seen;
}

onEveryLane(
  'a monitor that fits a rule wakes nothing, and its requests to a set that is up do not count as use',
  {},
  async (rig) => {
    const wakeIgnore = [
      { kind: 'ua', value: 'Uptime*' },
      { kind: 'path', value: '/healthz' },
      { kind: 'ip', value: '198.51.100.0/24' },
    ] as const;
    rig.addSet({ ports: [], policy: { wakeIgnore, wakeTimeoutMs: 1 } });
    const asleep = await rig.send({ headers: { 'User-Agent': 'uptimerobot/2.0' } });
    assert.deepEqual(
      [asleep.status, asleep.headers['x-tidegate-error'], asleep.headers['retry-after']],
      [503, 'asleep', '60'],
    );
    assert.equal((await rig.send({ path: '/healthz?deep=1' })).headers['x-tidegate-error'], 'asleep');
    assert.notEqual((await rig.send()).headers['x-tidegate-error'], 'asleep', 'everybody else is held');
    const up = rig.addSet({ ports: [(await rig.app(echo)).port], set: 'b', host: 'b.test', policy: { wakeIgnore } });
    const { pool } = up;
    const usedAt = pool.lastUsedAt;
    assert.equal((await rig.send({ host: 'b.test', path: '/healthz' })).status, 200);
    await until(() => pool.inFlight === 0);
    assert.deepEqual([pool.lastUsedAt, pool.claims], [usedAt, 1]);
    assert.equal((await rig.send({ host: 'b.test' })).status, 200);
    assert.notEqual(pool.lastUsedAt, usedAt);
  },
);

const asked = new HandAdmitter();
onEveryLane(
  'a monitor whose replica goes away under it wakes nothing, and one with a sticky cookie keeps nothing awake',
  { admitter: asked },
  async (rig) => {
    const wakeIgnore = [{ kind: 'path', value: '/healthz' }] as const;
    const gone = await rig.raw((socket) => {
      for (const one of upstreams) pool.remove(one);
      socket.destroy();
    });
    const { pool, upstreams } = rig.addSet({ ports: [gone.port], policy: { wakeIgnore } });
    assert.equal((await rig.send({ path: '/healthz' })).status, 502);
    assert.equal(asked.held.length, 0);
    const policy = { wakeIgnore, sticky: 'cookie' } as const;
    const up = rig.addSet({ ports: [(await rig.app(echo)).port], set: 'b', host: 'b.test', policy });
    const [cookie = ''] = (await rig.send({ host: 'b.test' })).headers['set-cookie'] ?? [];
    await until(() => up.pool.inFlight === 0);
    const usedAt = up.pool.lastUsedAt;
    await rig.send({ host: 'b.test', path: '/healthz', headers: { Cookie: cookie.split(';')[0] ?? '' } });
    await until(() => up.pool.inFlight === 0);
    assert.deepEqual([up.pool.lastUsedAt, up.pool.claims], [usedAt, 2]);
  },
);

onEveryLane('fields are set and removed on both sides', {}, async (rig) => {
  const replica = await rig.app((_request, response) => {
    response.setHeader('Server', 'app');
    response.setHeader('X-Powered-By', 'PHP');
    response.end('ok');
  });
  const response = { set: [['X-Frame-Options', 'DENY']], remove: ['server', 'x-powered-by'] } as const;
  rig.addSet({ ports: [replica.port], policy: { headers: { request: NO_RULES, response } } });
  const answer = await rig.send();
  assert.equal(answer.headers['x-frame-options'], 'DENY');
  assert.equal(answer.headers.server, undefined);
  assert.equal(answer.headers['x-powered-by'], undefined);
  assert.equal(answer.text, 'ok');
  const request = { set: [['X-Env', 'production']], remove: ['x-debug'] } as const;
  rig.addSet({
    ports: [(await rig.app(echo)).port],
    set: 'b',
    host: 'b.test',
    policy: { headers: { request, response } },
  });
  const sent = await rig.send({ host: 'b.test', headers: { 'X-Env': 'mine', x_debug: '1' } });
  const { fields } = JSON.parse(sent.text) as { fields: string[] };
  assert.deepEqual(
    fields.filter((field, i) => /^x-env$/i.test(fields[i - (i % 2)] ?? '') || /debug/.test(field)),
    ['X-Env', 'production'],
  );
});

onEveryLane('a preflight request is answered here, and other answers say who may read them', {}, async (rig) => {
  const replica = await rig.app((_request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.end('ok');
  });
  rig.addSet({ ports: [replica.port], policy: { cors: CORS } });
  const asks = { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'PUT' };
  const answer = await rig.send({ method: 'OPTIONS', headers: asks });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example.com');
  assert.equal(answer.headers['access-control-allow-methods'], 'GET, PUT');
  assert.equal(answer.headers['access-control-max-age'], '600');
  assert.equal(answer.headers['content-length'], undefined);
  assert.equal(replica.opened(), 0);
  const read = await rig.send({ headers: { Origin: 'https://app.example.com' } });
  assert.equal(read.headers['access-control-allow-origin'], 'https://app.example.com');
  assert.equal(read.headers['access-control-expose-headers'], 'X-Total');
  assert.equal(read.headers.vary, 'Origin');
  const stranger = await rig.send({ headers: { Origin: 'https://evil.test' } });
  assert.equal(stranger.headers['access-control-allow-origin'], undefined);
});

onEveryLane('an error of the gateway can be read by those who may read answers', {}, async (rig) => {
  rig.addSet({ ports: [], policy: { cors: CORS } });
  const answer = await rig.send({ headers: { Origin: 'https://app.example.com' } });
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example.com');
});

onEveryLane('only users with their password come in, and the app is not told it', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port], policy: { auth: AUTH } });
  for (const headers of [{}, { Authorization: 'Bearer x' }, { Authorization: `Basic ${btoa('ali:wrong')}` }]) {
    const answer = await rig.send({ headers: headers as Record<string, string> });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers['x-tidegate-error'], 'unauthorized');
    assert.equal(answer.headers['www-authenticate'], 'Basic realm="Staging", charset="UTF-8"');
  }
  assert.equal(replica.opened(), 0);
  for (let i = 0; i < 2; i++) assert.equal((await seenBy(rig, { Authorization: ALI })).authorization, undefined);
  const answer = await rig.send({ method: 'POST', body: 'x'.repeat(50_000), headers: { Authorization: ALI } });
  assert.equal((JSON.parse(answer.text) as { bytes: number }).bytes, 50_000);
});

onEveryLane('a body that comes with a password that is not known yet is passed on whole', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port], policy: { auth: { ...AUTH, forward: true } } });
  const answer = await rig.send({ method: 'POST', body: 'x'.repeat(50_000), headers: { Authorization: ALI } });
  const seen = JSON.parse(answer.text) as { bytes: number; fields: string[] };
  assert.equal(seen.bytes, 50_000);
  assert.ok(seen.fields.includes(ALI));
});

onEveryLane('a client that leaves while its password is checked leaves nothing behind', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port], policy: { auth: AUTH } });
  const wire = await rig.wire(`GET / HTTP/1.1\r\nHost: app.test\r\nAuthorization: ${ALI}\r\n\r\n`);
  wire.destroy();
  await rig.quiet();
  assert.equal((await rig.send({ headers: { Authorization: ALI } })).status, 200);
});

onEveryLane('a client of another network is refused', { trusted: ['127.0.0.1/32'] }, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port], policy: { clients: { allow: ['203.0.113.0/24'], deny: ['203.0.113.9'] } } });
  const from = async (client: string): Promise<number> =>
    (await rig.send({ headers: { 'x-forwarded-for': client } })).status;
  assert.deepEqual([await from('203.0.113.7'), await from('203.0.113.9'), await from('198.51.100.1')], [200, 403, 403]);
  assert.equal((await rig.send()).headers['x-tidegate-error'], 'forbidden');
});

onEveryLane(
  'the addresses of one IPv6 network are one client to the rate',
  { trusted: ['127.0.0.1/32'] },
  async (rig) => {
    const rate = { perSecond: 0.01, burst: 2, key: 'ip' } as const;
    rig.addSet({ ports: [(await rig.app(echo)).port], policy: { rate } });
    const from = async (client: string): Promise<number> =>
      (await rig.send({ headers: { 'x-forwarded-for': client } })).status;
    const network = [await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8:0:0:ffff::3')];
    assert.deepEqual([...network, await from('2001:db8:0:1::1')], [200, 200, 429, 200]);
  },
);

onEveryLane('requests are sent on to another hostname, and served at that', {}, async (rig) => {
  const redirect = { to: 'https://app.test', status: '301', www: 'off' } as const;
  const { port } = await rig.app(echo);
  rig.addSet({ ports: [port], policy: { redirect } });
  rig.addSet({ ports: [port], set: 'old', host: 'old.test', policy: { redirect } });
  const answer = await rig.send({ host: 'old.test', path: '/a?b' });
  assert.deepEqual([answer.status, answer.headers.location], [301, 'https://app.test/a?b']);
  assert.equal((await rig.send()).status, 200);
});

onEveryLane('HSTS is said on encrypted answers alone', { trusted: ['127.0.0.1/32'] }, async (rig) => {
  const hsts = { maxAgeS: 86_400, subdomains: true, preload: false };
  rig.addSet({ ports: [(await rig.app(echo)).port], policy: { hsts } });
  const secure = await rig.send({ headers: { 'x-forwarded-proto': 'https' } });
  assert.equal(secure.headers['strict-transport-security'], 'max-age=86400; includeSubDomains');
  assert.equal((await rig.send()).headers['strict-transport-security'], undefined);
});

onEveryLane('text is compressed with what the client takes, trailers and all', {}, async (rig) => {
  const text = 'a line of text that repeats itself\n'.repeat(5000);
  const replica = await rig.app((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain', ETag: '"v1"', Trailer: 'X-Sum' });
    response.write(text);
    response.addTrailers({ 'X-Sum': '1' });
    response.end();
  });
  rig.addSet({ ports: [replica.port], policy: { compress: ['zstd', 'gzip'] } });
  const zstd = await rig.send({ headers: { 'Accept-Encoding': 'gzip, zstd' } });
  assert.equal(zstd.headers['content-encoding'], 'zstd');
  assert.equal(zstdDecompressSync(zstd.body).toString(), text);
  const gzip = await rig.send({ headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal(gunzipSync(gzip.body).toString(), text);
  assert.ok(gzip.body.length < text.length / 10);
  assert.deepEqual([gzip.headers.etag, gzip.headers.vary, gzip.trailers['x-sum']], ['W/"v1"', 'Accept-Encoding', '1']);
  const plain = await rig.send();
  assert.equal(plain.text, text);
  assert.deepEqual([plain.headers.etag, plain.headers.vary], ['"v1"', 'Accept-Encoding']);
});

onEveryLane('a compressed stream comes as it is written, and one that is cut looks cut', {}, async (rig) => {
  let next: (() => void) | null = null;
  const replica = await rig.app((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.write('first '.repeat(100));
    next = () => response.destroy();
  });
  rig.addSet({ ports: [replica.port], policy: { compress: ['gzip'] } });
  const answer = await open(rig.port, { headers: { 'Accept-Encoding': 'gzip' } });
  let bytes = 0;
  let failed = false;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  answer.on('error', () => {
    failed = true;
  });
  // More than the head of the coding: something of the text itself.
  await until(() => bytes > 12, { what: 'the first words' });
  (next as (() => void) | null)?.();
  await until(() => failed, { what: 'an answer that fails' });
  await rig.quiet();
});

onEveryLane('a replica that answers with errors is left out, and that is counted', {}, async (rig) => {
  const good = await rig.app((_request, response) => response.end('good'));
  const bad = await rig.app((_request, response) => {
    response.statusCode = 500;
    response.end('bad');
  });
  rig.addSet({ ports: [good.port, bad.port], policy: { lb: { kind: 'rr' }, outlier: { errors: 3, timeMs: 600_000 } } });
  const bodies: string[] = [];
  for (let i = 0; i < 16; i++) bodies.push((await rig.send()).text);
  assert.equal(bodies.filter((body) => body === 'bad').length, 3);
  assert.equal(rig.counts().ejections, 1);
});
