/** Client certificates over HTTP/2, where many requests, for several hostnames, share what one handshake has proved. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { type ClientHttp2Session, connect, createServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ConnectionOptions } from 'node:tls';
import type { SetPolicy } from '#core/set';
import { testAuthority } from '#test/certs/certificate-authority';
import { until } from '#test/support/until';
import { onEveryTlsLane, type TlsRig } from '../support/tls.ts';
import { echo } from '../support/upstreams.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const NAMES = { names: ['*.app.test'] };
const REQUIRED: Partial<SetPolicy> = { clientCertificates: { authority: 'partners', optional: false } };

const partners = testAuthority('Partners CA');
const good = partners.issueClient();
const goodValue = `:${new X509Certificate(good.cert).raw.toString('base64')}:`;

/** `asks` asks for a certificate, `free` does not. */
async function withApps(rig: TlsRig): Promise<void> {
  rig.clientAuthorities.put('partners', partners.certificate);
  const { port } = await rig.app(echo);
  rig.addSet({ host: 'asks.app.test', set: 'asks', ports: [port], policy: REQUIRED });
  rig.addSet({ host: 'free.app.test', set: 'free', ports: [port] });
}

async function session(rig: TlsRig, options: ConnectionOptions): Promise<ClientHttp2Session> {
  const socket = await rig.secure({ servername: 'asks.app.test', ALPNProtocols: ['h2'], ...options });
  const client = connect('https://app.test', { createConnection: () => socket });
  client.on('error', () => {});
  rig.owns({ close: () => client.destroy() });
  return client;
}

interface Answer {
  /** Status, and the error if it is one. */
  readonly outcome: string;
  readonly body: string;
}

async function ask(client: ClientHttp2Session, set: string, fields: Record<string, string> = {}): Promise<Answer> {
  const stream = client.request({ ':path': '/', ':authority': `${set}.app.test`, ...fields });
  const head = new Promise<IncomingHttpHeaders>((resolve) => stream.once('response', resolve));
  const body = await text(stream);
  const headers = await head;
  return { outcome: [headers[':status'], headers['x-tidegate-error'] ?? ''].join(' ').trim(), body };
}

onEveryTlsLane('one handshake lets in all requests of its connection', NAMES, async (rig) => {
  if (rig.lane === 'slow') return;
  await withApps(rig);
  for (const maxVersion of VERSIONS) {
    const proved = await session(rig, { ...good, maxVersion });
    for (let i = 0; i < 2; i++) {
      const { outcome, body } = await ask(proved, 'asks', { 'client-cert': ':Zm9v:', client_cert: ':Zm9v:' });
      assert.equal(outcome, '200', maxVersion);
      assert.ok(body.includes(`"Client-Cert","${goodValue}"`) && !body.includes('Zm9v'), body);
    }
    const free = await ask(proved, 'free', { 'client-cert-chain': ':Zm9v:' });
    assert.equal(free.outcome, '200');
    assert.doesNotMatch(free.body, /client-cert/i);
    assert.equal((await ask(await session(rig, { maxVersion }), 'asks')).outcome, '403 client_certificate_required');
    const bad = testAuthority().issueClient();
    const refused = await ask(await session(rig, { ...bad, maxVersion }), 'asks');
    assert.equal(refused.outcome, '403 client_certificate_invalid', maxVersion);
  }
});

onEveryTlsLane('a connection that was asked for nothing is left for one that is', NAMES, async (rig) => {
  if (rig.lane === 'slow') return;
  await withApps(rig);
  const client = await session(rig, { ...good, servername: 'free.app.test' });
  let isLeft = false;
  client.once('goaway', () => {
    isLeft = true;
  });
  assert.equal((await ask(client, 'free')).outcome, '200');
  assert.equal((await ask(client, 'asks')).outcome, '421 misdirected');
  await until(() => isLeft && client.closed, { what: 'the connection to be given up' });
  assert.equal((await ask(await session(rig, good), 'asks')).outcome, '200');
});

onEveryTlsLane('a replica that speaks HTTP/2 is told as well, and no trailer says otherwise', NAMES, async (rig) => {
  if (rig.lane === 'slow') return;
  await withApps(rig);
  const heard: IncomingHttpHeaders[] = [];
  const replica = createServer((request, response) => {
    heard.push(request.headers);
    request.resume();
    request.on('end', () => {
      heard.push(request.trailers);
      response.end('done');
    });
  });
  await new Promise<void>((resolve) => replica.listen(0, '127.0.0.1', resolve));
  rig.owns({ close: () => void replica.close() });
  const { port } = replica.address() as AddressInfo;
  rig.addSet({ host: 'h2.app.test', set: 'h2', ports: [port], policy: { ...REQUIRED, proto: 'h2c' } });
  const client = await session(rig, { ...good, servername: 'h2.app.test' });
  const stream = client.request(
    { ':path': '/', ':authority': 'h2.app.test', ':method': 'POST', 'client-cert': ':Zm9v:' },
    { endStream: false, waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'client-cert': ':Zm9v:', 'x-sum': '1' }));
  stream.end('body');
  assert.equal(await text(stream), 'done');
  const [head, trailers] = heard;
  assert.equal(head?.['client-cert'], goodValue);
  assert.deepEqual(Object.keys(trailers ?? {}), ['x-sum']);
});
