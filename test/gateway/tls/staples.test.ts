/** What clients that ask are told about the revocation of a certificate. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { ContextCache } from '#certs/context-cache';
import { silentLog } from '#core/log';
import { testAuthority } from '#test/certs/certificate-authority';
import { LANES, Rig } from '../support/rig.ts';

for (const lane of LANES) {
  test(`an answer of a responder goes to whoever asks for it, as long as it holds (${lane} lane)`, async () => {
    const authority = testAuthority();
    const material = authority.issue(['app.test']);
    let staple: { der: Buffer; untilMs: number } | null = null;
    const certificates = new ContextCache({
      ...{ sources: [{ find: () => ({ ...material, staple }) }], wall: Date.now, log: silentLog },
      ticketKeys: randomBytes(48),
    });
    const rig = new Rig({ lane, certificates });
    await rig.start();
    const { port } = await rig.gateway.listenTls({ host: '127.0.0.1', port: 0 });
    const told = (requestOCSP: boolean, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<string | null> =>
      new Promise((resolve, reject) => {
        let answer: string | null = null;
        const options = { host: '127.0.0.1', port, servername: 'app.test', ca: authority.certificate, maxVersion };
        const socket = connect({ ...options, requestOCSP }, () => {
          socket.destroy();
          resolve(answer);
        });
        socket.on('OCSPResponse', (der: Buffer | null) => {
          answer = der === null ? null : der.toString();
        });
        socket.on('error', reject);
      });
    try {
      assert.equal(await told(true, 'TLSv1.3'), null);
      staple = { der: Buffer.from('it is good'), untilMs: Date.now() + 60_000 };
      certificates.forget(null);
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        assert.equal(await told(true, version), 'it is good');
        assert.equal(await told(false, version), null);
      }
      // A newer answer for the same certificate.
      staple = { der: Buffer.from('it is still good'), untilMs: Date.now() + 60_000 };
      certificates.forget(['app.test']);
      assert.equal(await told(true, 'TLSv1.3'), 'it is still good');
      staple = { der: Buffer.from('old'), untilMs: Date.now() - 1 };
      certificates.forget(['app.test']);
      assert.equal(await told(true, 'TLSv1.3'), null);
    } finally {
      await rig.close();
    }
  });
}
