/** Replicas that speak TLS. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '#test/support/until';
import { onEveryLane } from './support/rig.ts';
import { echo, serve } from './support/upstreams.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-tls-'));
after(() => rmSync(folder, { recursive: true }));

/** A certificate nobody has reason to trust. */
function selfSigned(): ServerOptions {
  const key = path.join(folder, 'key.pem');
  const cert = path.join(folder, 'cert.pem');
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  execFileSync('openssl', [...args, '-subj', '/CN=replica', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

onEveryLane('a replica with proto=https is reached over TLS by its hostname', {}, async (rig) => {
  const names: unknown[] = [];
  const server = createServer(selfSigned(), (request, response) => {
    names.push((request.socket as TLSSocket).servername);
    echo(request, response);
  });
  const replica = rig.owns(await serve(server));
  rig.addSet({ ports: [replica.port], policy: { proto: 'https' } });
  for (let i = 0; i < 3; i++) {
    const answer = await rig.send({ method: 'POST', body: 'secret' });
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.text).body, 'secret');
  }
  assert.deepEqual(names, ['app.test', 'app.test', 'app.test']);
  assert.equal(replica.opened(), 1, 'connections are kept');
});

onEveryLane('hostnames do not share a TLS connection that was opened for one of them', {}, async (rig) => {
  const names: unknown[] = [];
  const server = createServer(selfSigned(), (request, response) => {
    names.push((request.socket as TLSSocket).servername);
    response.end();
  });
  const replica = rig.owns(await serve(server));
  rig.addSet({ host: '*.app.test', ports: [replica.port], policy: { proto: 'https' } });
  for (const host of ['a.app.test', 'b.app.test', 'a.app.test']) await rig.send({ host });
  assert.deepEqual(names, ['a.app.test', 'b.app.test', 'a.app.test']);
  assert.equal(replica.opened(), 2);
});

onEveryLane('a WebSocket passes over TLS too', {}, async (rig) => {
  const server = createServer(selfSigned());
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(message)));
  const replica = rig.owns(await serve(server));
  const { pool } = rig.addSet({ ports: [replica.port], policy: { proto: 'https' } });
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/`, { headers: { host: 'app.test' } });
  let heard = '';
  socket.on('message', (message) => {
    heard = message.toString();
  });
  socket.on('open', () => socket.send('over TLS'));
  await until(() => heard === 'over TLS');
  socket.close();
  await until(() => pool.inFlight === 0 && replica.open() === 0);
});

onEveryLane('a replica that speaks no TLS is a protocol error', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port], policy: { proto: 'https' } });
  const answer = await rig.send();
  assert.equal(answer.status, 502);
  assert.equal(answer.headers['x-tidegate-error'], 'upstream_protocol');
});
