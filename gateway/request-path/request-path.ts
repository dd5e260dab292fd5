/**
 * The one path every request takes, whichever lane it came by: route, gates, upstream, answer. Policies live here and
 * nowhere else.
 */
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import type { Admitter } from '#router/admission';
import type { Route, RouteTable } from '#router/route-table';
import { hashText } from '#router/upstream';
import type { AccessLog } from '../access-log.ts';
import type { Deadlines } from '../deadlines.ts';
import { errorAnswer, errorOfStatus, GATEWAY_ERRORS, type GatewayErrorCode, type OwnAnswer } from '../error-answer.ts';
import type { Exchange, Peer } from '../exchange.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { SetCounts, SetMetrics } from '../metrics.ts';
import { requestIds } from '../request-id.ts';
import type { Transport } from '../transport/wire.ts';
import type { TrustedProxies } from '../trusted-proxies.ts';
import { UpstreamClient } from '../upstream/upstream-client.ts';
import { isNavigation } from '../waiting-page.ts';
import { Account } from './account.ts';
import { type Refusal, refusalOf, routeOf } from './gates.ts';
import { type Origin, originOf, outgoingRequest } from './origin.ts';
import { type AccountedAnswer, answerBy, errorFor, plainAnswer } from './own-answer.ts';
import { Passage } from './passage.ts';
import type { PassageTools } from './passage-facts.ts';
import { type SetTraffic, TrafficLedger } from './set-traffic.ts';
import { cookieValue } from './sticky.ts';

/** RFC 9110 9.2.2, and the safe ones of WebDAV and of QUERY. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
  'QUERY',
]);

export interface RequestPathOptions {
  readonly table: RouteTable;
  readonly admitter: Admitter;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly trustedProxies: TrustedProxies;
  readonly deadlines: Deadlines;
  readonly accessLog: AccessLog | null;
  /** Port for redirects to HTTPS; null: the usual one. */
  readonly httpsPort: number | null;
}

export class RequestPath {
  readonly #options: RequestPathOptions;
  readonly #ledger: TrafficLedger;
  readonly #upstreams: UpstreamClient;
  readonly #tools: PassageTools;
  readonly #nextId: () => string;
  #inFlight = 0;

  constructor(options: RequestPathOptions) {
    this.#options = options;
    const { clock, log, admitter, deadlines } = options;
    const upstreams = new UpstreamClient({ clock, deadlines, log });
    this.#upstreams = upstreams;
    this.#ledger = new TrafficLedger((upstream) => upstreams.drop(upstream));
    this.#nextId = requestIds(options.random);
    this.#tools = { clock, log, admitter, upstreams, deadlines, onOver: () => this.#onOver() };
  }

  /** What plain connections to upstreams are made of from now on. */
  useTransport(transport: Transport): void {
    this.#upstreams.transport = transport;
  }

  /** Requests and tunnels in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Connections to upstreams kept between requests. */
  get keptCount(): number {
    return this.#upstreams.keptCount;
  }

  collect(): SetCounts[] {
    const { table } = this.#options;
    return this.#ledger.collect((pool) => table.pool(pool.key) === pool);
  }

