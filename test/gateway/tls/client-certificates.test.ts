/** Client certificates on every lane: who is let in by which, and what the container hears of it. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SetPolicy } from '#core/set';
import { testAuthority } from '#test/certs/certificate-authority';
import { until } from '#test/support/until';
import { onEveryTlsLane, type TlsRig, talk } from '../support/tls.ts';
import { echo } from '../support/upstreams.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n';
const HALF_HOUR_MS = 1_800_000;
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const REQUIRED: Partial<SetPolicy> = { clientCertificates: { authority: 'partners', optional: false } };
const OPTIONAL: Partial<SetPolicy> = { clientCertificates: { authority: 'partners', optional: true } };

const partners = testAuthority('Partners CA');
const others = testAuthority('Others CA');
const good = partners.issueClient({ subject: 'good' });

async function withApp(rig: TlsRig, policy: Partial<SetPolicy>): Promise<void> {
  rig.clientAuthorities.put('partners', partners.certificate);
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port], policy });
}

/** What the replica heard in a field; null: it was not asked, or not told. */
function heard(answer: string, field: string): string | null {
  return new RegExp(`"${field}","([^"]*)"`, 'i').exec(answer)?.[1] ?? null;
}

/** The outcome of a request: its status, and the error if it is one. */
function outcome(answer: string): string {
  const error = /^x-tidegate-error: (\S+)/im.exec(answer)?.[1];
  return `${answer.slice(9, 12)}${error === undefined ? '' : ` ${error}`}`;
}

function asHeard({ cert }: { readonly cert: string }): string {
  return `:${new X509Certificate(cert).raw.toString('base64')}:`;
}

onEveryTlsLane('a certificate of the authority lets a client in, and the container is given it', {}, async (rig) => {
  await withApp(rig, REQUIRED);
  for (const maxVersion of VERSIONS) {
    const answer = await talk(await rig.secure({ ...good, maxVersion }), REQUEST);
    assert.equal(outcome(answer), '200', maxVersion);
    assert.equal(heard(answer, 'Client-Cert'), asHeard(good));
  }
});

onEveryTlsLane('without a certificate the handshake goes on and the request is refused', {}, async (rig) => {
  await withApp(rig, REQUIRED);
  for (const maxVersion of VERSIONS) {
    const answer = await talk(await rig.secure({ maxVersion }), REQUEST);
    assert.equal(outcome(answer), '403 client_certificate_required', maxVersion);
  }
});

onEveryTlsLane('a certificate that does not verify is refused, where it is optional too', {}, async (rig) => {
  await withApp(rig, REQUIRED);
  const lost = partners.intermediate('Lost').issueClient();
  const bad = {
    'of another authority': others.issueClient(),
    'of an authority of the same name': testAuthority('Partners CA').issueClient(),
    'that has ended': partners.issueClient({ notAfterMs: Date.now() - HALF_HOUR_MS }),
    'that has not begun': partners.issueClient({ notBeforeMs: Date.now() + HALF_HOUR_MS }),
    'for servers': partners.issueClient({ usage: 'server' }),
    'signed by itself': testAuthority('Self').own,
    'of an intermediate that was not sent': { ...lost, cert: firstOf(lost.cert) },
  };
  for (const [what, certificate] of Object.entries(bad)) {
    for (const maxVersion of VERSIONS) {
      const answer = await talk(await rig.secure({ ...certificate, maxVersion }), REQUEST);
      assert.equal(outcome(answer), '403 client_certificate_invalid', `${what}, ${maxVersion}`);
    }
  }
  rig.addSet({ ports: [], policy: OPTIONAL });
  const answer = await talk(await rig.secure(others.issueClient()), REQUEST);
  assert.equal(outcome(answer), '403 client_certificate_invalid', 'optional');
});

onEveryTlsLane('where it is optional clients without one are served, and nothing is said of them', {}, async (rig) => {
  await withApp(rig, OPTIONAL);
  for (const maxVersion of VERSIONS) {
    const without = await talk(await rig.secure({ maxVersion }), REQUEST);
    assert.equal(outcome(without), '200');
    assert.equal(heard(without, 'Client-Cert'), null);
    const withOne = await talk(await rig.secure({ ...good, maxVersion }), REQUEST);
    assert.equal(outcome(withOne), '200');
    assert.equal(heard(withOne, 'Client-Cert'), asHeard(good));
  }
});

onEveryTlsLane('intermediates come with the certificate, or are trusted by themselves', {}, async (rig) => {
  await withApp(rig, REQUIRED);
  const branch = partners.intermediate('Branch CA');
  const client = branch.intermediate('Desk CA').issueClient();
  assert.equal(outcome(await talk(await rig.secure(client), REQUEST)), '200');
  rig.clientAuthorities.put('partners', branch.certificate);
  assert.equal(outcome(await talk(await rig.secure(client), REQUEST)), '200', 'the branch alone is trusted');
  const elsewhere = await talk(await rig.secure(good), REQUEST);
  assert.equal(outcome(elsewhere), '403 client_certificate_invalid', 'not what its root has signed otherwise');
});

