/**
 * The search for an upstream: claim one, wait for one, or find another when one failed. What is found is claimed already;
 * every other end of the search is an error of the gateway. A retry is bounded by the policy and by the set's budget, and
 * never goes where the request has failed before.
 */
import type { Clock } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { Admission, Admitter, WakePhases } from '#router/admission';
import type { Pool } from '#router/pool';
import type { RevisionWish } from '#router/revision-wish';
import type { Upstream } from '#router/upstream';
import type { GatewayErrorCode } from '../error-answer.ts';
import { ASLEEP_RETRY_S } from './gates.ts';
import { Hold } from './hold.ts';
import type { SetTraffic } from './set-traffic.ts';

export interface SearchTools {
  readonly clock: Clock;
  readonly log: Log;
  readonly admitter: Admitter;
}

export interface SearchFacts {
  readonly traffic: SetTraffic;
  readonly account: { /** Address of the client, for fairness. */ readonly client: string };
  readonly request: {
    /** What the request takes in memory while it is held. */ readonly head: { readonly length: number };
  };
  /** What `hash:…` balancing goes by. */
  readonly hash: number;
  /** Tag from the sticky cookie of the client; null: it has none. */
  readonly tag: string | null;
  /** The revision where it belongs; null: any, by weight. */
  readonly wish: RevisionWish | null;
  /** It is not to count as use of the set, nor to wake it. */
  readonly quiet: boolean;
}

/** Hears one of the two for every `first` and `next`, perhaps before they return. */
export interface Searcher {
  /** @param wakeMs how long the request waited for a wake; null: it did not. @param phases where that time went */
  onFound(upstream: Upstream, wakeMs: number | null, phases?: WakePhases): void;
  onNotFound(code: GatewayErrorCode, retryAfterS: number | null): void;
}

export class Search {
  readonly #tools: SearchTools;
  readonly #facts: SearchFacts;
  #pool: Pool;
  readonly #searcher: Searcher;
  #tried: Upstream[] | null = null;
  #retriesLeft = 0;
  #hold: Hold | null = null;

  constructor(tools: SearchTools, facts: SearchFacts, searcher: Searcher) {
    this.#tools = tools;
    this.#facts = facts;
    this.#pool = facts.traffic.pool;
    this.#searcher = searcher;
  }

  /** Claims an upstream if one has room now. */
  claim(): Upstream | null {
    const { tag, hash, wish, quiet } = this.#facts;
    const pool = this.#pool;
    const tagged = tag === null ? null : pool.claimTagged(tag, this.#tried, wish, quiet);
    return tagged ?? pool.claim(hash, this.#tried, wish, quiet);
  }

  /** Finds the first upstream for what the facts say now, waiting for one if need be. */
  first(): void {
    this.#pool = this.#facts.traffic.pool;
    this.#tried = null;
    this.#retriesLeft = this.#pool.policy.retry;
    const upstream = this.claim();
    if (upstream === null) this.#wait(null, 'no_replicas');
    else this.#searcher.onFound(upstream, null);
  }

  /**
   * Finds another upstream after one has failed.
   * @param code what the failure is called if there is no other
   */
  next(failed: Upstream, code: GatewayErrorCode): void {
    const { traffic } = this.#facts;
    this.#tried = this.#tried === null ? [failed] : [...this.#tried, failed];
    if (this.#retriesLeft === 0 || !traffic.retries.take(this.#tools.clock.now())) {
      this.#searcher.onNotFound(code, null);
      return;
    }
    this.#retriesLeft--;
    traffic.metrics.retries++;
    const upstream = this.claim();
    if (upstream === null) this.#wait(failed, code);
    else this.#searcher.onFound(upstream, null);
  }

  /** Ends the search; nothing more is heard of it. */
  cancel(): void {
    this.#hold?.cancel();
    this.#hold = null;
  }

  #wait(failed: Upstream | null, code: GatewayErrorCode): void {
    const { traffic, account, request, hash, wish, quiet } = this.#facts;
    const { clock, admitter } = this.#tools;
    if (quiet && this.#pool.readyCount === 0) {
      // It was let in while the set was up, and is not to wake it.
      this.#searcher.onNotFound(code === 'no_replicas' ? 'asleep' : code, ASLEEP_RETRY_S);
      return;
    }
    traffic.metrics.held++;
    this.#hold = new Hold({
      clock,
      admitter,
      pool: this.#pool,
      request: { client: account.client, bytes: request.head.length, hash, wish, tried: this.#tried },
      failed,
      onAdmission: (admission) => this.#onAdmission(admission, code),
      onPointless: () => this.#searcher.onNotFound(code, null),
      onError: (error) => {
        this.#tools.log.error('a request could not be held', { set: this.#pool.key, error: messageOf(error) });
        this.#searcher.onNotFound('no_replicas', 1);
      },
    });
  }

  /** @param code what it is called if there is nothing to be had: what failed before tells more than that */
  #onAdmission(admission: Admission, code: GatewayErrorCode): void {
    this.#hold = null;
    const searcher = this.#searcher;
    switch (admission.outcome) {
      case 'admitted':
        searcher.onFound(admission.upstream, admission.wakeMs, admission.phases);
        break;
      case 'shed':
        searcher.onNotFound('waiting_room_full', admission.retryAfterS);
        break;
      case 'timed-out':
        searcher.onNotFound('wake_timeout', admission.retryAfterS);
        break;
      case 'stopped':
        searcher.onNotFound(admission.code === 'no_replicas' ? code : admission.code, admission.retryAfterS);
        break;
    }
  }
}
