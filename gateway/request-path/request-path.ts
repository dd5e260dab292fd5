/**
 * The one path every request takes, whichever lane it came by: route, gates, upstream, answer. Policies live here and
 * nowhere else.
 */
import type { ClientAuthoritySource } from '#certs/client-authority';
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import type { TrustedProxies } from '#core/trusted-proxies';
import type { Admitter } from '#router/admission';
import type { Pool } from '#router/pool';
import type { Route, RouteTable } from '#router/route-table';
import type { AccessLog } from '../access-log.ts';
import type { ChallengeAnswers } from '../challenge-answers.ts';
import type { Deadlines } from '../deadlines.ts';
import { errorAnswer, errorOfStatus, GATEWAY_ERRORS, type GatewayErrorCode, type OwnAnswer } from '../error-answer.ts';
import type { Exchange, Peer } from '../exchange.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { SetCounts } from '../metrics.ts';
import { Encoders } from '../policies/encoders.ts';
import type { Verdict } from '../policies/password-thread.ts';
import { PasswordThread } from '../policies/password-thread.ts';
import { requestIds } from '../request-id.ts';
import type { RevisionCounts } from '../revision-metrics.ts';
import type { Transport } from '../transport/wire.ts';
import { UpstreamClient } from '../upstream/upstream-client.ts';
import { isNavigation } from '../waiting-page.ts';
import { Account } from './account.ts';
import { admits, type Refusal, refusalOf, routeOf } from './gates.ts';
import { IDEMPOTENT } from './idempotent.ts';
import { CurrentOrigin, type Onward } from './origin.ts';
import { type AccountedAnswer, answerBy, challengeAnswer, errorFor, plainAnswer } from './own-answer.ts';
import { Passage } from './passage.ts';
import { hashOf, PassageFacts, type PassageTools } from './passage-facts.ts';
import { type PassThroughOrder, RawPassage } from './raw-passage.ts';
import { revisionWishOf } from './revision-choice.ts';
import { type SetTraffic, TrafficLedger } from './set-traffic.ts';
import { cookieValue } from './sticky.ts';

/** Passages kept for further requests. */
const SPARE_MAX = 1024;

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
  readonly challenges: ChallengeAnswers;
  readonly clientAuthorities: ClientAuthoritySource;
  /** Told of every token that is taken from a rate bucket; not given: no other process serves. */
  readonly onTaken?: (pool: Pool, key: string) => void;
  /** Port for redirects to HTTPS; null: the usual one. */
  readonly httpsPort: number | null;
}

export class RequestPath {
  readonly #options: RequestPathOptions;
  readonly #ledger: TrafficLedger;
  readonly #upstreams: UpstreamClient;
  readonly #tools: PassageTools;
  readonly #nextId: () => string;
  /** Of the request that is served now. */
  readonly #origin: CurrentOrigin;
  readonly #onward: { -readonly [K in keyof Onward]: Onward[K] } = { prefix: '', proto: 'http', proved: '' };
  readonly #passwords = new PasswordThread();
  readonly #spare: Passage[] = [];
  #inFlight = 0;

