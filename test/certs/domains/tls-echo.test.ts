/** An authority that came by TLS-ALPN-01 would reach us, or the tenant is told what it would meet instead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import { tlsEcho } from '#certs/domains/tls-echo';
import { testAuthority } from '#test/certs/certificate-authority';
import { Rig } from '#test/gateway/support/rig';
import { closedPort, serve } from '#test/gateway/support/upstreams';

const NAME = 'shop.example.test';

test('a gateway of ours is recognised by the certificate that only it shows, which is gone afterwards', async () => {
  const rig = new Rig({ lane: 'fast-handle', certificates: { contextFor: () => null } });
  await rig.start();
  try {
    const { port } = await rig.gateway.listenTls({ host: '127.0.0.1', port: 0 });
    const board = rig.gateway.challenges;
    assert.deepEqual(
      await tlsEcho(NAME, ['127.0.0.1'], { board, isReachable: () => true, ports: [port], now: Date.now() }),
      [],
    );
    assert.equal(board.challengeFor(NAME), null);
  } finally {
    await rig.close();
  }
});

test('what ends TLS elsewhere, and what does not answer, is named', async () => {
  const { chain, key } = testAuthority().issue([NAME]);
  const other = await serve(createServer({ cert: chain, key, ALPNProtocols: ['http/1.1', 'acme-tls/1'] }));
  const deaf = await serve(createServer({ cert: chain, key, ALPNProtocols: ['http/1.1'] }));
  const board = { showHttp: async () => {}, hideHttp: () => {}, showTls: async () => {}, hideTls: () => {} };
  const codeAt = async (port: number): Promise<string | undefined> =>
    (await tlsEcho(NAME, ['127.0.0.1'], { board, isReachable: () => true, ports: [port], now: Date.now() }))[0]?.code;
  try {
    assert.equal(await codeAt(other.port), 'tls.wrong_answer');
    assert.equal(await codeAt(deaf.port), 'tls.port_unreachable');
    assert.equal(await codeAt(await closedPort()), 'tls.port_unreachable');
    const [inward] = await tlsEcho(NAME, ['127.0.0.1'], {
      board,
      isReachable: () => false,
      ports: [other.port],
      now: Date.now(),
    });
    assert.match(inward?.detail ?? '', /no public authority can reach/);
  } finally {
    await other.close();
    await deaf.close();
  }
});
