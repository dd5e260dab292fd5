/** Endpoints of certificates: what there is, until when, and what the authority said. A private key goes in, never out. */
import { z } from '@hono/zod-openapi';
import { checkCertificate } from '#certs/vault/certificate-check';
import { IMPORTED, type KeptCertificate } from '#certs/vault/kept-certificate';
import type { Scope } from './access.ts';
import { Done, etagOf, unmet } from './answer.ts';
import { importFaults } from './certificate-import.ts';
import { type CertificateBook, REVOCATION_REASONS, type RevocationReason } from './certificate-port.ts';
import { AuthorityShape, type CertificateJson, CertificateShape, certificateJson } from './certificate-shapes.ts';
import { type Call, type Endpoints, NOTHING } from './endpoint.ts';
import { fromCursor, PageQuery, type PageRequest, toCursor } from './page.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { pageOf } from './shapes.ts';

const LIST = '/v1/certificates';
const ONE = `${LIST}/{certificate}`;
const REASONS = Object.keys(REVOCATION_REASONS) as [RevocationReason, ...RevocationReason[]];

const CertificateParams = z.object({ certificate: z.string() });

const NewCertificate = z
  .strictObject({
    certificate: z.string().min(1).openapi({ description: 'PEM: the certificate, then those that vouch for it.' }),
    private_key: z.string().min(1).openapi({ description: 'PEM, without a passphrase. It is never shown again.' }),
  })
  .openapi('NewCertificate');

const Revocation = z
  .strictObject({ reason: z.enum(REASONS).default('unspecified').openapi({ description: 'As in RFC 5280 5.3.1.' }) })
  .openapi('Revocation');

type Asked = Pick<Call<typeof CertificateParams, z.ZodObject, z.ZodObject>, 'scope' | 'params'>;

export function addCertificates(endpoints: Endpoints, ports: AdminPorts): void {
  endpoints.add(
    {
      method: 'get',
      path: LIST,
      id: 'listCertificates',
      summary: 'Certificates of the tenant, by age',
      needs: 'read',
      params: NOTHING,
      query: PageQuery,
      body: null,
      answer: pageOf(CertificateShape),
      problems: ['unavailable'],
    },
    async ({ scope, query }) => {
      const book = ports.certificates;
      if (book === undefined) return absent();
      const page = await pageFor(book, scope, query);
      return { ...page, items: page.items.map((one) => shown(book, one)) };
    },
  );

  endpoints.add(
    {
      method: 'post',
      path: LIST,
      id: 'importCertificate',
      summary: 'Brings a certificate along, for hostnames of verified domains; it serves at once',
      needs: 'manage',
      params: NOTHING,
      query: NOTHING,
      body: NewCertificate,
      answer: CertificateShape.partial(),
      status: 201,
      versioned: true,
      dryRun: true,
      problems: ['unavailable'],
    },
    async ({ scope, body, dryRun }) => {
      const book = ports.certificates;
      if (book === undefined) return absent();
      const checked = checkCertificate({
        chain: body.certificate,
        key: body.private_key,
        now: ports.clock.wall(),
      });
      const problem = importFaults(checked, scope, ports.domains);
      if (problem !== null) return problem;
      if (dryRun) return new Done({ names: checked.ok ? [...checked.certificate.names] : [] }, { status: 200 });
      const made = await book.bring({ tenant: scope.tenant, chain: body.certificate, key: body.private_key });
      const value = shown(book, made);
      return new Done(value, { location: `${LIST}/${made.id}`, etag: etagOf(value) });
    },
  );

  // Before `{certificate}`, which it would be otherwise.
  endpoints.add(
    {
      method: 'get',
      path: `${LIST}/authority`,
      id: 'getAuthority',
      summary: 'The local authority, which signs for names that no public one can vouch for',
      needs: 'read',
      filtered: true,
      params: NOTHING,
      query: NOTHING,
      body: null,
      answer: AuthorityShape,
      problems: ['not_found'],
    },
    () => {
      const authority = ports.certificates?.authority() ?? null;
      if (authority !== null) return { ...authority, names: [...authority.names] };
      return new Problem('not_found', { detail: 'There is no local authority here: nothing is served over TLS.' });
    },
  );

  addOne(endpoints, ports);
}

