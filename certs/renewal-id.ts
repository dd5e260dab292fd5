/** What an authority calls a certificate where it is asked about its renewal (ARI, RFC 9773 4.1). */
import forge from 'node-forge';

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

const AUTHORITY_KEY_ID = asn1.oidToDer('2.5.29.35').getBytes();

/**
 * Key of its issuer and serial number, each in base64url.
 * @param der the certificate
 * @returns null when it does not name the key of its issuer
 */
export function renewalIdOf(der: Uint8Array): string | null {
  try {
    const [body] = parts(asn1.fromDer(forge.util.createBuffer(Buffer.from(der).toString('latin1'))));
    const fields = parts(body);
    // With a version before it, as every certificate that has extensions.
    const serial = fields[1]?.value;
    const extensions = parts(parts(fields.find((one) => isContext(one, 3)))[0]);
    const found = extensions.find((one) => parts(one)[0]?.value === AUTHORITY_KEY_ID);
    const octets = parts(found).at(-1)?.value;
    if (typeof serial !== 'string' || typeof octets !== 'string') return null;
    const keyId = parts(asn1.fromDer(octets)).find((one) => isContext(one, 0))?.value;
    if (typeof keyId !== 'string') return null;
    return `${Buffer.from(keyId, 'latin1').toString('base64url')}.${Buffer.from(serial, 'latin1').toString('base64url')}`;
  } catch {
    return null;
  }
}

function parts(node: Asn1 | undefined): Asn1[] {
  return Array.isArray(node?.value) ? node.value : [];
}

function isContext(node: Asn1, type: number): boolean {
  return node.tagClass === asn1.Class.CONTEXT_SPECIFIC && (node.type as number) === type;
}
