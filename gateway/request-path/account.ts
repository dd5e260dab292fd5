/**
 * The account of one request: what the metrics and the access log will say of it. Opened with the request, closed once;
 * then it may be opened for another.
 */
import type { Clock } from '#core/clock';
import type { SetKey } from '#core/set';
import type { WakePhases } from '#router/admission';
import type { AccessLog } from '../access-log.ts';
import type { GatewayErrorCode } from '../error-answer.ts';
import { SetMetrics } from '../metrics.ts';

/** Where accounts are kept. */
export interface AccountBook {
  readonly clock: Clock;
  readonly accessLog: AccessLog | null;
}

/** What was asked, as far as it could be read. */
export interface Asking {
  readonly method: string;
  readonly hostname: string;
  readonly path: string;
}

const NOTHING_ASKED: Asking = { method: '', hostname: '', path: '' };
const NO_METRICS = new SetMetrics();

export class Account {
  readonly #book: AccountBook;
  #metrics = NO_METRICS;
  #startedAt = 0;
  #counted = false;
  #closed = true;
  id = '';
  /** Address of the client itself. */
  client = '';
  method = '';
  hostname = '';
  path = '';
  set: SetKey | null = null;
  /** Of the answer; 0: none yet. */
  status = 0;
  bytesIn = 0;
  bytesOut = 0;
  tries = 0;
  replica: string | null = null;
  wakeMs: number | null = null;
  /** Monotonic ms of the end of that wait. */
  #wokeAt = 0;
  /** Where that time went, as far as it is known. */
  wakePhases: WakePhases | null = null;
  error: GatewayErrorCode | null = null;
  /** SHA-256 of the certificate the client proved itself by. */
  certificate: string | null = null;

  constructor(book: AccountBook) {
    this.#book = book;
  }

  open(id: string, client: string, metrics: SetMetrics): void {
    this.#metrics = metrics;
    this.#startedAt = this.#book.clock.now();
    this.#counted = this.#closed = false;
    this.id = id;
    this.client = client;
    this.asks(NOTHING_ASKED);
    this.set = null;
    this.status = this.bytesIn = this.bytesOut = this.tries = 0;
    this.replica = this.wakeMs = this.wakePhases = this.error = this.certificate = null;
    metrics.inFlight++;
  }

  asks({ method, hostname, path }: Asking): void {
    this.method = method;
    this.hostname = hostname;
    this.path = path;
  }

  /** It waited for a wake. */
  woke(ms: number, phases: WakePhases | null = null): void {
    this.wakeMs = (this.wakeMs ?? 0) + ms;
    this.wakePhases = phases;
    this.#wokeAt = this.#book.clock.now();
  }

  /** What it waited for has begun to answer: counts the time since the wait, and returns it, in ms. */
  firstByte(): number {
    const ms = this.#book.clock.now() - this.#wokeAt;
    if (this.wakePhases !== null) this.#metrics.firstByte(this.wakePhases.tier, ms);
    return ms;
  }

  /** Notes that the answer is one of the gateway's own. */
  failed(code: GatewayErrorCode): void {
    this.error = code;
    this.#metrics.failed(code);
  }

  /** Counts an upgrade as answered: how long the tunnel lives says nothing about latency. */
  switched(): void {
    this.#metrics.upgrades++;
    this.#count();
  }

  /** @param cut the answer, if any, is not complete */
  close(cut: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    const metrics = this.#metrics;
    metrics.inFlight--;
    metrics.bytesIn += this.bytesIn;
    metrics.bytesOut += this.bytesOut;
    if (this.status === 0) metrics.aborted++;
    else if (!this.#counted) {
      this.#count();
      if (cut) metrics.cut++;
    }
    const { accessLog } = this.#book;
    if (accessLog !== null) accessLog.record(this, this.#elapsedMs(), cut);
  }

  #count(): void {
    this.#counted = true;
    this.#metrics.answered(this.status, this.#elapsedMs());
  }

  #elapsedMs(): number {
    return this.#book.clock.now() - this.#startedAt;
  }
}
