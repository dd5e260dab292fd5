/** TLS-ALPN-01 (RFC 8737): a certificate authority is shown the challenge's certificate, and no other client ever is. */
import assert from 'node:assert/strict';
import { until } from '#test/support/until';
import { onEveryTlsLane, talk } from '../support/tls.ts';
import { echo } from '../support/upstreams.ts';

const ACME = { ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false };
const ASK = 'GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n';

onEveryTlsLane('an authority sees the certificate of the challenge while it stands', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  const challenge = rig.authority.issue(['app.test']);
  const { challenges } = rig.gateway;
  assert.match(await rig.handshake(ACME), /UNRECOGNIZED_NAME|ECONNRESET|closed/);
  await challenges.showTls('app.test', challenge);

  const authority = await rig.secure(ACME);
  assert.equal(authority.alpnProtocol, 'acme-tls/1');
  const shown = authority.getPeerX509Certificate();
  assert.ok(shown !== undefined && challenge.chain.includes(shown.toString().trim()));
  // There is nothing to be had on this connection.
  authority.write(ASK);
  await until(() => authority.destroyed, { what: 'the end of the connection' });

  const client = await rig.secure();
  const usual = client.getPeerX509Certificate();
  assert.notEqual(usual?.serialNumber, shown.serialNumber);
  assert.match(await rig.handshake({ ...ACME, servername: 'other.test' }), /UNRECOGNIZED_NAME|ECONNRESET|closed/);

  challenges.hideTls('app.test');
  assert.match(await rig.handshake(ACME), /UNRECOGNIZED_NAME|ECONNRESET|closed/);
});

onEveryTlsLane('answers of HTTP-01 are given in the clear alone', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  await rig.gateway.challenges.showHttp('token', 'token.thumb');
  assert.doesNotMatch(await talk(await rig.secure(), ASK), /token\.thumb/);
  assert.match(await rig.talk(ASK), /\r\n\r\ntoken\.thumb$/);
});