  /** Serves one request. The head is read within the call and may be used for the next one after it. */
  serve(exchange: Exchange, head: RequestHead): void {
    const { table, trustedProxies } = this.#options;
    const origin = originOf(head, exchange.peer, trustedProxies, this.#nextId);
    const route = routeOf(table, head, exchange.peer.secure);
    if (typeof route === 'string') {
      const account = this.#open(head, origin, null);
      this.#refuse(exchange, head, account, { code: route, retryAfterS: null });
      return;
    }
    const traffic = this.#ledger.of(route.pool);
    const account = this.#open(head, origin, traffic);
    const refusal = this.#refusal(head, origin, traffic);
    if (refusal !== null) this.#refuse(exchange, head, account, refusal);
    // An OPTIONS request that may go no further asks about the gateway (RFC 9110 7.6.2).
    else if (head.maxForwards === 0) this.#answer(exchange, account, plainAnswer(account, 200, []));
    else this.#pass(exchange, head, { route, origin, traffic, account });
  }

  /** Answers a request whose head was refused by the strict reading, as far as it can be told whose it is. */
  refuse(exchange: Exchange, head: RequestHead): void {
    const { peer } = exchange;
    const code = errorOfStatus(head.status);
    const metrics = this.#ledger.unrouted;
    const id = this.#nextId();
    this.#options.log.debug('a request was refused', { fault: head.fault, client: peer.address });
    const account = this.#account({ id, client: peer.address, method: '', hostname: '', path: '', set: null, metrics });
    this.#answer(exchange, account, errorFor(account, { code, retryAfterS: null, accept: undefined }));
  }

  /** The answer for what was no request at all, and its place in the metrics. */
  refuseUnread(peer: Peer, code: GatewayErrorCode): OwnAnswer {
    const requestId = this.#nextId();
    this.#options.log.debug('a request was refused', { fault: code, client: peer.address });
    this.#ledger.unrouted.failed(code);
    this.#ledger.unrouted.answered(GATEWAY_ERRORS[code].status, 0);
    return errorAnswer({ code, requestId, html: false, retryAfterS: null });
  }

  close(): void {
    this.#upstreams.close();
  }

  #pass(exchange: Exchange, head: RequestHead, facts: PassFacts): void {
    const { route, origin, traffic, account } = facts;
    const { pool, spec } = route;
    const { policy } = pool;
    traffic.retries.deposit();
    const cookies = policy.sticky === 'cookie' ? head.field('cookie') : undefined;
    const prefix = spec.strip && spec.path !== '/' ? spec.path : '';
    const passage = new Passage(this.#tools, {
      exchange,
      route,
      traffic,
      account,
      request: outgoingRequest(head, exchange.peer, origin, { prefix, proto: policy.proto }),
      hash: hashOf(head, origin, route),
      tag: cookieValue(cookies, traffic.cookie),
      secure: origin.secure,
      idempotent: IDEMPOTENT.has(head.method),
      expect100: head.expect100,
      page: policy.wake === 'page' && isNavigation(head),
    });
    passage.start();
  }

  #refusal(head: RequestHead, origin: Origin, traffic: SetTraffic): Refusal | null {
    const { clock, httpsPort } = this.#options;
    return refusalOf({ head, origin, policy: traffic.pool.policy, traffic, httpsPort, clock });
  }

  #open(head: RequestHead, origin: Origin, traffic: SetTraffic | null): Account {
    return this.#account({
      id: origin.requestId,
      client: origin.client,
      method: head.method,
      hostname: head.hostname,
      path: head.path,
      set: traffic?.pool.key ?? null,
      metrics: traffic?.metrics ?? this.#ledger.unrouted,
    });
  }

  #account(facts: Account['facts'] & { readonly metrics: SetMetrics }): Account {
    this.#inFlight++;
    return new Account(this.#options, facts);
  }

  #refuse(exchange: Exchange, head: RequestHead, account: Account, refusal: Refusal): void {
    const answer =
      'redirect' in refusal
        ? plainAnswer(account, 308, ['Location', refusal.redirect])
        : errorFor(account, { ...refusal, accept: head.field('accept') });
    this.#answer(exchange, account, answer);
  }

  #answer(exchange: Exchange, account: Account, answer: AccountedAnswer): void {
    answerBy(exchange, account, answer);
    account.close(false);
    this.#onOver();
  }

  #onOver(): void {
    this.#inFlight--;
  }
}

interface PassFacts {
  readonly route: Route;
  readonly origin: Origin;
  readonly traffic: SetTraffic;
  readonly account: Account;
}

function hashOf(head: RequestHead, origin: Origin, route: Route): number {
  const { lb } = route.pool.policy;
  if (lb.kind === 'hash-ip') return hashText(origin.client);
  if (lb.kind === 'hash-header') return hashText(head.field(lb.header) ?? '');
  return 0;
}