function addOne(endpoints: Endpoints, ports: AdminPorts): void {
  const one = { params: CertificateParams, query: NOTHING, body: null, answer: CertificateShape } as const;

  endpoints.add(
    {
      ...one,
      method: 'get',
      path: ONE,
      id: 'getCertificate',
      summary: 'A certificate, and how it stands with the next one',
      needs: 'read',
      versioned: true,
      problems: ['not_found', 'unavailable'],
    },
    (call) => withOne(ports, call, (book, certificate) => done(shown(book, certificate))),
  );

  endpoints.add(
    {
      ...one,
      method: 'delete',
      path: ONE,
      id: 'dropCertificate',
      summary: 'Serves a certificate no more and forgets its key; a verified hostname gets another',
      needs: 'manage',
      answer: NOTHING,
      status: 204,
      versioned: true,
      problems: ['not_found', 'unavailable'],
    },
    (call) =>
      withOne(ports, call, async (book, certificate) => {
        const problem = unmet(call.headers, etagOf(shown(book, certificate)));
        if (problem !== null) return problem;
        await book.drop(certificate.id);
        return {};
      }),
  );

  endpoints.add(
    {
      ...one,
      method: 'post',
      path: `${ONE}/renew`,
      id: 'renewCertificate',
      summary: 'Asks for a new certificate now; the old one serves until the new one has proved itself',
      needs: 'manage',
      status: 202,
      problems: ['not_found', 'conflict', 'unavailable'],
    },
    (call) =>
      withOne(ports, call, async (book, certificate) => {
        if (certificate.issuer === IMPORTED) return brought('renewed', `POST ${LIST} brings its successor along.`);
        const issuance = await book.renew(certificate.id);
        if (issuance === null) {
          const detail = `Nobody wants a certificate for ${certificate.names.join(', ')} any more: there is no route, or no verified domain.`;
          return new Problem('conflict', { detail, fix: ['Bind the domain to an app, then ask again.'] });
        }
        return new Done(certificateJson(certificate, issuance), { location: `${LIST}/${certificate.id}` });
      }),
  );

  endpoints.add(
    {
      ...one,
      method: 'post',
      path: `${ONE}/revoke`,
      id: 'revokeCertificate',
      summary: 'Tells its authority that a certificate is to be trusted no more; it serves no longer',
      needs: 'manage',
      body: Revocation,
      versioned: true,
      problems: ['not_found', 'conflict', 'unavailable'],
    },
    (call) =>
      withOne(ports, call, async (book, certificate) => {
        const problem = unmet(call.headers, etagOf(shown(book, certificate)));
        if (problem !== null) return problem;
        if (certificate.issuer === IMPORTED) {
          return brought('revoked', 'Revoke it at its authority, then DELETE it here.');
        }
        if (certificate.state === 'revoked') return done(shown(book, certificate));
        await book.revoke(certificate.id, call.body.reason);
        const after = await book.get(certificate.id);
        return after === null ? missing(call) : done(shown(book, after));
      }),
  );
}

/** Hands on a certificate that whoever asks may see; that of another tenant is not there. */
async function withOne<T>(
  { certificates: book }: AdminPorts,
  asked: Asked,
  act: (book: CertificateBook, certificate: KeptCertificate) => T | Promise<T>,
): Promise<T | Problem> {
  if (book === undefined) return absent();
  const certificate = await book.get(asked.params.certificate);
  return certificate !== null && isSeen(certificate, asked.scope) ? act(book, certificate) : missing(asked);
}

/** A tenant's own; those of no tenant for operators. */
function isSeen({ tenant }: KeptCertificate, scope: Scope): boolean {
  return tenant === null ? scope.principal.operator : tenant === scope.tenant;
}

async function pageFor(book: CertificateBook, { tenant, principal }: Scope, { limit, cursor }: PageRequest) {
  const page = { after: cursor === undefined ? null : fromCursor(cursor), limit: limit + 1 };
  const tenants = principal.operator ? [tenant, null] : [tenant];
  const lists = await Promise.all(tenants.map((one) => book.list({ ...page, tenant: one })));
  const all = lists.flat().sort((a, b) => (a.id < b.id ? -1 : 1));
  const items = all.slice(0, limit);
  const last = items.at(-1);
  return { items, next_cursor: all.length > limit && last !== undefined ? toCursor(last.id) : null };
}

function shown(book: CertificateBook, certificate: KeptCertificate): CertificateJson {
  const [name] = certificate.names;
  const isOrdered = certificate.issuer !== IMPORTED && name !== undefined;
  return certificateJson(certificate, isOrdered ? book.issuance(name) : null);
}

function done(value: CertificateJson): Done<CertificateJson> {
  return new Done(value, { etag: etagOf(value) });
}

function brought(what: string, fix: string): Problem {
  return new Problem('conflict', {
    detail: `A certificate that was brought along cannot be ${what} here.`,
    fix: [fix],
  });
}

function missing({ params }: Asked): Problem {
  return new Problem('not_found', {
    detail: `This tenant has no certificate "${params.certificate}".`,
    fix: [`GET ${LIST} lists its certificates.`],
  });
}

function absent(): Problem {
  return new Problem('unavailable', { detail: 'Nobody keeps certificates here.' });
}
