/**
 * The Admitter of a worker: asks control, which has the waiting rooms. A request that control cannot answer because it is
 * gone is asked for again when another one is there; the set's own wake timeout bounds the wait in any case.
 */
import type { Clock, Timer } from '#core/clock';
import type { Admission, AdmissionRequest, Admitter, KnockAnswer } from '#router/admission';
import type { Pool } from '#router/pool';
import type { CountReporter } from './count-reporter.ts';
import type { ToControl, ToWorker } from './messages.ts';
import type { TableCopy } from './table-copy.ts';

/** Control's own deadline comes first when it lives. */
const SLACK_MS = 500;
/** How long a visitor of the waiting page waits for a word of control; after that the page is shown. */
const KNOCK_WITHIN_MS = 1000;

interface Asked {
  readonly pool: Pool;
  readonly request: AdmissionRequest;
  readonly since: number;
  readonly settle: (admission: Admission) => void;
}

interface Knock {
  readonly pool: Pool;
  readonly settle: (answer: KnockAnswer) => void;
}

export interface RemoteAdmitterOptions {
  readonly clock: Clock;
  readonly copy: Pick<TableCopy, 'find' | 'idOf'>;
  readonly reporter: Pick<CountReporter, 'adopt'>;
  readonly say: (message: ToControl) => void;
}

export class RemoteAdmitter implements Admitter {
  readonly #options: RemoteAdmitterOptions;
  readonly #asked = new Map<number, Asked>();
  readonly #knocks = new Map<number, Knock>();
  #last = 0;

  constructor(options: RemoteAdmitterOptions) {
    this.#options = options;
  }

  /** Requests that wait for control. */
  get waiting(): number {
    return this.#asked.size;
  }

  admit(pool: Pool, request: AdmissionRequest, signal: AbortSignal): Promise<Admission> {
    const { clock } = this.#options;
    if (signal.aborted) return Promise.resolve({ outcome: 'timed-out', retryAfterS: 1 });
    const number = ++this.#last;
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#options.say({ kind: 'cancel', request: number });
        settle({ outcome: 'timed-out', retryAfterS: 5 });
      };
      const timer: Timer = clock.after(pool.policy.wakeTimeoutMs + SLACK_MS, leave);
      const settle = (admission: Admission): void => {
        if (!this.#asked.delete(number)) return;
        timer.cancel();
        signal.removeEventListener('abort', leave);
        resolve(admission);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#asked.set(number, { pool, request, since: clock.now(), settle });
      this.#ask(number);
    });
  }

  knock(pool: Pool): Promise<KnockAnswer> {
    const number = ++this.#last;
    return new Promise((resolve) => {
      const settle = (answer: KnockAnswer): void => {
        timer.cancel();
        if (this.#knocks.delete(number)) resolve(answer);
      };
      const timer = this.#options.clock.after(KNOCK_WITHIN_MS, () => settle(null));
      this.#knocks.set(number, { pool, settle });
      this.#options.say({ kind: 'knock', request: number, set: pool.key });
    });
  }

  /** Another control listens: asks again for everything that waits. */
  askAgain(): void {
    for (const number of this.#asked.keys()) this.#ask(number);
    for (const [request, { pool }] of this.#knocks) this.#options.say({ kind: 'knock', request, set: pool.key });
  }

  take(message: ToWorker): void {
    switch (message.kind) {
      case 'admitted':
        this.#admitted(message);
        break;
      case 'turned-down':
        this.#asked.get(message.request)?.settle(message.admission);
        break;
      case 'knocked':
        this.#knocks.get(message.request)?.settle(message.answer);
        break;
      default:
    }
  }

  #admitted({ request, id, slot, woke, phases }: Extract<ToWorker, { kind: 'admitted' }>): void {
    const { copy, reporter, clock } = this.#options;
    const known = copy.find(id);
    if (known === null) {
      // Nobody can use what was claimed: it goes back, and the request takes another turn.
      this.#options.say({ kind: 'counts', changes: [[id, -1, 0, slot ? 1 : 0]] });
      this.#ask(request);
      return;
    }
    reporter.adopt(known.upstream, slot);
    const asked = this.#asked.get(request);
    // Its client left meanwhile.
    if (asked === undefined) known.pool.release(known.upstream);
    else {
      const wakeMs = woke ? clock.now() - asked.since : null;
      const wait = { wakeMs, ...(phases === undefined ? {} : { phases }) };
      asked.settle({ outcome: 'admitted', upstream: known.upstream, ...wait });
    }
  }

  #ask(number: number): void {
    const asked = this.#asked.get(number);
    if (asked === undefined) return;
    const { client, bytes, hash, wish = null, tried } = asked.request;
    const ids = tried?.map((one) => this.#options.copy.idOf(one)).filter((one) => one !== null) ?? null;
    const about = { request: number, set: asked.pool.key, client, bytes, hash, wish };
    this.#options.say({ kind: 'admit', ...about, tried: ids });
  }
}
