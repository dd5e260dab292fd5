/**
 * How far a deployment has come, and what people want of it: every change is kept before it counts, one after the other,
 * so that what a person wished meanwhile is not taken back.
 */
import type { DocumentChange } from '#store/store';
import { type DeploymentRecord, type DeploymentState, hasEnded, type SetTurn } from './deployment-record.ts';
import { Halt, haltOf } from './halt.ts';

/** @param also kept in the same step */
export type SaveDeployment = (record: DeploymentRecord, also: readonly DocumentChange[]) => Promise<void>;

export class DeploymentProgress {
  readonly #save: SaveDeployment;
  /** Tidegate ends: the run is left as it is kept. */
  readonly #closing = new AbortController();
  #wished = new AbortController();
  #record: DeploymentRecord;
  #keeping: Promise<void> = Promise.resolve();
  /** The set under way goes on to its end, whatever is wanted. */
  isCommitted = false;

  constructor(record: DeploymentRecord, save: SaveDeployment) {
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

  /** What people want of it: kept, and acted on at once. False: it has ended, or gone too far for that, and nothing is kept. */
  async want(change: Pick<Partial<DeploymentRecord>, 'wish' | 'paused'>): Promise<boolean> {
    const isEnding = change.wish === 'cancel' || change.wish === 'abort';
    const isPossible = (): boolean => !hasEnded(this.#record.state) && !(isEnding && this.#isPastEnding());
    const kept = await this.#inTurn(async () => {
      if (!isPossible()) return false;
      await this.#keepNow(change, []);
      return true;
    });
    this.#wished.abort();
    this.#wished = new AbortController();
    return kept;
  }

  #isPastEnding(): boolean {
    return this.isCommitted && this.#record.turns.filter((one) => !one.done).length < 2;
  }

  /** The set under way goes on to its end from now on, whatever is wanted. @throws Halt when its end was wanted before */
  async commit(): Promise<void> {
    for (let last: unknown = null; last !== this.#keeping; ) {
      last = this.#keeping;
      await last;
    }
    this.heed();
    this.isCommitted = true;
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
    // Turns are changed by the run alone: nobody else writes them in between.
    return this.keep({ turns: this.#record.turns.map((one, at) => (at === i ? { ...one, ...change } : one)) });
  }

  keep(change: Partial<DeploymentRecord>, also: readonly DocumentChange[] = []): Promise<void> {
    return this.#inTurn(() => this.#keepNow(change, also));
  }

  async #keepNow(change: Partial<DeploymentRecord>, also: readonly DocumentChange[]): Promise<void> {
    const next = { ...this.#record, ...change };
    await this.#save(next, also);
    this.#record = next;
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#keeping.then(run);
    this.#keeping = done.then(
      () => {},
      () => {},
    );
    return done;
  }
}
