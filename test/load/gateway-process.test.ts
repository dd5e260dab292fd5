/** The gateway as a process of its own, as the side-by-side benchmark starts it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { tidegate } from '../../load/peers/tidegate.ts';
import type { Site } from '../../load/proxies/candidate.ts';
import { ask } from '../support/tidegate.ts';

/** Two upstreams that say which one they are, and a folder. */
async function site(t: TestContext): Promise<Site> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-site-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const upstreamPorts: number[] = [];
  for (const name of ['first', 'second']) {
    const server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    upstreamPorts.push((server.address() as AddressInfo).port);
  }
  return { folder, cores: [0], upstreamPorts, certificate: null, tunnels: false, workers: 1 };
}

test('all of its routes lead to the upstreams, and no other does', async (t) => {
  const { port, program } = await tidegate({ name: 'tidegate', routes: 1500 }).start(await site(t));
  t.after(() => program.stop());
  for (const number of [0, 999, 1000, 1499]) {
    const { status, body } = await ask(port, { headers: { host: `site${number}.example.test` } });
    assert.equal(status, 200);
    assert.match(body, /^(first|second)$/);
  }
  assert.equal((await ask(port, { headers: { host: 'site1500.example.test' } })).status, 404);
});

test('both upstreams take their part', async (t) => {
  const { port, program } = await tidegate({ name: 'tidegate', routes: 1 }).start(await site(t));
  t.after(() => program.stop());
  const seen = new Set<string>();
  for (let i = 0; i < 200 && seen.size < 2; i++) {
    seen.add((await ask(port, { headers: { host: 'site0.example.test' } })).body);
  }
  assert.deepEqual(seen, new Set(['first', 'second']));
});

test('with an access log every request is a line of it', async (t) => {
  const place = await site(t);
  const { port, program } = await tidegate({ name: 'tidegate', routes: 1, accessLog: true }).start(place);
  await ask(port, { path: '/logged', headers: { host: 'site0.example.test' } });
  await program.stop();
  const lines = readFileSync(path.join(place.folder, 'access.log'), 'utf8').trim().split('\n');
  assert.ok(lines.some((line) => (JSON.parse(line) as { path?: string }).path === '/logged'));
});
