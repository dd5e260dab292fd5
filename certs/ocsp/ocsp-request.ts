/** The question whether a certificate has been revoked (RFC 6960 4.1), and by what its answer is recognised. */
import { createHash, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

const SHA1 = asn1.oidToDer('1.3.14.3.2.26').getBytes();
/** After the version: serial number, algorithm, issuer, validity, subject, key. */
const [SERIAL, ISSUER, SUBJECT_KEY] = [1, 3, 6];

/** Names one certificate to a responder. Octets as latin1, as in `node-forge`. */
export interface CertificateId {
  readonly issuerNameHash: string;
  readonly issuerKeyHash: string;
  readonly serial: string;
}

/** @param chain PEM, the certificate and who signed it; null: the second one is missing */
export function certificateIdOf(
  chain: string,
): { readonly id: CertificateId; readonly issuer: X509Certificate } | null {
  const [leaf, signer] = (chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  );
  if (leaf === undefined || signer === undefined) return null;
  const fields = fieldsOf(leaf);
  const key = partsOf(fieldsOf(signer)[SUBJECT_KEY])[1]?.value;
  const serial = fields[SERIAL]?.value;
  const name = fields[ISSUER];
  if (typeof key !== 'string' || typeof serial !== 'string' || name === undefined) return null;
  const id = {
    issuerNameHash: sha1(asn1.toDer(name).getBytes()),
    // Without the octet that says how many bits are unused.
    issuerKeyHash: sha1(key.slice(1)),
    serial,
  };
  return { id, issuer: signer };
}

/** DER. */
export function ocspRequest({ issuerNameHash, issuerKeyHash, serial }: CertificateId): Buffer {
  const { SEQUENCE, OID, NULL, OCTETSTRING, INTEGER } = asn1.Type;
  const name = sequence(
    sequence(primitive(OID, SHA1), primitive(NULL, '')),
    primitive(OCTETSTRING, issuerNameHash),
    primitive(OCTETSTRING, issuerKeyHash),
    primitive(INTEGER, serial),
  );
  const request = sequence(sequence(sequence(sequence(name))));
  return Buffer.from(asn1.toDer(request).getBytes(), 'latin1');

  function sequence(...parts: Asn1[]): Asn1 {
    return asn1.create(asn1.Class.UNIVERSAL, SEQUENCE, true, parts);
  }
  function primitive(type: forge.asn1.Type, value: string): Asn1 {
    return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
  }
}

/** Reads DER without a guess at what bit strings hold. */
export function derOf(octets: Uint8Array | string): Asn1 {
  const text = typeof octets === 'string' ? octets : Buffer.from(octets).toString('latin1');
  return asn1.fromDer(forge.util.createBuffer(text), { decodeBitStrings: false } as never);
}

export function partsOf(node: Asn1 | undefined): Asn1[] {
  return Array.isArray(node?.value) ? node.value : [];
}

function fieldsOf(certificate: X509Certificate): Asn1[] {
  return partsOf(partsOf(derOf(certificate.raw))[0]);
}

function sha1(octets: string): string {
  return createHash('sha1').update(octets, 'latin1').digest().toString('latin1');
}
