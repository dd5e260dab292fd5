/**
 * The port between who knows the authorities of client certificates and who asks clients for them, and the one answer to
 * which of them a hostname asks for.
 */
import type { Route } from '#router/route-table';

/** Who may vouch for clients. */
export interface ClientAuthority {
  readonly name: string;
  /** CA certificates, PEM. */
  readonly certificates: readonly string[];
  /** Of its certificates: what was proved by others is not proved by these. */
  readonly digest: string;
}

export interface ClientAuthoritySource {
  /** Null: there is none by this name. */
  find(name: string): ClientAuthority | null;
}

/**
 * The authority that clients of a hostname are asked for; null: none. A handshake comes before there is a path, and names
 * one authority: where the routes of a hostname name several, it is that of the shortest path.
 * @param routes of the hostname, shortest path first
 */
export function askedAuthority(routes: Iterable<Route>, authorities: ClientAuthoritySource): ClientAuthority | null {
  for (const { pool } of routes) {
    const { clientCertificates } = pool.policy;
    const found = clientCertificates === null ? null : authorities.find(clientCertificates.authority);
    if (found !== null) return found;
  }
  return null;
}
