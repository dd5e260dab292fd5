/** What a connection says of its client, and when it is believed. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { ClientProof, type TlsPeer } from '#gateway/tls/client-proof';
import { testAuthority } from '#test/certs/certificate-authority';

const authority = testAuthority();
const asked = { name: 'partners', certificates: [authority.certificate], digest: 'd' };
const certificate = new X509Certificate(authority.issueClient().cert);
const endsMs = certificate.validToDate.getTime();
const FINISHED: TlsPeer = {
  verifyError: () => null,
  getPeerCertificate: () => ({ raw: certificate.raw }),
  getPeerFinished: () => Buffer.alloc(12),
};

const faults: string[] = [];
beforeEach(() => {
  faults.length = 0;
});

function proofOf(peer: Partial<TlsPeer>): ClientProof {
  const proof = new ClientProof(asked, (fault) => void faults.push(fault));
  proof.attach({ ...FINISHED, ...peer });
  return proof;
}

test('a certificate that verified is proof as long as it is in force', () => {
  const proof = proofOf({});
  assert.equal(proof.standing(endsMs), 'verified');
  assert.equal(proof.line, `Client-Cert: :${certificate.raw.toString('base64')}:\r\n`);
  assert.equal(proof.fingerprint, certificate.fingerprint256);
  assert.equal(proof.standing(endsMs + 1), 'invalid');
  assert.equal(proof.line, '');
  assert.equal(proof.standing(endsMs + 2), 'invalid');
  assert.deepEqual(faults, ['CERT_HAS_EXPIRED'], 'told once');
});

test('nothing is proved before the handshake has ended', () => {
  let finished: Buffer | undefined;
  const proof = proofOf({ getPeerFinished: () => finished });
  assert.equal(proof.standing(endsMs), 'absent');
  assert.equal(proof.line, '');
  finished = Buffer.alloc(12);
  assert.equal(proof.standing(endsMs), 'verified');
});

test('a session that verifies without a certificate proves nothing', () => {
  for (const none of [undefined, {}]) {
    const proof = proofOf({ getPeerCertificate: () => none });
    assert.equal(proof.standing(0), 'absent');
    assert.equal(proof.line, '');
    assert.equal(proof.fingerprint, null);
  }
});

test('of a certificate that does not verify the reason alone is kept', () => {
  const error = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  const proof = proofOf({ verifyError: () => error });
  assert.equal(proof.standing(0), 'invalid');
  assert.deepEqual(faults, ['DEPTH_ZERO_SELF_SIGNED_CERT']);
  assert.equal(proof.line, '');
  assert.equal(proof.fingerprint, null);
});

test('a connection is asked once, and never after its end', () => {
  let times = 0;
  const peer: Partial<TlsPeer> = {
    verifyError: () => {
      times++;
      return null;
    },
  };
  const proof = proofOf(peer);
  for (let i = 0; i < 3; i++) proof.standing(0);
  assert.equal(times, 1);
  proof.detach();
  assert.equal(proof.standing(0), 'verified', 'what was known stays');
  const late = proofOf(peer);
  late.detach();
  assert.equal(late.standing(0), 'absent');
  assert.equal(times, 1);
});