onEveryTlsLane(
  'clients are told the names of that authority alone',
  { names: ['app.test', 'free.test'] },
  async (rig) => {
    await withApp(rig, REQUIRED);
    const replica = await rig.app(echo);
    rig.addSet({ host: 'free.test', set: 'free', ports: [replica.port] });
    rig.clientAuthorities.put('others', others.certificate);
    const asked = await askedBy(rig, 'app.test');
    assert.ok(asked.includes('Partners CA') && !asked.includes('Others CA'));
    assert.ok(!(await askedBy(rig, 'free.test')).includes('Partners CA'), 'other hostnames ask for nothing');
    const answer = await talk(await rig.secure({ ...good, servername: 'free.test' }), REQUEST.replace('app', 'free'));
    assert.equal(outcome(answer), '200');
    assert.equal(heard(answer, 'Client-Cert'), null);
  },
);

onEveryTlsLane(
  'what clients claim of certificates never reaches a container',
  { trusted: ['127.0.0.0/8'] },
  async (rig) => {
    await withApp(rig, OPTIONAL);
    const claims =
      'Client-Cert: :Zm9v:\r\nclient-cert-chain: :Zm9v:\r\nClient_Cert: :Zm9v:\r\nCLIENT-CERT: :YmFy:\r\nX-Other: 1\r\n';
    const request = REQUEST.replace('\r\n\r\n', `\r\n${claims}\r\n`);
    for (const certificate of [good, {}]) {
      const answer = await talk(await rig.secure(certificate), request);
      assert.equal(outcome(answer), '200');
      const own = 'cert' in certificate ? asHeard(good) : null;
      assert.equal(heard(answer, 'Client-Cert'), own);
      assert.doesNotMatch(answer, /Zm9v|YmFy/);
      assert.equal(heard(answer, 'X-Other'), '1');
    }
    assert.doesNotMatch(await rig.talk(request), /Zm9v|YmFy/, 'plain HTTP');
    rig.addSet({ ports: [] });
    assert.doesNotMatch(await talk(await rig.secure(), request), /Zm9v|YmFy/, 'where nobody asks for certificates');
    assert.doesNotMatch(await rig.talk(request), /Zm9v|YmFy/);
  },
);

