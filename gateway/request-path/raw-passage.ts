/**
 * One connection on its way through the gateway as it came: an upstream is found, woken or waited for as for a request,
 * and from then on octets go both ways untouched. What they mean is between the two ends.
 */
import type { Route } from '#router/route-table';
import { hashText, type Upstream } from '#router/upstream';
import type { GatewayErrorCode } from '../error-answer.ts';
import { fatalAlert } from '../tls/alert.ts';
import type { Wire, WireOwner } from '../transport/wire.ts';
import { type DialFailure, dial } from '../upstream/dial.ts';
import type { Account } from './account.ts';
import { DIAL_ERRORS } from './own-answer.ts';
import type { PassageTools } from './passage-facts.ts';
import { rawWishOf } from './revision-choice.ts';
import { Search, type Searcher } from './search.ts';
import type { SetTraffic } from './set-traffic.ts';
import { Tunnel } from './tunnel.ts';

/** A client says hello and waits: more than this before it is answered is no handshake. */
const EARLY_MAX_BYTES = 65_536;
/** As a request that was switched to another protocol. */
const SWITCHED = 101;

export interface PassThroughOrder {
  /** Detached from whoever read the octets. */
  readonly wire: Wire;
  /** Address of the client. */
  readonly client: string;
  readonly hostname: string;
  /** What was read already. */
  readonly octets: Buffer;
}

export interface RawPassageFacts extends PassThroughOrder {
  readonly route: Route;
  readonly traffic: SetTraffic;
  readonly account: Account;
}

export class RawPassage implements Searcher, WireOwner {
  readonly #tools: PassageTools;
  readonly #facts: RawPassageFacts;
  readonly #search: Search;
  #octets: Buffer;
  /** Claimed; null: none now. */
  #upstream: Upstream | null = null;
  /** Monotonic ms. */
  #foundAt = 0;
  #over = false;

  constructor(tools: PassageTools, facts: RawPassageFacts) {
    this.#tools = tools;
    this.#facts = facts;
    this.#octets = facts.octets;
    const { traffic, account, client, octets } = facts;
    const request = { head: octets };
    const wish = rawWishOf(traffic.pool.policy.revisions, client);
    this.#search = new Search(
      tools,
      { traffic, account, request, hash: hashText(client), tag: null, wish, quiet: false },
      this,
    );
  }

  start(): void {
    const { wire, traffic } = this.#facts;
    wire.detach(null);
    // Whoever leaves while an upstream is woken is seen to leave.
    wire.start(this);
    traffic.retries.deposit();
    this.#search.first();
  }

  // ---- the way to an upstream

  onFound(upstream: Upstream, wakeMs: number | null): void {
    const { account, route } = this.#facts;
    if (wakeMs !== null) account.woke(wakeMs);
    this.#upstream = upstream;
    this.#foundAt = this.#tools.clock.now();
    account.tries++;
    account.replica = upstream.name;
    const endpoint = upstream.endpoint(route.spec.port);
    if (endpoint === null) {
      this.#onFailed('refused');
      return;
    }
    dial({
      endpoint,
      servername: null,
      timeoutMs: route.pool.policy.timeout.connectMs,
      deadlines: this.#tools.deadlines,
      transport: this.#tools.upstreams.transport,
      onConnected: (wire) => this.#join(wire),
      onFailed: (failure) => this.#onFailed(failure),
    });
  }

  onNotFound(code: GatewayErrorCode): void {
    const { account, wire } = this.#facts;
    account.failed(code);
    wire.write('', fatalAlert('internal_error'), '');
    wire.end();
    this.#finish();
  }

  #onFailed(failure: DialFailure): void {
    const failed = this.#upstream;
    if (this.#over || failed === null) return;
    this.#facts.route.pool.suspect(failed);
    this.#facts.traffic.revisions.failed(failed);
    this.#release();
    this.#search.next(failed, DIAL_ERRORS[failure]);
  }

  #join(upstream: Wire): void {
    const { wire, account, route, traffic } = this.#facts;
    if (this.#over) {
      upstream.destroy();
      return;
    }
    account.status = SWITCHED;
    account.switched();
    if (this.#upstream !== null) {
      traffic.revisions.answered(this.#upstream, false, this.#tools.clock.now() - this.#foundAt);
    }
    wire.detach(this.#octets);
    const onClosed = (bytesIn: number, bytesOut: number): void => {
      account.bytesIn += bytesIn;
      account.bytesOut += bytesOut;
      this.#finish();
    };
    const { idleMs } = route.pool.policy.timeout;
    new Tunnel({ client: wire, upstream, deadlines: this.#tools.deadlines, idleMs, onClosed });
  }

  // ---- the client, while it waits

  onOctets(b: Buffer, start: number, end: number): void {
    this.#octets = Buffer.concat([this.#octets, b.subarray(start, end)]);
    if (this.#octets.length > EARLY_MAX_BYTES) this.#facts.wire.pause();
  }

  onDrain(): void {}

  onEnd(): void {
    this.#facts.wire.destroy();
  }

  onClosed(): void {
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#search.cancel();
    this.#release();
    this.#facts.account.close(false);
    this.#tools.onOver(null);
  }

  #release(): void {
    const upstream = this.#upstream;
    this.#upstream = null;
    if (upstream !== null) this.#facts.route.pool.release(upstream);
  }
}
