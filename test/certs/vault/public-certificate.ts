/** A certificate such as public authorities sign: it says where its issuer is found, where OCSP is asked, and what to staple. */
import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

const { asn1, pki } = forge;
const DAY_MS = 86_400_000;
const URI = 6;
const AUTHORITY_INFO_ACCESS = '1.3.6.1.5.5.7.1.1';
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';
const OCSP = '1.3.6.1.5.5.7.48.1';
const CA_ISSUERS = '1.3.6.1.5.5.7.48.2';

export interface PublicCertificates {
  readonly leaf: string;
  readonly issuer: string;
  readonly key: string;
}

export function publicCertificates(name: string): PublicCertificates {
  const [leafKeys, issuerKeys] = [rsaKeys(), rsaKeys()];
  const issuerName = [{ name: 'commonName', value: 'Public Intermediate' }];
  const issuer = certificate('01', issuerName, [{ name: 'commonName', value: 'Public Root' }], issuerKeys.public);
  issuer.setExtensions([{ name: 'basicConstraints', cA: true, critical: true }]);
  issuer.sign(rsaKeys().private, forge.md.sha256.create());
  const leaf = certificate('02', [{ name: 'commonName', value: name }], issuerName, leafKeys.public);
  const access = sequence(
    sequence(oid(OCSP), uri('http://ocsp.example.test')),
    sequence(oid(CA_ISSUERS), uri('http://ca.example.test/issuer.crt')),
  );
  const feature = sequence(asn1.create(asn1.Class.UNIVERSAL, asn1.Type.INTEGER, false, '\x05'));
  leaf.setExtensions([
    { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    { id: AUTHORITY_INFO_ACCESS, value: asn1.toDer(access).getBytes() },
    { id: TLS_FEATURE, value: asn1.toDer(feature).getBytes() },
  ]);
  leaf.sign(issuerKeys.private, forge.md.sha256.create());
  return {
    leaf: pki.certificateToPem(leaf),
    issuer: pki.certificateToPem(issuer),
    key: pki.privateKeyToPem(leafKeys.private),
  };
}

function certificate(
  serialNumber: string,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  publicKey: forge.pki.rsa.PublicKey,
): forge.pki.Certificate {
  const made = pki.createCertificate();
  made.serialNumber = serialNumber;
  made.publicKey = publicKey;
  made.validity.notBefore = new Date(Date.now() - DAY_MS);
  made.validity.notAfter = new Date(Date.now() + DAY_MS);
  made.setSubject(subject);
  made.setIssuer(issuer);
  return made;
}

function rsaKeys(): { private: forge.pki.rsa.PrivateKey; public: forge.pki.rsa.PublicKey } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const made = pki.privateKeyFromPem(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return { private: made, public: pki.setRsaPublicKey(made.n, made.e) };
}

function sequence(...parts: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
}

function oid(id: string): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(id).getBytes());
}

function uri(value: string): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, URI, false, value);
}
