/** What a route asks of its clients' certificates, in words, and whether nobody can be let in. */
import { askedAuthority, type ClientAuthoritySource } from '#certs/client-authority';
import type { Route } from '#router/route-table';
import type { AdminPorts } from './ports.ts';

export interface ClientCheck {
  /** Whatever a client sends. */
  readonly refuses: boolean;
  readonly why: readonly string[];
}

const NONE: ClientAuthoritySource = { find: () => null };

export function clientCheck(
  hostname: string,
  { pool }: Route,
  { table, clientAuthorities = NONE }: Pick<AdminPorts, 'table' | 'clientAuthorities'>,
): ClientCheck {
  const { clientCertificates } = pool.policy;
  if (clientCertificates === null) return { refuses: false, why: [] };
  const { authority, optional } = clientCertificates;
  const found = clientAuthorities.find(authority);
  if (found === null) {
    return refused(
      `Clients are to have a certificate of the authority "${authority}" (tidegate.tls.client), and there is none: put ${authority}.pem into TIDEGATE_CLIENT_CAS.`,
    );
  }
  const asked = askedAuthority(table.routesOf(hostname), clientAuthorities);
  if (asked !== null && asked.digest !== found.digest) {
    return refused(
      `Clients are to have a certificate of the authority "${authority}" (tidegate.tls.client), but a route with a shorter path has this hostname ask for one of "${asked.name}", and a hostname asks for one alone.`,
    );
  }
  const otherwise = optional ? 'those without one are served as well' : 'others are answered 403';
  return {
    refuses: false,
    why: [`Clients are asked for a certificate of the authority "${authority}"; ${otherwise}.`],
  };
}

function refused(why: string): ClientCheck {
  return { refuses: true, why: [why, 'Until then every request is answered 503 client_ca_missing.'] };
}
