/** Certificates as the API shows them: everything but the key. */
import { z } from '@hono/zod-openapi';
import type { IssuanceView } from '#certs/acme/issuance-record';
import { CERTIFICATE_STATES, type KeptCertificate } from '#certs/vault/kept-certificate';
import { IssuanceShape, issuanceJson } from './domain-shapes.ts';
import { timeOf } from './time.ts';

const time = z.string().openapi({ format: 'date-time' });

export const CertificateShape = z
  .object({
    id: z.string().openapi({ example: 'crt_01JZZZZZZZZZZZZZZZZZZZZZZZ' }),
    tenant: z.string().nullable().openapi({ description: 'Null: of the platform.' }),
    names: z.array(z.string()),
    state: z.enum(CERTIFICATE_STATES),
    issuer: z.string().openapi({ description: 'Directory URL of the authority, or `import`.' }),
    serial: z.string(),
    key_type: z.string().openapi({ example: 'ecdsa-p256' }),
    not_before: time,
    not_after: time,
    created_at: time,
    must_staple: z.boolean(),
    renewal: z
      .object({ window_start: time.nullable(), window_end: time.nullable(), checked_at: time.nullable() })
      .openapi({ description: 'When the authority advises to renew (RFC 9773).' }),
    last_shown_at: time.nullable(),
    issuance: IssuanceShape.nullable().openapi({ description: 'Of the next one; null: it was brought along.' }),
  })
  .openapi('Certificate');

export const AuthorityShape = z
  .object({
    name: z.string(),
    certificate: z.string().openapi({ description: 'PEM, for whoever is to trust it.' }),
    names: z.array(z.string()).openapi({ description: 'Domains that it signs below.' }),
  })
  .openapi('CertificateAuthority');

export type CertificateJson = z.input<typeof CertificateShape>;

/** @param issuance null: nobody orders it */
export function certificateJson(certificate: KeptCertificate, issuance: IssuanceView | null): CertificateJson {
  const { renewal } = certificate;
  return {
    id: certificate.id,
    tenant: certificate.tenant,
    names: [...certificate.names],
    state: certificate.state,
    issuer: certificate.issuer,
    serial: certificate.serial,
    key_type: certificate.keyType,
    not_before: timeOf(certificate.notBefore),
    not_after: timeOf(certificate.notAfter),
    created_at: timeOf(certificate.createdAt),
    must_staple: certificate.mustStaple,
    renewal: {
      window_start: timeOf(renewal.windowStart),
      window_end: timeOf(renewal.windowEnd),
      checked_at: timeOf(renewal.checkedAt),
    },
    last_shown_at: timeOf(certificate.lastShown),
    issuance: issuance === null ? null : issuanceJson(issuance),
  };
}
