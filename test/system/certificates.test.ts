/** From a tenant's claim to a padlock: a real authority, a real Engine, real workers. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Domain, overTls, verify } from '../support/claims.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { runHello } from '../support/hello.ts';
import { freePorts, Pebble } from '../support/pebble.ts';
import { startTidegate, type TidegateProcess } from '../support/tidegate.ts';
import { until } from '../support/until.ts';

const SOON = { timeoutMs: 60_000, everyMs: 50 };

let engine: TestEngine;
let pebble: Pebble;
let tidegate: TidegateProcess;
let httpsPort = 0;
let root = '';

before(async () => {
  engine = await startTestEngine();
  await engine.images.hello();
  const [http = 0, https = 0] = await freePorts(2);
  httpsPort = https;
  pebble = await Pebble.start({ httpPort: http, tlsPort: https });
  root = await pebble.issuingRoot();
  await runHello(engine, { name: 'shop' });
  await runHello(engine, {
    name: 'label',
    labels: { 'tidegate.app': 'label', 'tidegate.host': 'label.example.test' },
  });
  const rootFile = path.join(tmpdir(), `tidegate-pebble-root-${process.pid}.pem`);
  writeFileSync(rootFile, pebble.root);
  tidegate = await startTidegate({
    docker: engine.socket,
    settings: {
      TIDEGATE_HTTP: `127.0.0.1:${http}`,
      TIDEGATE_HTTPS: `127.0.0.1:${https}`,
      TIDEGATE_WORKERS: '2',
      TIDEGATE_ACME_DIRECTORY: pebble.directory,
      TIDEGATE_ACME_CA_FILE: rootFile,
      TIDEGATE_DNS: pebble.dns,
    },
  });
});

after(async () => {
  await tidegate?.close();
  await pebble?.[Symbol.asyncDispose]();
  await engine?.close();
});

test('a claimed hostname is routed once it is proved, and has a certificate seconds later', async (t) => {
  const hostname = 'shop.example.test';
  const created = await tidegate.admin('/v1/domains', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ hostname: 'Shop.Example.test.', app: 'shop' }),
  });
  assert.equal(created.status, 201, created.body);
  const domain = JSON.parse(created.body) as Domain;
  assert.equal(domain.status, 'pending_ownership');
  const txt = domain.records.find(({ type }) => type === 'TXT');
  assert.equal(txt?.name, `_tidegate.${hostname}`);
  assert.match(txt?.value ?? '', /^tidegate-verify=[0-9a-f]{40}$/);
  // Pointing here proves nothing.
  assert.equal((await tidegate.ask(hostname)).status, 404);
  const startedAt = performance.now();
  await pebble.setTxt(txt?.name ?? '', txt?.value ?? '');
  await until(async () => (await verify(tidegate, domain.id)).status !== 'pending_ownership', {
    ...SOON,
    what: 'it is proved',
  });
  assert.equal((await tidegate.ask(hostname)).status, 200);
  await until(async () => (await tidegate.adminJson<Domain>(`/v1/domains/${hostname}`)).status === 'active', {
    ...SOON,
    what: 'it has a certificate',
  });
  t.diagnostic(`from the record to the certificate: ${Math.round(performance.now() - startedAt)} ms`);
  // In every worker.
  for (let i = 0; i < 8; i++) assert.match(await shownTo(hostname), /^HTTP\/1\.1 200/);
  const list = await tidegate.adminJson<{ items: { names: string[]; state: string }[] }>('/v1/certificates');
  assert.ok(list.items.some((one) => one.names.includes(hostname) && one.state === 'valid'));
});

test('a hostname of a label has one as well, and one that nobody claims is turned away', async () => {
  await until(async () => (await shownTo('label.example.test')).startsWith('HTTP/1.1 200'), {
    ...SOON,
    what: 'a certificate',
  });
  await assert.rejects(shownTo('nobody.example.test'), /unrecognized/i);
});

test('a hostname that points elsewhere is not ordered, and its tenant is told what to change', async () => {
  const orders = pebble.orderCount;
  await pebble.setA('lost.example.test', ['192.0.2.77']);
  const created = await tidegate.adminJson<Domain>('/v1/domains', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ hostname: 'lost.example.test', app: 'shop' }),
  });
  const txt = created.records.find(({ type }) => type === 'TXT');
  await pebble.setTxt(txt?.name ?? '', txt?.value ?? '');
  const domain = await until(
    async () => {
      const now = await verify(tidegate, created.id);
      return now.status === 'pending_dns' && now;
    },
    { ...SOON, what: 'it waits for its DNS' },
  );
  assert.equal(domain.diagnosis[0]?.code, 'dns.wrong_target');
  assert.match(domain.diagnosis[0]?.fix ?? '', /Point lost\.example\.test/);
  assert.equal(pebble.orderCount, orders);
});

test('no private key is to be read in logs, answers, events or files that others may read', async () => {
  const events = await tidegate.admin('/v1/events?limit=200');
  const certificates = await tidegate.admin('/v1/certificates');
  const metrics = await tidegate.admin('/metrics');
  for (const text of [tidegate.log, events.body, certificates.body, metrics.body])
    assert.doesNotMatch(text, /PRIVATE KEY/);
  assert.match(metrics.body, /tidegate_certificate_expiry_seconds\{hostname="shop\.example\.test"\} \d+/);
  for (const name of readdirSync(tidegate.data, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(tidegate.data, name);
    const stat = statSync(file);
    if (!stat.isFile() || name === path.join('ca', 'ca-key.pem')) continue;
    assert.doesNotMatch(readFileSync(file, 'latin1'), /PRIVATE KEY/, name);
    if (name.startsWith('encryption') || name.endsWith('.db')) assert.equal(stat.mode & 0o077, 0, name);
  }
});

test('a start on the same state serves what it had, and orders nothing again', async () => {
  const orders = pebble.orderCount;
  await tidegate.kill9();
  await tidegate.start();
  assert.match(await shownTo('shop.example.test'), /^HTTP\/1\.1 200/);
  await until(
    async () => (await tidegate.adminJson<Domain>('/v1/domains/shop.example.test')).status === 'active',
    SOON,
  );
  assert.equal(pebble.orderCount, orders);
});

/** Head and body of `GET /`, with the chain checked to the authority's root. */
function shownTo(hostname: string): Promise<string> {
  return overTls({ port: httpsPort, hostname, ca: root });
}