  constructor(options: RequestPathOptions) {
    this.#options = options;
    const { clock, log, admitter, deadlines } = options;
    const upstreams = new UpstreamClient({ clock, deadlines, log });
    this.#upstreams = upstreams;
    this.#ledger = new TrafficLedger((upstream) => upstreams.drop(upstream), {
      clock,
      encoders: new Encoders(),
      passwords: this.#passwords,
    });
    this.#ledger.onTaken = options.onTaken ?? null;
    this.#nextId = requestIds(options.random);
    this.#origin = new CurrentOrigin(options.trustedProxies, this.#nextId);
    this.#tools = { clock, log, admitter, upstreams, deadlines, onOver: (reusable) => this.#onOver(reusable) };
  }

  /** What plain connections to upstreams are made of from now on. */
  useTransport(transport: Transport): void {
    this.#upstreams.transport = transport;
  }

  /** Other processes gave so many tokens of a rate bucket away. */
  charge(pool: Pool, key: string, tokens: number): void {
    const { rate } = pool.policy;
    if (rate !== null) this.#ledger.of(pool).rate.charge(rate, key, { tokens, now: this.#options.clock.now() });
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

  collectRevisions(): RevisionCounts[] {
    return [...this.#ledger.collectRevisions()];
  }

  /** Serves one request. The head is read within the call and may be used for the next one after it. */
  serve(exchange: Exchange, head: RequestHead): void {
    const origin = this.#origin;
    origin.read(head, exchange.peer);
    if (this.#options.challenges.hasTokens && this.#answersChallenge(exchange, head)) return;
    const route = routeOf(this.#options.table, head, exchange.peer);
    if (typeof route === 'string') {
      this.#refuse(exchange, head, this.#open(head, null), { code: route, retryAfterS: null }, null);
      return;
    }
    const traffic = this.#ledger.of(route.pool);
    const refusal = this.#refusal(exchange.peer, head, traffic);
    const verdict = refusal === null ? admits(traffic, head) : true;
    if (refusal !== null) this.#refuse(exchange, head, this.#open(head, traffic), refusal, traffic);
    else if (verdict === false || verdict === null) {
      const code = verdict === false ? 'unauthorized' : 'rate_limited';
      const retryAfterS = verdict === false ? null : 1;
      this.#refuse(exchange, head, this.#open(head, traffic), { code, retryAfterS }, traffic);
    }
    // An OPTIONS request that may go no further asks about the gateway (RFC 9110 7.6.2).
    else if (head.maxForwards === 0 && verdict === true) {
      const account = this.#open(head, traffic);
      this.#answer(exchange, account, plainAnswer(account, 200, []));
    } else this.#pass(exchange, head, { route, traffic, verdict });
  }

  /** Whether it was a certificate authority that came to validate; its answer has been given then (RFC 8555 8.3). */
  #answersChallenge(exchange: Exchange, head: RequestHead): boolean {
    if (exchange.peer.secure) return false;
    const authorization = this.#options.challenges.answerFor(head.method, head.path);
    if (authorization === null) return false;
    const account = this.#open(head, null);
    this.#answer(exchange, account, challengeAnswer(account, authorization));
    return true;
  }

  /** Answers a request whose head was refused by the strict reading, as far as it can be told whose it is. */
  refuse(exchange: Exchange, head: RequestHead): void {
    const { peer } = exchange;
    const code = errorOfStatus(head.status);
    this.#options.log.debug('a request was refused', { fault: head.fault, client: peer.address });
    const account = this.#begun(new Account(this.#options));
    account.open(this.#nextId(), peer.address, this.#ledger.unrouted);
    this.#answer(exchange, account, errorFor(account, { code, retryAfterS: null, accept: undefined }));
  }

  /** The route of a hostname whose connections go on to a replica as they come; null: they do not. */
  passesThrough(hostname: string): Route | null {
    const route = this.#options.table.lookup(hostname, '/');
    return route !== null && route.pool.policy.tls === 'passthrough' ? route : null;
  }

  /** Joins a connection to a replica of the route, octet by octet. It closes with it. */
  passThrough(route: Route, order: PassThroughOrder): void {
    const { hostname, client } = order;
    const traffic = this.#ledger.of(route.pool);
    const account = this.#begun(new Account(this.#options));
    account.open(this.#nextId(), client, traffic.metrics);
    account.asks({ method: '', hostname, path: '' });
    account.set = route.pool.key;
    new RawPassage(this.#tools, { ...order, route, traffic, account }).start();
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
    this.#passwords.close();
    this.#upstreams.close();
  }

  #pass(exchange: Exchange, head: RequestHead, { route, traffic, verdict }: PassOrder): void {
    const origin = this.#origin;
    const onward = this.#onward;
    const { pool, spec } = route;
    const { policy } = pool;
    const passage = this.#spare.pop() ?? this.#newPassage(exchange, route, traffic);
    const { facts } = passage;
    this.#account(this.#begun(facts.account), head, traffic);
    traffic.retries.deposit();
    onward.prefix = spec.strip && spec.path !== '/' ? spec.path : '';
    onward.proto = policy.proto;
    const proof = policy.clientCertificates === null ? undefined : exchange.peer.proof;
    onward.proved = proof?.line ?? '';
    facts.account.certificate = proof?.fingerprint ?? null;
    facts.exchange = exchange;
    facts.route = route;
    facts.traffic = traffic;
    facts.hash = hashOf(head, origin, route);
    facts.tag = policy.sticky === 'cookie' ? cookieValue(head.field('cookie'), traffic.cookie) : null;
    const { revisions } = policy;
    facts.wish = revisions === null ? null : revisionWishOf(revisions, head, { client: origin.client, traffic });
    facts.secure = origin.secure;
    facts.idempotent = IDEMPOTENT.has(head.method);
    facts.expect100 = head.expect100;
    facts.page = policy.wake === 'page' && isNavigation(head);
    const { edge } = traffic;
    facts.edge = edge;
    facts.quiet = edge?.ignores(head, origin.client) ?? false;
    facts.terms = edge === null ? null : edge.termsOf(head, origin.secure);
    edge?.editRequest(head);
    facts.request.write(head, exchange.peer, origin, onward);
    if (verdict === true) passage.start();
    else passage.startAfter(verdict);
  }

  #newPassage(exchange: Exchange, route: Route, traffic: SetTraffic): Passage {
    return new Passage(this.#tools, new PassageFacts(this.#options, { exchange, route, traffic }));
  }

  #refusal(peer: Peer, head: RequestHead, traffic: SetTraffic): Refusal | null {
    const { clock, httpsPort, table, clientAuthorities } = this.#options;
    return refusalOf({ head, origin: this.#origin, peer, traffic, httpsPort, clock, table, clientAuthorities });
  }

  #open(head: RequestHead, traffic: SetTraffic | null): Account {
    const account = this.#begun(new Account(this.#options));
    this.#account(account, head, traffic);
    return account;
  }

  #account(account: Account, head: RequestHead, traffic: SetTraffic | null): void {
    const { requestId, client } = this.#origin;
    account.open(requestId, client, traffic?.metrics ?? this.#ledger.unrouted);
    account.asks(head);
    account.set = traffic?.pool.key ?? null;
  }

  #begun(account: Account): Account {
    this.#inFlight++;
    return account;
  }

  #refuse(exchange: Exchange, head: RequestHead, account: Account, refusal: Refusal, traffic: SetTraffic | null): void {
    const edge = traffic?.edge ?? null;
    const terms = edge === null ? null : edge.termsOf(head, this.#origin.secure);
    const code = 'code' in refusal ? refusal.code : null;
    const add = edge === null || terms === null ? NOTHING : edge.ownFields(terms, code);
    if ('code' in refusal) {
      if (refusal.retires) exchange.retire();
      const answer = errorFor(account, { ...refusal, accept: head.field('accept') });
      this.#answer(exchange, account, { ...answer, fields: [...answer.fields, ...add] });
    } else if ('redirect' in refusal) {
      this.#answer(exchange, account, plainAnswer(account, 308, ['Location', refusal.redirect, ...add]));
    } else {
      // A preflight answer says all there is to say.
      const fields = refusal.status < 300 ? refusal.fields : [...refusal.fields, ...add];
      this.#answer(exchange, account, plainAnswer(account, refusal.status, fields));
    }
  }

  #answer(exchange: Exchange, account: Account, answer: AccountedAnswer): void {
    answerBy(exchange, account, answer);
    account.close(false);
    this.#onOver(null);
  }

  #onOver(reusable: Passage | null): void {
    this.#inFlight--;
    if (reusable !== null && this.#spare.length < SPARE_MAX) this.#spare.push(reusable);
  }
}

interface PassOrder {
  readonly route: Route;
  readonly traffic: SetTraffic;
  /** True: the client may come in; otherwise that will be known. */
  readonly verdict: true | Promise<Verdict>;
}

const NOTHING: readonly string[] = [];
