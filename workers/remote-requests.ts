/**
 * Requests of workers for admission, held in the one waiting room of their set together with everybody else's, so that
 * its bounds, its fairness and the one wake hold over all workers. What is claimed for a request belongs to its worker
 * from then on; a request whose worker died or whose client left gives back what it got.
 */
import type { Clock, Timer } from '#core/clock';
import type { Log } from '#core/log';
import type { SetKey } from '#core/set';
import type { Admission, Admitter, KnockAnswer } from '#router/admission';
import type { Pool } from '#router/pool';
import type { RouteTable } from '#router/route-table';
import type { CountLedger } from './count-ledger.ts';
import type { ToControl, ToWorker } from './messages.ts';
import type { Picture } from './picture.ts';

/** How long workers go on to ask for every request after nobody waits for room any more. */
const WANTED_FOR_MS = 50;
const UNKNOWN_SET: KnockAnswer = { code: 'no_replicas', retryAfterS: 5 };

type Admitted = Extract<Admission, { outcome: 'admitted' }>;
type AdmitMessage = Extract<ToControl, { kind: 'admit' }>;

interface Asked {
  readonly worker: number;
  readonly message: AdmitMessage;
  readonly pool: Pool;
  readonly abort: AbortController;
}

export interface RemoteRequestsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly table: Pick<RouteTable, 'pool'>;
  readonly admitter: Admitter;
  readonly ledger: CountLedger;
  readonly picture: Picture;
  readonly reply: (worker: number, message: ToWorker) => void;
  readonly sayToAll: (message: ToWorker) => void;
}

export class RemoteRequests {
  readonly #options: RemoteRequestsOptions;
  /** Of each worker, by request. */
  readonly #held = new Map<number, Map<number, AbortController>>();
  readonly #wanted = new Map<Pool, Timer | null>();
  /** Requests for sets that are not known yet; workers may know them from an earlier control. */
  #strangers: { readonly worker: number; readonly message: AdmitMessage }[] = [];
  #complete = false;

  constructor(options: RemoteRequestsOptions) {
    this.#options = options;
  }

  /** What there is has changed, or (`complete`) is all known: whoever asked for an unknown set has an answer coming. */
  learnt(complete: boolean): void {
    this.#complete ||= complete;
    if (this.#strangers.length === 0) return;
    // Those who keep the set hear of it within this turn.
    queueMicrotask(() => {
      for (const { worker, message } of this.#strangers.splice(0)) this.admit(worker, message);
    });
  }

  /** Sets of which workers have to know that others wait for room. */
  *wanted(): Generator<SetKey> {
    for (const pool of this.#wanted.keys()) yield pool.key;
  }

  admit(worker: number, message: AdmitMessage): void {
    const { table, admitter, ledger, log, reply } = this.#options;
    const { request, client, bytes, hash, wish } = message;
    const pool = table.pool(message.set);
    if (pool === undefined && !this.#complete) {
      this.#strangers.push({ worker, message });
      return;
    }
    if (pool === undefined) {
      const admission = { outcome: 'stopped', code: 'no_replicas', retryAfterS: 5 } as const;
      reply(worker, { kind: 'turned-down', request, admission });
      return;
    }
    const held = this.#held.get(worker) ?? new Map<number, AbortController>();
    const abort = new AbortController();
    this.#held.set(worker, held.set(request, abort));
    const tried = message.tried?.map((id) => ledger.find(id)?.upstream).filter((one) => one !== undefined) ?? null;
    admitter.admit(pool, { client, bytes, hash, wish, tried }, abort.signal).then(
      (admission) => this.#settle({ worker, message, pool, abort }, admission),
      (error: unknown) => {
        log.error('a request of a worker could not be held', { set: pool.key, error });
        this.#settle({ worker, message, pool, abort }, { outcome: 'stopped', code: 'no_replicas', retryAfterS: 1 });
      },
    );
    this.#followWanted(pool);
  }

  /** The client left, or the worker does not wait any longer. */
  cancel(worker: number, request: number): void {
    const held = this.#held.get(worker);
    held?.get(request)?.abort();
    held?.delete(request);
    this.#strangers = this.#strangers.filter((one) => one.worker !== worker || one.message.request !== request);
  }

  async knock(worker: number, request: number, set: SetKey): Promise<void> {
    const pool = this.#options.table.pool(set);
    const unknown = this.#complete ? UNKNOWN_SET : null;
    const answer = pool === undefined ? unknown : await this.#options.admitter.knock(pool);
    this.#options.reply(worker, { kind: 'knocked', request, answer });
  }

  /** The worker is gone: nobody waits there. */
  leave(worker: number): void {
    const held = this.#held.get(worker);
    this.#held.delete(worker);
    this.#strangers = this.#strangers.filter((one) => one.worker !== worker);
    for (const abort of held?.values() ?? []) abort.abort();
  }

  close(): void {
    for (const timer of this.#wanted.values()) timer?.cancel();
    this.#held.clear();
  }

  #settle(asked: Asked, admission: Admission): void {
    const { worker, message, pool, abort } = asked;
    const { request } = message;
    const held = this.#held.get(worker);
    const isAwaited = held?.get(request) === abort;
    if (isAwaited) held?.delete(request);
    this.#followWanted(pool);
    if (admission.outcome !== 'admitted') {
      if (isAwaited) this.#options.reply(worker, { kind: 'turned-down', request, admission });
      return;
    }
    if (isAwaited) this.#handOver(asked, admission);
    else pool.release(admission.upstream);
  }

  #handOver({ worker, message, pool }: Asked, { upstream, wakeMs, phases }: Admitted): void {
    const { picture, ledger, reply } = this.#options;
    const { request } = message;
    const numbered = picture.of(upstream);
    if (numbered === null) {
      // It left its pool between the claim and this moment.
      pool.release(upstream);
      this.admit(worker, message);
      return;
    }
    const slot = pool.policy.concurrency > 0;
    ledger.lend(worker, numbered, slot);
    const wait = { woke: wakeMs !== null, ...(phases === undefined ? {} : { phases }) };
    reply(worker, { kind: 'admitted', request, id: numbered.id, slot, ...wait });
  }

  /** Where requests wait for room under a limit, or for their turn after a wake, nobody overtakes them and no slot stays idle. */
  #followWanted(pool: Pool): void {
    const { clock, sayToAll } = this.#options;
    const timer = this.#wanted.get(pool);
    if (pool.held > 0 && (pool.policy.concurrency > 0 || pool.readyCount > 0)) {
      timer?.cancel();
      this.#wanted.set(pool, null);
      if (timer === undefined) sayToAll({ kind: 'wanted', set: pool.key, wanted: true });
      return;
    }
    if (timer !== null) return;
    const settle = (): void => {
      this.#wanted.delete(pool);
      sayToAll({ kind: 'wanted', set: pool.key, wanted: false });
    };
    this.#wanted.set(pool, clock.after(WANTED_FOR_MS, settle));
  }
}
