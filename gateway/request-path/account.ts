/**
 * The account of one request: what the metrics and the access log will say of it. Opened with the request, closed once.
 */
import type { Clock } from '#core/clock';
import type { SetKey } from '#core/set';
import type { AccessLog } from '../access-log.ts';
import type { GatewayErrorCode } from '../error-answer.ts';
import type { SetMetrics } from '../metrics.ts';

/** Where accounts are kept. */
export interface AccountBook {
  readonly clock: Clock;
  readonly accessLog: AccessLog | null;
}

export interface AccountFacts {
  readonly id: string;
  readonly client: string;
  readonly method: string;
  readonly hostname: string;
  readonly path: string;
  readonly set: SetKey | null;
  readonly metrics: SetMetrics;
}

export class Account {
  readonly facts: AccountFacts;
  readonly #book: AccountBook;
  readonly #startedAt: number;
  #counted = false;
  #closed = false;
  /** Of the answer; 0: none yet. */
  status = 0;
  bytesIn = 0;
  bytesOut = 0;
  tries = 0;
  replica: string | null = null;
  wakeMs: number | null = null;
  error: GatewayErrorCode | null = null;

  constructor(book: AccountBook, facts: AccountFacts) {
    this.#book = book;
    this.facts = facts;
    this.#startedAt = book.clock.now();
    facts.metrics.inFlight++;
  }

  /** Notes that the answer is one of the gateway's own. */
  failed(code: GatewayErrorCode): void {
    this.error = code;
    this.facts.metrics.failed(code);
  }

  /** Counts an upgrade as answered: how long the tunnel lives says nothing about latency. */
  switched(): void {
    this.facts.metrics.upgrades++;
    this.#count();
  }

  /** @param cut the answer, if any, is not complete */
  close(cut: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    const { metrics } = this.facts;
    metrics.inFlight--;
    metrics.bytesIn += this.bytesIn;
    metrics.bytesOut += this.bytesOut;
    if (this.status === 0) metrics.aborted++;
    else if (!this.#counted) {
      this.#count();
      if (cut) metrics.cut++;
    }
    if (this.#book.accessLog !== null) this.#record(this.#book.accessLog, cut);
  }

  #record(log: AccessLog, cut: boolean): void {
    const { metrics: _, ...facts } = this.facts;
    log.record({
      ...facts,
      status: this.status,
      ms: this.#elapsedMs(),
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      replica: this.replica,
      tries: this.tries,
      wakeMs: this.wakeMs,
      error: this.error,
      cut,
    });
  }

  #count(): void {
    this.#counted = true;
    this.facts.metrics.answered(this.status, this.#elapsedMs());
  }

  #elapsedMs(): number {
    return this.#book.clock.now() - this.#startedAt;
  }
}