onEveryTlsLane('plain HTTP is sent to HTTPS where a certificate is required', {}, async (rig) => {
  await withApp(rig, REQUIRED);
  const answer = await rig.talk(REQUEST);
  assert.equal(outcome(answer), '308');
  assert.match(answer, /^location: https:\/\/app\.test\//im);
  rig.addSet({ ports: [], policy: OPTIONAL });
  assert.equal(outcome(await rig.talk(REQUEST)), '200');
});

onEveryTlsLane('a proxy that encrypts on its own has proved nothing', { trusted: ['127.0.0.0/8'] }, async (rig) => {
  await withApp(rig, REQUIRED);
  const request = REQUEST.replace('\r\n\r\n', '\r\nX-Forwarded-Proto: https\r\n\r\n');
  assert.equal(outcome(await rig.talk(request)), '403 client_certificate_required');
});

onEveryTlsLane('an authority that is not there lets nobody in, whatever they send', {}, async (rig) => {
  await withApp(rig, REQUIRED);
  rig.clientAuthorities.drop('partners');
  for (const policy of [REQUIRED, OPTIONAL]) {
    rig.addSet({ ports: [], policy });
    for (const certificate of [good, {}]) {
      const answer = await talk(await rig.secure(certificate), REQUEST);
      assert.equal(outcome(answer), '503 client_ca_missing');
    }
  }
});

onEveryTlsLane('a change of the authority holds from the next request on', {}, async (rig) => {
  await withApp(rig, REQUIRED);
  const request = REQUEST.replace('Connection: close\r\n', '');
  const socket = await rig.secure(good);
  const first = reading(socket);
  socket.write(request);
  await until(() => first().includes('Client-Cert'));
  rig.clientAuthorities.put('partners', others.certificate);
  assert.equal(outcome(await talk(socket, request)), '421 misdirected', 'and the connection ends');
  assert.equal(outcome(await talk(await rig.secure(good), REQUEST)), '403 client_certificate_invalid');
  assert.equal(outcome(await talk(await rig.secure(others.issueClient()), REQUEST)), '200');
  rig.clientAuthorities.put('partners', partners.certificate, others.certificate);
  assert.equal(outcome(await talk(await rig.secure(good), REQUEST)), '200');
  assert.equal(outcome(await talk(await rig.secure(others.issueClient()), REQUEST)), '200');
});

onEveryTlsLane(
  'a connection for one name is no proof for another that asks',
  { names: ['*.app.test'] },
  async (rig) => {
    await withApp(rig, REQUIRED);
    rig.clientAuthorities.put('others', others.certificate);
    const { port } = await rig.app(echo);
    const other: Partial<SetPolicy> = { clientCertificates: { authority: 'others', optional: true } };
    rig.addSet({ host: 'free.app.test', set: 'free', ports: [port] });
    rig.addSet({ host: 'asks.app.test', set: 'asks', ports: [port], policy: REQUIRED });
    rig.addSet({ host: 'too.app.test', set: 'too', ports: [port], policy: OPTIONAL });
    rig.addSet({ host: 'other.app.test', set: 'other', ports: [port], policy: other });
    const ask = async (from: string, to: string): Promise<string> => {
      const socket = await rig.secure({ ...good, servername: `${from}.app.test` });
      return outcome(await talk(socket, REQUEST.replace('app.test', `${to}.app.test`)));
    };
    assert.equal(await ask('asks', 'asks'), '200');
    assert.equal(await ask('asks', 'free'), '200');
    assert.equal(await ask('asks', 'too'), '200', 'the same authority');
    assert.equal(await ask('free', 'asks'), '421 misdirected');
    assert.equal(await ask('free', 'too'), '421 misdirected');
    assert.equal(await ask('asks', 'other'), '421 misdirected');
    assert.equal(await ask('other', 'asks'), '421 misdirected');
    assert.equal(await ask('other', 'other'), '403 client_certificate_invalid');
  },
);

onEveryTlsLane('one path of a hostname may ask while the others do not', {}, async (rig) => {
  await withApp(rig, {});
  rig.clientAuthorities.put('others', others.certificate);
  const { port } = await rig.app(echo);
  rig.addSet({ set: 'admin', ports: [port], policy: REQUIRED, route: { path: '/admin' } });
  const other: Partial<SetPolicy> = { clientCertificates: { authority: 'others', optional: false } };
  rig.addSet({ set: 'other', ports: [port], policy: other, route: { path: '/admin/other' } });
  const ask = async (path: string, certificate: object): Promise<string> => {
    return outcome(await talk(await rig.secure(certificate), REQUEST.replace('GET /', `GET ${path}`)));
  };
  assert.equal(await ask('/', {}), '200');
  assert.equal(await ask('/', others.issueClient()), '200', 'nobody looks at it there');
  assert.equal(await ask('/admin', {}), '403 client_certificate_required');
  assert.equal(await ask('/admin', good), '200');
  assert.equal(await ask('/admin/other', others.issueClient()), '503 client_ca_missing', 'one authority a hostname');
});

onEveryTlsLane('a preflight request, which carries no certificate, is answered by the gateway', {}, async (rig) => {
  const methods = ['GET', 'PUT'];
  const rest = { headers: null, expose: [], credentials: true, maxAgeS: null };
  await withApp(rig, { ...REQUIRED, cors: { origins: ['https://page.test'], methods, ...rest } });
  const preflight = REQUEST.replace('GET', 'OPTIONS').replace(
    '\r\n\r\n',
    '\r\nOrigin: https://page.test\r\nAccess-Control-Request-Method: PUT\r\n\r\n',
  );
  assert.equal(outcome(await talk(await rig.secure(), preflight)), '204');
  const request = preflight.replace('OPTIONS', 'PUT');
  assert.equal(outcome(await talk(await rig.secure(), request)), '403 client_certificate_required');
});

const lines: string[] = [];

onEveryTlsLane('the access log names the certificate', { accessLog: (line) => void lines.push(line) }, async (rig) => {
  lines.length = 0;
  await withApp(rig, OPTIONAL);
  await talk(await rig.secure(good), REQUEST);
  await talk(await rig.secure(), REQUEST);
  await until(() => lines.length === 2);
  const [proved, plain] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(proved?.certificate, new X509Certificate(good.cert).fingerprint256);
  assert.equal(plain?.certificate, undefined);
});

/** Everything a socket has received so far. */
function reading(socket: TLSSocket): () => string {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  return () => text;
}

/** What the server says up to its request for a certificate: in TLS 1.2 that is for everybody on the way to read. */
async function askedBy(rig: TlsRig, servername: string): Promise<string> {
  let said = '';
  const relay = createServer((client) => {
    const server = connect(rig.tlsPort, '127.0.0.1');
    server.on('data', (octets) => {
      said += octets.toString('latin1');
    });
    for (const socket of [client, server]) socket.on('error', () => {});
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const socket = rig.dial({ port: (relay.address() as AddressInfo).port, servername, maxVersion: 'TLSv1.2' });
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve));
  socket.destroy();
  relay.close();
  return said;
}

function firstOf(chain: string): string {
  return chain.slice(0, chain.indexOf('-----END CERTIFICATE-----') + '-----END CERTIFICATE-----\n'.length);
}
