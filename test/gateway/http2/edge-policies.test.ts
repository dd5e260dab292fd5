/** Policies of the edge for clients that speak HTTP/2: what is said in HTTP/1.1 is said here too. */
import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import type { Rig } from '#test/gateway/support/rig';
import { onHttp2 } from './raw-client.ts';

interface Answer {
  readonly fields: IncomingHttpHeaders;
  readonly body: Buffer;
}

function open(rig: Rig): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${rig.port}`);
  session.on('error', () => {});
  rig.owns({ close: () => session.destroy() });
  return session;
}

async function ask(session: ClientHttp2Session, fields: Record<string, string>): Promise<Answer> {
  const stream = session.request({ ':authority': 'app.test', ...fields });
  const answered = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
    stream.on('response', resolve);
    stream.on('error', reject);
  });
  return { fields: answered, body: await buffer(stream) };
}

onHttp2('an answer is compressed, its fields are set, and a preflight request is answered here', {}, async (rig) => {
  const text = 'a line of text\n'.repeat(2000);
  const replica = await rig.app((_request, response) => {
    response.setHeader('Content-Type', 'text/plain');
    response.setHeader('Content-Length', text.length);
    response.end(text);
  });
  const cors = { origins: ['https://app.example.com'], methods: ['GET'], headers: null, expose: [] } as const;
  rig.addSet({
    ports: [replica.port],
    policy: {
      compress: ['gzip'],
      cors: { ...cors, credentials: false, maxAgeS: null },
      headers: {
        request: { set: [], remove: [] },
        response: { set: [['X-Frame-Options', 'DENY']], remove: ['x-powered-by'] },
      },
    },
  });
  const session = open(rig);
  const origin = 'https://app.example.com';
  const preflight = await ask(session, { ':method': 'OPTIONS', origin, 'access-control-request-method': 'GET' });
  assert.equal(preflight.fields[':status'], 204);
  assert.equal(preflight.fields['content-length'], undefined);
  assert.equal(preflight.fields['access-control-allow-origin'], origin);
  assert.equal(replica.opened(), 0);
  const { fields, body } = await ask(session, { 'accept-encoding': 'gzip', origin });
  assert.equal(gunzipSync(body).toString(), text);
  assert.equal(fields['content-length'], undefined);
  assert.equal(fields['content-encoding'], 'gzip');
  assert.equal(fields['x-frame-options'], 'DENY');
  assert.equal(fields['access-control-allow-origin'], origin);
});

onHttp2('a client without the password is asked for it', {}, async (rig) => {
  const users = [{ name: 'ali', hash: `$2y$04$${'a'.repeat(53)}` }];
  rig.addSet({ ports: [], policy: { auth: { users, realm: 'Staging', forward: false } } });
  const session = open(rig);
  for (const fields of [{}, { authorization: `Basic ${btoa('ali:wrong')}` }]) {
    const answer = await ask(session, fields as Record<string, string>);
    assert.equal(answer.fields[':status'], 401);
    assert.equal(answer.fields['www-authenticate'], 'Basic realm="Staging", charset="UTF-8"');
  }
});
