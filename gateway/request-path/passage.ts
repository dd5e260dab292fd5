/**
 * One request on its way through the gateway, from the search for an upstream to the end of the answer. Whatever happens,
 * it ends once: answered, or visibly cut; its claim released, its account closed.
 *
 *   searching ──▶ dialling ──▶ asked ──▶ answering ──▶ over
 *       ▲            │ failed    │ failed
 *       └────────────┴───────────┘ if the request may be repeated
 */
import type { KnockAnswer, WakePhases } from '#router/admission';
import type { Upstream } from '#router/upstream';
import { Deadline } from '../deadlines.ts';
import type { GatewayErrorCode } from '../error-answer.ts';
import type { ExchangeHandler } from '../exchange.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { Verdict } from '../policies/password-thread.ts';
import type { DialFailure } from '../upstream/dial.ts';
import type { AnswerHandler, CallFailure, UpstreamCall } from '../upstream/upstream-call.ts';
import type { CallTaker, ConnectionChoice } from '../upstream/upstream-client.ts';
import { waitingPage } from '../waiting-page.ts';
import { answerFields } from './answer-fields.ts';
import { answerBy, DIAL_ERRORS, failureOf } from './own-answer.ts';
import type { PassageFacts, PassageTools } from './passage-facts.ts';
import { Search, type Searcher } from './search.ts';
import { Tunnel } from './tunnel.ts';

type State = 'searching' | 'dialling' | 'asked' | 'answering' | 'over';

export class Passage implements ExchangeHandler, AnswerHandler, CallTaker, Searcher {
  readonly #tools: PassageTools;
  readonly facts: PassageFacts;
  readonly #search: Search;
  readonly #deadline = new Deadline(() => this.#onExpired());
  #state: State = 'searching';
  /** Claimed; null: none now. */
  #upstream: Upstream | null = null;
  /** When it was found, monotonic ms; of one without a revision anything. */
  #foundAt = 0;
  #call: UpstreamCall | null = null;
  /** Something of the body was taken from the client: it cannot be sent again. */
  #bodyTouched = false;
  #bodyEnded = true;
  #upstreamFull = false;

  constructor(tools: PassageTools, facts: PassageFacts) {
    this.#tools = tools;
    this.facts = facts;
    this.#search = new Search(tools, facts, this);
  }

  /** Starts with the request that the facts tell of now. */
  start(): void {
    this.#begin();
    this.#go();
  }

  /** Starts as soon as it is known that the client may come in. */
  startAfter(verdict: Promise<Verdict>): void {
    this.#begin();
    void verdict.then((admitted) => {
      if (this.#state !== 'searching') return;
      if (admitted === true) this.#go();
      else if (admitted === false) this.#fail('unauthorized', null);
      else this.#fail('rate_limited', 1);
    });
  }

  #begin(): void {
    const { exchange, request } = this.facts;
    this.#state = 'searching';
    this.#bodyTouched = this.#upstreamFull = false;
    this.#bodyEnded = request.body === 'none';
    exchange.handler = this;
  }

