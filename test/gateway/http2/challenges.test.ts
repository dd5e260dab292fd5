/** HTTP-01 (RFC 8555 8.3) for a certificate authority that speaks HTTP/2 in the clear. */
import assert from 'node:assert/strict';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { onHttp2 } from './raw-client.ts';

const PATH = '/.well-known/acme-challenge';

onHttp2('an authority gets the key authorization on a stream as well, others what the app says', {}, async (rig) => {
  const replica = await rig.app((_request, response) => response.end('the app'));
  rig.addSet({ ports: [replica.port] });
  const session = connect(`http://127.0.0.1:${rig.port}`);
  session.on('error', () => {});
  rig.owns({ close: () => session.destroy() });
  const ask = async (token: string): Promise<readonly [unknown, string]> => {
    const stream = session.request({ ':authority': 'app.test', ':path': `${PATH}/${token}` });
    const fields = new Promise<IncomingHttpHeaders>((resolve, reject) => {
      stream.once('response', resolve);
      stream.once('error', reject);
    });
    return [(await fields)['content-type'], await text(stream)];
  };
  await rig.gateway.challenges.showHttp('token', 'token.thumb');
  assert.deepEqual(await ask('token'), ['application/octet-stream', 'token.thumb']);
  assert.equal((await ask('other'))[1], 'the app');
});
