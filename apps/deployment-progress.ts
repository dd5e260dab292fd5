/**
 * How far a deployment has come, and what people want of it: every change is kept before it counts, one after the other,
 * so that what a person wished meanwhile is not taken back.
 */
import type { DeploymentRecord, DeploymentState, SetTurn } from './deployment-record.ts';
import { Halt, haltOf } from './halt.ts';

export class DeploymentProgress {
  readonly #save: (record: DeploymentRecord) => Promise<void>;
  /** Tidegate ends: the run is left as it is kept. */
  readonly #closing = new AbortController();
  #wished = new AbortController();
  #record: DeploymentRecord;
  #keeping: Promise<void> = Promise.resolve();
  /** The set under way goes on to its end, whatever is wanted. */
  isCommitted = false;

  constructor(record: DeploymentRecord, save: (record: DeploymentRecord) => Promise<void>) {
    this.#record = record;
    this.#save = save;
  }

  get record(): DeploymentRecord {
    return this.#record;
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Aborts when there is something to heed. */
  get signal(): AbortSignal {
    return AbortSignal.any([this.#closing.signal, this.#wished.signal]);
  }

  turn(i: number): SetTurn {
    return this.#record.turns[i] as SetTurn;
  }

  close(): void {
    this.#closing.abort();
  }

  /** What people want of it: kept, and acted on at once. */
  async want(change: Pick<Partial<DeploymentRecord>, 'wish' | 'paused'>): Promise<void> {
    await this.keep(change);
    this.#wished.abort();
    this.#wished = new AbortController();
  }

  /** @throws Halt when somebody wants it ended */
  heed(): void {
    if (this.#closing.signal.aborted) throw new Error('Tidegate is ending');
    if (this.isCommitted) return;
    const { wish } = this.#record;
    if (wish === 'cancel') throw new Halt('canceled', 'deployment.canceled', 'it was canceled');
    if (wish === 'abort') throw new Halt('rolled-back', 'deployment.aborted', 'it was aborted by a person');
  }

  /** What an error comes to: work that was broken off because somebody wants it ended has not failed. */
  haltFor(error: unknown): Halt {
    if (error instanceof Halt) return error;
    try {
      this.heed();
    } catch (wished) {
      return haltOf(wished);
    }
    return haltOf(error);
  }

  enter(state: DeploymentState): Promise<void> {
    this.heed();
    return this.keep({ state });
  }

  keepTurn(i: number, change: Partial<SetTurn>): Promise<void> {
    return this.keep({ turns: this.#record.turns.map((one, at) => (at === i ? { ...one, ...change } : one)) });
  }

  keep(change: Partial<DeploymentRecord>): Promise<void> {
    const kept = this.#keeping.then(async () => {
      const next = { ...this.#record, ...change };
      await this.#save(next);
      this.#record = next;
    });
    this.#keeping = kept.catch(() => {});
    return kept;
  }
}
