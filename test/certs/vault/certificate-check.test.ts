/** What is taken for a usable certificate, and the name of each fault. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import test from 'node:test';
import { type CertificateInput, checkCertificate } from '#certs/vault/certificate-check';
import { signCertificate } from '#certs/x509';
import { testAuthority } from '../certificate-authority.ts';
import { publicCertificates } from './public-certificate.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.now();

interface Party {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function party(name: string, keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })): Party {
  return { name, ...keys };
}

function signed(
  subject: Party,
  issuer: Party,
  names: readonly string[] | null,
  changes: { from?: number; to?: number } = {},
): string {
  return signCertificate({
    subject: subject.name,
    issuer: issuer.name,
    names: names ?? [],
    publicKey: subject.publicKey,
    issuerKey: issuer.privateKey,
    issuerPublicKey: issuer.publicKey,
    isAuthority: names === null,
    notBeforeMs: NOW + (changes.from ?? -HOUR_MS),
    notAfterMs: NOW + (changes.to ?? HOUR_MS),
    serial: randomBytes(16),
  });
}

function pem({ privateKey }: Party): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Codes of the faults; none: it is taken. */
function faultsOf(input: Omit<CertificateInput, 'now'>, now = NOW): string[] {
  const check = checkCertificate({ ...input, now });
  if (check.ok) return [];
  for (const fault of check.faults) {
    assert.ok(fault.fix !== '' && fault.detail !== '');
    assert.equal(fault.field, fault.code.startsWith('key_') ? 'private_key' : 'certificate');
  }
  return check.faults.map((fault) => fault.code);
}

const [root, lower, upper, owner, stranger] = ['Root', 'Lower', 'Upper', 'shop.test', 'stranger'].map((name) =>
  party(name),
) as [Party, Party, Party, Party, Party];
const leaf = signed(owner, lower, ['shop.test', '*.shop.test']);
const lowerPem = signed(lower, upper, null);
const upperPem = signed(upper, root, null);
const rootPem = signed(root, root, null);
const key = pem(owner);

test('a whole chain is taken, with or without its root, and what it says is read', () => {
  for (const chain of [leaf + lowerPem + upperPem, leaf + lowerPem + upperPem + rootPem, leaf]) {
    assert.deepEqual(faultsOf({ chain, key }), []);
  }
  const check = checkCertificate({ chain: `Bag Attributes\r\n${leaf}\n\nmore ${lowerPem}`, key, now: NOW });
  assert.ok(check.ok);
  assert.equal(check.certificate.chain.replaceAll('\n', ''), (leaf + lowerPem).replaceAll('\n', ''));
  assert.deepEqual(check.certificate.names, ['shop.test', '*.shop.test']);
  assert.equal(check.certificate.keyType, 'ecdsa-p256');
  assert.equal(check.certificate.notAfter, Math.floor((NOW + HOUR_MS) / 1000) * 1000);
  assert.match(check.certificate.serial, /^[0-9A-F]+$/);
  assert.equal(check.certificate.mustStaple, false);
  assert.equal(check.certificate.ocspUrl, null);
});

test('a chain out of order, with a gap or with a stranger in it is named as such', () => {
  assert.deepEqual(faultsOf({ chain: leaf + upperPem + lowerPem, key }), ['chain_order']);
  assert.deepEqual(faultsOf({ chain: lowerPem + leaf, key }), ['chain_order']);
  assert.deepEqual(faultsOf({ chain: leaf + upperPem, key }), ['chain_incomplete']);
  assert.deepEqual(faultsOf({ chain: leaf + lowerPem + signed(stranger, stranger, null), key }), ['chain_incomplete']);
  // The right name, another key.
  const impostor = party('Lower');
  assert.deepEqual(faultsOf({ chain: leaf + signed(impostor, upper, null), key }), ['chain_incomplete']);
});

test('a public certificate without its intermediate is incomplete; its OCSP and must-staple are read', () => {
  const { leaf: alone, issuer, key: publicKey } = publicCertificates('public.test');
  assert.deepEqual(faultsOf({ chain: alone, key: publicKey }), ['chain_incomplete']);
  const check = checkCertificate({ chain: alone + issuer, key: publicKey, now: NOW });
  assert.ok(check.ok);
  assert.equal(check.certificate.ocspUrl, 'http://ocsp.example.test');
  assert.equal(check.certificate.mustStaple, true);
  assert.equal(check.certificate.keyType, 'rsa-2048');
});

test('keys that do not fit, cannot be read or are not supported are named', () => {
  assert.deepEqual(faultsOf({ chain: leaf, key: pem(stranger) }), ['key_mismatch']);
  assert.deepEqual(faultsOf({ chain: leaf, key: 'no key' }), ['key_unreadable']);
  const locked = owner.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  assert.deepEqual(faultsOf({ chain: leaf, key: locked.toString() }), ['key_unreadable']);
  const kinds = [
    [party('a.test', generateKeyPairSync('ed25519')), ['key_unsupported']],
    [party('a.test', generateKeyPairSync('rsa', { modulusLength: 1024 })), ['key_unsupported']],
    [party('a.test', generateKeyPairSync('ec', { namedCurve: 'secp384r1' })), []],
  ] as const;
  for (const [one, wanted] of kinds) {
    assert.deepEqual(faultsOf({ chain: signed(one, lower, ['a.test']), key: pem(one) }), wanted);
  }
});

test('what cannot be read, is out of its time or names nothing is named, all faults at once', () => {
  assert.deepEqual(faultsOf({ chain: '', key }), ['certificate_unreadable']);
  assert.deepEqual(faultsOf({ chain: '', key: '' }), ['certificate_unreadable', 'key_unreadable']);
  const broken = leaf.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  assert.deepEqual(faultsOf({ chain: broken, key }), ['certificate_unreadable']);
  assert.deepEqual(faultsOf({ chain: leaf + broken, key }), ['certificate_unreadable']);
  assert.deepEqual(faultsOf({ chain: leaf, key }, NOW + HOUR_MS), ['expired']);
  assert.deepEqual(faultsOf({ chain: signed(owner, lower, ['a.test'], { from: HOUR_MS, to: 2 * HOUR_MS }), key }), [
    'not_yet_valid',
  ]);
  assert.deepEqual(faultsOf({ chain: signed(owner, lower, []), key }), ['names_none']);
  const poor = signed(owner, lower, [], { to: -1000 });
  assert.deepEqual(faultsOf({ chain: poor, key, names: ['a.test'] }), ['expired', 'names_none', 'names_missing']);
});

test('wanted names have to be covered, by a wildcard for one label', () => {
  const faults = (...names: string[]): string[] => faultsOf({ chain: leaf, key, names });
  assert.deepEqual(faults('shop.test', 'a.shop.test', '*.shop.test'), []);
  for (const name of ['b.a.shop.test', 'other.test', '*.a.shop.test', '*.test']) {
    assert.deepEqual(faults('shop.test', name), ['names_missing'], name);
  }
});

test('a certificate of the tests themselves is one that would be taken', () => {
  assert.deepEqual(faultsOf(testAuthority().issue(['shop.test'])), []);
});
