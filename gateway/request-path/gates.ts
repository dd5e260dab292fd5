/**
 * What a request has to pass before an upstream is looked for: its route, encryption, the rate, the size of its body.
 * Plain questions about plain facts, answered at once, so that every lane asks the same ones.
 */
import type { ClientAuthoritySource } from '#certs/client-authority';
import type { Clock } from '#core/clock';
import { liberalPath } from '#core/liberal-path';
import type { SetPolicy } from '#core/set';
import type { Route, RouteTable } from '#router/route-table';
import type { GatewayErrorCode } from '../error-answer.ts';
import type { Peer } from '../exchange.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { networkOf } from '../policies/client-network.ts';
import type { Verdict } from '../policies/password-thread.ts';
import { clientRefusal } from './client-gate.ts';
import type { Origin } from './origin.ts';
import type { SetTraffic } from './set-traffic.ts';

/** Why a request does not pass. */
export type Refusal =
  | {
      readonly code: GatewayErrorCode;
      readonly retryAfterS: number | null;
      /** Nothing further is served on its connection. */
      readonly retires?: true;
    }
  /** 308 to this address. */
  | { readonly redirect: string }
  /** A whole answer without a body. */
  | { readonly status: number; readonly fields: readonly string[] };

/** What a monitor is told that finds a set asleep. */
export const ASLEEP_RETRY_S = 60;

/** The route of a request, or why it has none. */
export function routeOf(table: RouteTable, head: RequestHead, peer: Peer): Route | GatewayErrorCode {
  if (head.scheme !== '' && (head.scheme === 'https') !== peer.secure) return 'misdirected';
  // A client that came for another name may only be served what the certificate it was shown stands for (RFC 9110 7.4).
  if (peer.certificate !== undefined && !peer.certificate.covers(head.hostname)) return 'misdirected';
  const route = table.lookup(head.hostname, head.path);
  if (head.quirky) {
    // Two readers of this path could mean two different apps by it.
    const other = table.lookup(head.hostname, liberalPath(head.path));
    if (other !== route) return 'bad_request';
  }
  return route ?? 'no_route';
}

export interface GateKeeping {
  readonly head: RequestHead;
  readonly origin: Origin;
  readonly peer: Peer;
  readonly table: RouteTable;
  readonly clientAuthorities: ClientAuthoritySource;
  readonly traffic: SetTraffic;
  /** Port for redirects to HTTPS; null: the usual one. */
  readonly httpsPort: number | null;
  readonly clock: Clock;
}

/** Why the request does not pass, or null. */
export function refusalOf(gate: GateKeeping): Refusal | null {
  const { head, origin } = gate;
  const { edge, pool } = gate.traffic;
  const { policy } = pool;
  if (edge?.admits(origin.client) === false) return { code: 'forbidden', retryAfterS: null };
  if (!origin.secure && wantsTls(policy)) return { redirect: httpsAddress(head, gate.httpsPort) };
  // A connection that was to go through as it came, and was decrypted for another name.
  if (policy.tls === 'passthrough') return { code: 'misdirected', retryAfterS: null };
  if (policy.tls === 'off' && origin.secure) return { code: 'misdirected', retryAfterS: null };
  if (policy.clientCertificates !== null) {
    const { peer, table, clientAuthorities: authorities } = gate;
    const { hostname } = head;
    const code = clientRefusal(policy, { peer, table, authorities, hostname, wallMs: gate.clock.wall() });
    if (code === 'misdirected') return { code, retryAfterS: null, retires: true };
    if (code !== null) {
      const preflight = code === 'client_certificate_required' ? (edge?.preflight(head) ?? null) : null;
      return preflight ?? { code, retryAfterS: null };
    }
  }
  if (policy.rate !== null) {
    const { key } = policy.rate;
    const bucket = key === 'ip' ? networkOf(origin.client) : key === 'set' ? '' : (head.field(key.header) ?? '');
    const waitMs = gate.traffic.rate.take(policy.rate, bucket, gate.clock.now());
    if (waitMs > 0) return { code: 'rate_limited', retryAfterS: Math.ceil(waitMs / 1000) };
  }
  const early = edge?.refusal(head, origin.secure) ?? null;
  if (early !== null) return early;
  if (pool.readyCount === 0 && edge?.ignores(head, origin.client))
    return { code: 'asleep', retryAfterS: ASLEEP_RETRY_S };
  if (policy.bodyMaxBytes !== null && head.contentLength > policy.bodyMaxBytes) {
    return { code: 'body_too_large', retryAfterS: null };
  }
  return null;
}

/** Whether the client has a password that is asked for. */
export function admits(traffic: SetTraffic, head: RequestHead): Verdict | Promise<Verdict> {
  const auth = traffic.edge?.auth ?? null;
  return auth === null ? true : auth.check(head.field('authorization'));
}

function wantsTls({ tls, clientCertificates }: SetPolicy): boolean {
  return tls === 'only' || tls === 'passthrough' || clientCertificates?.optional === false;
}

function httpsAddress(head: RequestHead, port: number | null): string {
  const target = head.target === '*' ? '/' : head.target;
  return `https://${head.hostname}${port === null || port === 443 ? '' : `:${port}`}${target}`;
}
