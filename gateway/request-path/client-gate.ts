/**
 * Client certificates at the gate: whether what a client has proved is what the set of its request asks for. What cannot
 * be told is refused.
 */
import { askedAuthority, type ClientAuthoritySource } from '#certs/client-authority';
import type { SetPolicy } from '#core/set';
import type { RouteTable } from '#router/route-table';
import type { GatewayErrorCode } from '../error-answer.ts';
import type { Peer } from '../exchange.ts';

export interface ClientGate {
  readonly peer: Peer;
  readonly hostname: string;
  readonly table: RouteTable;
  readonly authorities: ClientAuthoritySource;
  /** Unix time. */
  readonly wallMs: number;
}

/** Why the request does not pass; null: it does. */
export function clientRefusal(policy: SetPolicy, gate: ClientGate): GatewayErrorCode | null {
  const { clientCertificates } = policy;
  if (clientCertificates === null) return null;
  const { peer, authorities, hostname, table } = gate;
  const { authority, optional } = clientCertificates;
  const wanted = authorities.find(authority);
  if (wanted === null) return 'client_ca_missing';
  // A proxy that encrypts on its own has not asked its client for us.
  if (!peer.secure) return optional ? null : 'client_certificate_required';
  if (peer.proof?.authority.digest !== wanted.digest) {
    // Asked for nothing, or for what was wanted before: a new connection is asked for the right one, if any is.
    const asked = askedAuthority(table.routesOf(hostname), authorities);
    return asked?.digest === wanted.digest ? 'misdirected' : 'client_ca_missing';
  }
  const standing = peer.proof.standing(gate.wallMs);
  if (standing === 'invalid') return 'client_certificate_invalid';
  return standing === 'verified' || optional ? null : 'client_certificate_required';
}
