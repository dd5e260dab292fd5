/** HTTP/2 over TLS: agreed on in the handshake, bound to the certificate that was shown. */
import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { onEveryTlsLane, type TlsRig } from '../support/tls.ts';
import { echo } from '../support/upstreams.ts';

const H2 = { ALPNProtocols: ['h2', 'http/1.1'] };

async function session(rig: TlsRig): Promise<ClientHttp2Session> {
  const socket = await rig.secure(H2);
  const client = connect('https://app.test', { createConnection: () => socket });
  client.on('error', () => {});
  rig.owns({ close: () => client.destroy() });
  return client;
}

function status(client: ClientHttp2Session, authority: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':path': '/', ':authority': authority });
    stream.on('response', (headers) => resolve(Number(headers[constants.HTTP2_HEADER_STATUS])));
    stream.on('error', reject);
    stream.resume();
  });
}

onEveryTlsLane('the best protocol both speak is agreed on', {}, async (rig) => {
  const best = rig.lane === 'slow' ? 'http/1.1' : 'h2';
  assert.equal(await rig.handshake(H2), `TLSv1.3 ${best}`);
  assert.equal(await rig.handshake({ ALPNProtocols: ['http/1.1'] }), 'TLSv1.3 http/1.1');
  assert.equal(
    await rig.handshake({ ALPNProtocols: ['h3', 'http/1.1', 'h2'], maxVersion: 'TLSv1.2' }),
    `TLSv1.2 ${best}`,
  );
});

onEveryTlsLane('requests for what the certificate stands for are served, others are misdirected', {}, async (rig) => {
  if (rig.lane === 'slow') return;
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  rig.addSet({ host: 'other.test', set: 'other', ports: [replica.port] });
  const client = await session(rig);
  assert.equal(await status(client, 'app.test'), 200);
  assert.equal(await status(client, 'other.test'), 421);
  assert.equal(await status(client, 'app.test'), 200);
});
