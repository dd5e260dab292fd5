/**
 * Clearances: before control does to a replica what would break requests, every worker has to have said that it gives
 * the replica nothing any more. What a worker had begun by then is counted before its word arrives, because both come by
 * the same channel in order. A worker that does not answer is given up: its requests end with it.
 */
import type { Clock, Timer } from '#core/clock';

/** A worker that serves answers within a turn of its event loop; a machine under load takes its time. */
export const ANSWER_WITHIN_MS = 5000;

interface Clearance {
  readonly waiting: Set<number>;
  /** They answered that something is still in flight, and will answer again. */
  readonly busy: Set<number>;
  readonly resolve: () => void;
  readonly timer: Timer;
}

export interface ClearancesOptions {
  readonly clock: Clock;
  readonly ask: (worker: number, clearance: number, replica: string) => void;
  /** The worker hangs: end it. */
  readonly giveUp: (worker: number) => void;
}

export class Clearances {
  readonly #options: ClearancesOptions;
  readonly #open = new Map<number, Clearance>();
  #last = 0;

  constructor(options: ClearancesOptions) {
    this.#options = options;
  }

  /** Resolves when none of the workers gives the replica anything. Null: there are no workers. */
  open(replica: string, workers: Iterable<number>): Promise<void> | null {
    const waiting = new Set(workers);
    if (waiting.size === 0) return null;
    const { clock, ask } = this.#options;
    const number = ++this.#last;
    return new Promise((resolve) => {
      const timer = clock.after(ANSWER_WITHIN_MS, () => this.#overdue(number));
      this.#open.set(number, { waiting, busy: new Set(), resolve, timer });
      for (const worker of [...waiting]) ask(worker, number, replica);
    });
  }

  answered(worker: number, number: number, busy: boolean): void {
    const clearance = this.#open.get(number);
    if (busy) clearance?.busy.add(worker);
    else this.#drop(number, worker);
  }

  /** The worker is gone. */
  leave(worker: number): void {
    for (const number of [...this.#open.keys()]) this.#drop(number, worker);
  }

  close(): void {
    for (const { timer } of this.#open.values()) timer.cancel();
  }

  #drop(number: number, worker: number): void {
    const clearance = this.#open.get(number);
    if (clearance === undefined) return;
    clearance.waiting.delete(worker);
    if (clearance.waiting.size > 0) return;
    this.#open.delete(number);
    clearance.timer.cancel();
    clearance.resolve();
  }

  #overdue(number: number): void {
    const clearance = this.#open.get(number);
    if (clearance === undefined) return;
    for (const worker of clearance.waiting) if (!clearance.busy.has(worker)) this.#options.giveUp(worker);
  }
}
