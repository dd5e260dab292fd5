/** Each way of proving a hostname, from the claim to the padlock: a real authority, a real Engine, real workers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { claim, overTls, verified } from '../support/claims.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { runHello } from '../support/hello.ts';
import { freePorts, Pebble } from '../support/pebble.ts';
import { startTidegate, type TidegateProcess } from '../support/tidegate.ts';
import { until } from '../support/until.ts';

const SECRET = 'only-for-this-webhook';
const SOON = { timeoutMs: 60_000, everyMs: 50 };

let engine: TestEngine;
let pebble: Pebble;
let webhook: Server;
let tidegate: TidegateProcess;
let ports: { http: number; https: number };
let root = '';
const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-challenges-'));
/** What the webhook was told. */
const told: string[] = [];

before(async () => {
  engine = await startTestEngine();
  await engine.images.hello();
  await runHello(engine, { name: 'shop' });
  const [http = 0, https = 0] = await freePorts(2);
  ports = { http, https };
  pebble = await Pebble.start({ httpPort: http, tlsPort: https });
  root = await pebble.issuingRoot();
  writeFileSync(path.join(folder, 'root.pem'), pebble.root);
  webhook = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const part of request.setEncoding('utf8')) text += part;
      const { action, name, value } = JSON.parse(text) as { action: string; name: string; value: string };
      told.push(`${request.headers.authorization === `Bearer ${SECRET}` ? action : 'nobody'} ${name}`);
      await (action === 'set' ? pebble.setTxt(name, value) : pebble.clearTxt(name));
      response.writeHead(204).end();
    })();
  });
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
});
afterEach(() => tidegate.close());
after(async () => {
  webhook.close();
  await pebble[Symbol.asyncDispose]();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(settings: Readonly<Record<string, string>>): Promise<void> {
  tidegate = await startTidegate({
    docker: engine.socket,
    settings: {
      TIDEGATE_HTTP: `127.0.0.1:${ports.http}`,
      TIDEGATE_HTTPS: `127.0.0.1:${ports.https}`,
      TIDEGATE_WORKERS: '2',
      TIDEGATE_ACME_DIRECTORY: pebble.directory,
      TIDEGATE_ACME_CA_FILE: path.join(folder, 'root.pem'),
      TIDEGATE_DNS: pebble.dns,
      ...settings,
    },
  });
}

function get(hostname: string): Promise<string> {
  return overTls({ port: ports.https, hostname, ca: root });
}

test('by TLS-ALPN-01, with no plain listener at all', async (t) => {
  await start({ TIDEGATE_ACME_CHALLENGES: 'tls-alpn-01', TIDEGATE_HTTP: 'off', TIDEGATE_WORKERS: '2' });
  const startedAt = performance.now();
  const { id } = await claim({ tidegate, pebble }, 'alpn.example.test', 'shop');
  await verified(tidegate, id, 'active');
  t.diagnostic(`from the claim to the certificate: ${Math.round(performance.now() - startedAt)} ms`);
  for (let i = 0; i < 8; i++) assert.match(await get('alpn.example.test'), /^HTTP\/1\.1 200/);
});

test('by DNS-01, a hostname, a wildcard, and all apps of the installation by one', async (t) => {
  await start({
    TIDEGATE_BASE_DOMAIN: 'apps.example.test',
    TIDEGATE_EDGE_ADDRESSES: '127.0.0.1',
    TIDEGATE_ACME_CHALLENGES: 'dns-01',
    TIDEGATE_ACME_DNS: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/dns`,
    TIDEGATE_ACME_DNS_SECRET: SECRET,
  });
  const startedAt = performance.now();
  for (const hostname of ['dns.example.test', '*.wild.example.test']) {
    const { id } = await claim({ tidegate, pebble }, hostname, 'shop');
    await verified(tidegate, id, 'active');
    t.diagnostic(`${hostname} ${Math.round(performance.now() - startedAt)} ms after the first claim`);
  }
  for (const hostname of ['dns.example.test', 'any.wild.example.test', 'other.wild.example.test']) {
    assert.match(await get(hostname), /^HTTP\/1\.1 200/, hostname);
  }
  await until(async () => (await get('shop.apps.example.test')).startsWith('HTTP/1.1 200'), {
    ...SOON,
    what: 'the app has the certificate of the installation',
  });
  const list = await tidegate.adminJson<{ items: { names: string[]; tenant: string | null }[] }>('/v1/certificates');
  const shown = list.items.map(({ names, tenant }) => `${names.join(' ')} ${tenant}`).sort();
  assert.deepEqual(shown, ['*.apps.example.test null', '*.wild.example.test default', 'dns.example.test default']);
  for (const name of ['dns', 'wild', 'apps'].map((one) => `_acme-challenge.${one}.example.test`)) {
    assert.ok(told.includes(`set ${name}`) && told.includes(`clear ${name}`), told.join(', '));
  }
});