  #go(): void {
    const { page, traffic } = this.facts;
    if (page && traffic.pool.readyCount === 0) this.#showWaitingPage();
    else this.#search.first();
  }

  // ---- the way to an upstream

  onFound(upstream: Upstream, wakeMs: number | null, phases?: WakePhases): void {
    if (wakeMs !== null) this.facts.account.woke(wakeMs, phases);
    this.#upstream = upstream;
    if (upstream.revision !== null) this.#foundAt = this.#tools.clock.now();
    const repeatable = this.facts.idempotent && this.#bodyEnded;
    this.#dial(upstream, repeatable ? 'kept' : 'guarded');
  }

  onNotFound(code: GatewayErrorCode, retryAfterS: number | null): void {
    this.#fail(code, retryAfterS);
  }

  #dial(upstream: Upstream, choice: ConnectionChoice): void {
    const { route, account, request } = this.facts;
    this.#state = 'dialling';
    account.tries++;
    account.replica = upstream.name;
    const endpoint = upstream.endpoint(route.spec.port);
    const { policy } = route.pool;
    const { hostname } = account;
    const { websocket } = request;
    if (endpoint === null) this.#tryElsewhere('upstream_connect', true);
    else this.#tools.upstreams.open({ upstream, endpoint, policy, hostname, choice, websocket }, this);
  }

  onCall(call: UpstreamCall): void {
    if (this.#state !== 'dialling') {
      this.#tools.upstreams.giveBack(call);
      return;
    }
    const { exchange, request, route, edge, terms } = this.facts;
    const { timeout } = route.pool.policy;
    const asked = edge === null || terms === null ? call : edge.wrap(call, terms);
    this.#state = 'asked';
    this.#call = asked;
    asked.send(request, this);
    this.#tools.deadlines.start(this.#deadline, this.#bodyEnded ? timeout.responseMs : timeout.idleMs);
    if (!this.#bodyEnded) exchange.readBody();
  }

  onUnreachable(failure: DialFailure): void {
    if (this.#state !== 'dialling') return;
    this.#suspect();
    this.#tryElsewhere(DIAL_ERRORS[failure], failure !== 'protocol');
  }

  onCallFailed(failure: CallFailure): void {
    const call = this.#call;
    this.#call = null;
    if (this.#state === 'answering') {
      if (this.#upstream !== null && this.facts.account.status < 500)
        this.facts.traffic.revisions.broke(this.#upstream);
      this.#cut();
      return;
    }
    if (failure === 'protocol' || call === null || this.#upstream === null) {
      if (this.#upstream !== null) this.facts.traffic.revisions.failed(this.#upstream);
      this.#fail('upstream_protocol', null);
      return;
    }
    const repeatable = !this.#bodyTouched && (this.facts.idempotent || !call.reached);
    if (repeatable && !this.#bodyEnded) this.facts.exchange.pauseBody();
    // A kept connection ends for its age alone: that says nothing of the upstream, and a new one is tried at once.
    if (call.wasKept && repeatable) {
      this.#dial(this.#upstream, 'new');
      return;
    }
    this.#suspect();
    this.#tryElsewhere('upstream_reset', repeatable);
  }

  #suspect(): void {
    if (this.#upstream === null) return;
    this.facts.route.pool.suspect(this.#upstream);
    this.facts.traffic.unanswered(this.#upstream);
  }

  #tryElsewhere(code: GatewayErrorCode, repeatable: boolean): void {
    this.#tools.deadlines.stop(this.#deadline);
    const failed = this.#upstream;
    this.#releaseUpstream();
    this.#state = 'searching';
    if (failed === null || !repeatable) this.#fail(code, null);
    else this.#search.next(failed, code);
  }

  #showWaitingPage(): void {
    const answer = this.#tools.admitter.knock(this.facts.route.pool);
    if (!(answer instanceof Promise)) this.#knocked(answer);
    else {
      void answer.then((refusal) => {
        if (this.#state === 'searching') this.#knocked(refusal);
      });
    }
  }

  #knocked(refusal: KnockAnswer): void {
    const { exchange, account } = this.facts;
    if (refusal !== null) {
      this.#fail(refusal.code, refusal.retryAfterS);
      return;
    }
    answerBy(exchange, account, { ...waitingPage(account.hostname, account.id), code: 'waking' });
    this.#finish(false);
  }

  // ---- the answer

  onInformational(head: ResponseHead): void {
    if (head.status !== 100 || this.facts.expect100) this.facts.exchange.inform(head);
  }

  onAnswerHead(head: ResponseHead): void {
    const { exchange, account, route, edge, terms } = this.facts;
    this.#state = 'answering';
    account.status = head.status;
    this.facts.traffic.answered(this.#upstream, head.status >= 500, this.#foundAt);
    if (head.lease !== '') this.facts.traffic.leased(this.#upstream, head.lease);
    const add = answerFields(this.facts, this.#upstream);
    if (head.switched) {
      this.#switch(head, add);
      return;
    }
    this.#tools.deadlines.start(this.#deadline, route.pool.policy.timeout.idleMs);
    // It will close without reading on: what is still sent to it could only destroy its answer.
    if (!this.#bodyEnded && !head.keepAlive) {
      this.#bodyEnded = true;
      exchange.pauseBody();
    }
    if (edge !== null && terms !== null) edge.editAnswer(head, terms);
    exchange.head(head, add);
  }

  onAnswerBody(chunk: Buffer, owned: boolean): void {
    const { exchange, account } = this.facts;
    account.bytesOut += chunk.length;
    this.#tools.deadlines.touch(this.#deadline);
    if (!exchange.write(chunk, owned)) this.#call?.pauseAnswer();
  }

  onAnswerEnd(trailers: readonly string[]): void {
    this.#call = null;
    this.facts.exchange.end(trailers);
    // Asked once and answered: nobody else knows of this passage.
    this.#finish(false, this.facts.account.tries === 1 && this.facts.account.wakeMs === null);
  }

  onDrain(): void {
    this.#tools.deadlines.touch(this.#deadline);
    this.#call?.resumeAnswer();
  }

  #switch(head: ResponseHead, add: readonly string[]): void {
    const { exchange, account, route } = this.facts;
    const { deadlines } = this.#tools;
    const upstream = this.#call?.takeWire();
    if (upstream === undefined) return;
    this.#call = null;
    deadlines.stop(this.#deadline);
    account.switched();
    const { idleMs } = route.pool.policy.timeout;
    const client = exchange.switchProtocols(head, add);
    const onClosed = (bytesIn: number, bytesOut: number): void => {
      account.bytesIn += bytesIn;
      account.bytesOut += bytesOut;
      this.#finish(false);
    };
    new Tunnel({ client, upstream, deadlines, idleMs, onClosed });
  }

  // ---- the request body

  onBody(chunk: Buffer): void {
    const { account, exchange, route } = this.facts;
    if (this.#bodyEnded) return;
    this.#bodyTouched = true;
    account.bytesIn += chunk.length;
    const max = route.pool.policy.bodyMaxBytes;
    if (max !== null && account.bytesIn > max) {
      this.#giveUp('body_too_large');
      return;
    }
    this.#tools.deadlines.touch(this.#deadline);
    if (this.#call?.write(chunk) !== false) return;
    this.#upstreamFull = true;
    exchange.pauseBody();
  }

  onBodyEnd(trailers: readonly string[]): void {
    if (this.#bodyEnded) return;
    this.#bodyTouched = true;
    this.#bodyEnded = true;
    this.#call?.endBody(trailers);
    const { responseMs } = this.facts.route.pool.policy.timeout;
    if (this.#state === 'asked') this.#tools.deadlines.start(this.#deadline, responseMs);
  }

  onUpstreamDrain(): void {
    if (!this.#upstreamFull) return;
    this.#upstreamFull = false;
    this.#tools.deadlines.touch(this.#deadline);
    this.facts.exchange.readBody();
  }

  onBodyFault(): void {
    this.#giveUp('bad_request');
  }

  // ---- ends

  onAbort(): void {
    this.#call?.cancel();
    this.#call = null;
    this.#finish(true);
  }

  #onExpired(): void {
    // While a body is on its way and the upstream takes it, it is the client that is slow.
    const slowClient = !this.#bodyEnded && !this.#upstreamFull;
    if (!slowClient && this.#state === 'asked') this.facts.traffic.unanswered(this.#upstream);
    this.#giveUp(slowClient ? 'request_timeout' : 'upstream_timeout');
  }

  /** Ends the call: with an error while that can still be said, by cutting the answer otherwise. */
  #giveUp(code: GatewayErrorCode): void {
    this.#call?.cancel();
    this.#call = null;
    if (this.#state === 'answering') this.#cut();
    else this.#fail(code, null);
  }

  #fail(code: GatewayErrorCode, retryAfterS: number | null): void {
    const { exchange, account } = this.facts;
    if (this.#state === 'over') return;
    answerBy(exchange, account, failureOf(this.facts, code, retryAfterS));
    this.#finish(false);
  }

  #cut(): void {
    this.facts.exchange.abort();
    this.#finish(true);
  }

  #finish(cut: boolean, reusable = false): void {
    if (this.#state === 'over') return;
    const { deadlines, onOver } = this.#tools;
    const { exchange, account } = this.facts;
    this.#state = 'over';
    if (reusable) deadlines.suspend(this.#deadline);
    else deadlines.stop(this.#deadline);
    this.#search.cancel();
    this.#releaseUpstream();
    exchange.handler = null;
    account.close(cut);
    onOver(reusable ? this : null);
  }

  #releaseUpstream(): void {
    const upstream = this.#upstream;
    this.#upstream = null;
    if (upstream !== null) this.facts.route.pool.release(upstream, this.facts.quiet);
  }
}
