/**
 * The deployments of all apps: at most one at a time moves a set; a newer one takes the place of those that wait for the
 * same sets. What was under way when Tidegate ended goes on when it starts.
 */
import { pause } from '#core/clock';
import type { DocumentChange } from '#store/store';
import type { AppLibrary, LibraryWrite } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import { DeploymentBook } from './deployment-book.ts';
import {
  type CanaryStep,
  DEPLOYMENT_KIND,
  type DeploymentRecord,
  type DeploymentWish,
  hasEnded,
  type Strategy,
} from './deployment-record.ts';
import { DeploymentRun } from './deployment-run.ts';
import type { Operations } from './operations.ts';
import type { AppsPorts } from './ports.ts';
import type { ReplicaFactory } from './replica-factory.ts';
import type { RevisionMaker } from './revision-maker.ts';
import type { SetChanges } from './set-changes.ts';

/** A run that ended without its deployment having ended begins again after that. */
const AGAIN_MS = 5000;

export interface DeploymentsOptions {
  readonly ports: AppsPorts;
  readonly library: AppLibrary;
  readonly operations: Operations;
  readonly revisions: RevisionMaker;
  readonly factory: ReplicaFactory;
  readonly changes: SetChanges;
  readonly declare: (set: SetRecord) => void;
}

export interface DeploymentDraft {
  readonly tenant: string;
  readonly app: string;
  readonly strategy: Strategy;
  readonly steps: readonly CanaryStep[];
  readonly members: readonly number[];
  readonly turns: readonly Pick<DeploymentRecord['turns'][number], 'set' | 'spec' | 'revision'>[];
  readonly cause: string;
  readonly by: string;
  readonly readyWithinMs: number;
}

/** What is kept in the same step as a new deployment. */
export interface Together {
  /** Of its app and sets; asked when nobody else writes about them. */
  readonly write?: () => LibraryWrite;
  readonly also?: readonly DocumentChange[];
}

export class Deployments {
  readonly #options: DeploymentsOptions;
  /** As they are kept. */
  readonly book: DeploymentBook;
  readonly #runs = new Map<string, DeploymentRun>();
  /** Ends of the runs, by deployment. */
  readonly #ends = new Map<string, Promise<void>>();
  /** Those that wait and are being changed: they do not begin meanwhile. */
  readonly #held = new Set<string>();
  readonly #closing = new AbortController();

  constructor(options: DeploymentsOptions) {
    this.#options = options;
    this.book = new DeploymentBook(options);
  }

  /** Takes up what was under way. */
  begin(): void {
    this.#startNext();
  }

  /**
   * Begins a deployment, or has it wait for the one that moves the same sets.
   * @throws TidegateError of the `store.` family, and there is none
   */
  async create(draft: DeploymentDraft, { write, also = [] }: Together = {}): Promise<DeploymentRecord> {
    const { ports, operations, library } = this.#options;
    const { tenant, app, by } = draft;
    const id = ports.newId('dep');
    const target = draft.turns.map((one) => `${app}/${one.set}`).join(', ');
    const made = (operation: string): DeploymentRecord => ({
      ...draft,
      id,
      operation,
      turns: draft.turns.map((one) => ({ ...one, from: null, before: null, step: 0, done: false })),
      state: 'queued',
      paused: false,
      wish: 'go',
      error: null,
      createdAt: ports.clock.wall(),
      endedAt: null,
    });
    let record = made('');
    // Whoever changes a set after that sees that it moves.
    await library.write(tenant, app, write ?? (() => ({})), async (changes) => {
      const operation = await operations.begin({ tenant, app, type: 'deployment', target, by }, (op) => [
        ...[{ kind: DEPLOYMENT_KIND, id, body: made(op) }, ...changes, ...also],
      ]);
      record = made(operation.id);
      this.book.took(record);
    });
    await this.#supersede(record);
    this.#startNext();
    return record;
  }

  /** What people want of one that has not ended. False: it has, or that cannot be wanted of it now. */
  async wish(record: DeploymentRecord, wish: DeploymentWish): Promise<boolean> {
    const known = this.book.byId(record.id) ?? record;
    if (hasEnded(known.state)) return false;
    const run = this.#runs.get(record.id);
    if (run === undefined) return (wish === 'cancel' || wish === 'abort') && (await this.#endBefore(known, wish));
    if (run.isCommitted && known.turns.filter((one) => !one.done).length < 2) return false;
    return await run.change({ wish });
  }

  /** One that does not run. False: it is being ended already. */
  async #endBefore(record: DeploymentRecord, wish: 'cancel' | 'abort'): Promise<boolean> {
    // One that had begun before a restart puts back what was, when it is taken up.
    if (record.turns.some((one) => one.before !== null)) return await this.#changeWaiting(record, { wish });
    return await this.#changeWaiting(record, { state: 'canceled' });
  }

  /** Stops time for the steps of one that runs, or lets it go on. False: it has ended. */
  async setPaused(record: DeploymentRecord, paused: boolean): Promise<boolean> {
    const run = this.#runs.get(record.id);
    return run !== undefined && (await run.change({ paused }));
  }

  /** Ends all runs where they are; they go on at the next start. */
  close(): void {
    this.#closing.abort();
    for (const run of this.#runs.values()) run.close();
  }

  /**
   * Those of an app that is going, or of one of its sets, are over, and nothing acts for them any more. One that moves
   * other sets, too, puts back what was, and is kept.
   */
  async drop(tenant: string, app: string, set: string | null): Promise<void> {
    const isOnlyAbout = (one: DeploymentRecord): boolean => set === null || one.turns.every((turn) => turn.set === set);
    for (;;) {
      // The newest first: those that wait do not begin because another has ended.
      const next = this.book.list(tenant, app).find(isOnlyAbout);
      if (next === undefined) break;
      await this.#drop(next);
    }
    for (;;) {
      const next = set === null ? null : this.book.movingOf(tenant, app, set);
      if (next === null || this.#closing.signal.aborted) return;
      const change = this.#options.operations.changed(next.operation, this.#closing.signal);
      if (next.wish !== 'cancel') await this.wish(next, 'cancel');
      const now = this.book.byId(next.id);
      if (now !== null && !hasEnded(now.state)) await change;
    }
  }

  async #drop({ id }: DeploymentRecord): Promise<void> {
    this.#runs.get(id)?.close();
    await this.#ends.get(id);
    const record = this.book.byId(id);
    if (record === null) return;
    if (!hasEnded(record.state)) {
      await this.book.save({ ...record, state: 'canceled', endedAt: this.#options.ports.clock.wall() });
    }
    await this.book.drop(id);
  }

  /** Those that wait for a set of a newer one will not have their turn. */
  async #supersede(newer: DeploymentRecord): Promise<void> {
    // What is only made anew brings nothing that others were to bring.
    if (newer.turns.every((one) => one.spec === null && one.revision === null)) return;
    const sets = newer.turns.map((one) => one.set);
    for (const record of this.book.list(newer.tenant, newer.app)) {
      const waits = record.state === 'queued' && record.id !== newer.id && !this.#runs.has(record.id);
      if (!waits || !record.turns.every((one) => sets.includes(one.set))) continue;
      await this.#changeWaiting(record, { state: 'superseded' });
    }
  }

  /** Changes one that does not run, and keeps it from beginning meanwhile. False: somebody else is at it. */
  async #changeWaiting({ id }: DeploymentRecord, change: Partial<DeploymentRecord>): Promise<boolean> {
    const record = this.book.byId(id);
    if (record === null || this.#held.has(id) || this.#runs.has(id) || hasEnded(record.state)) return false;
    this.#held.add(id);
    try {
      const isOver = change.state !== undefined;
      const next = { ...record, ...change, endedAt: isOver ? this.#options.ports.clock.wall() : null };
      // What a newer one took the place of is wished no more, and what that one wishes stands.
      const isBack = change.state === 'canceled';
      await this.#saveWith(next, isBack ? () => this.book.wishesWithout(next) : () => []);
    } finally {
      this.#held.delete(id);
    }
    this.#startNext();
    return true;
  }

  async #saveWith(record: DeploymentRecord, sets: () => readonly SetRecord[]): Promise<void> {
    const { tenant, app } = record;
    const write = () => ({ sets: sets() });
    await this.#options.library.write(tenant, app, write, (changes) => this.book.save(record, changes));
  }

  #startNext(): void {
    if (this.#closing.signal.aborted) return;
    const busy = new Set<string>();
    for (const record of this.book.all()) {
      if (hasEnded(record.state)) continue;
      const sets = record.turns.map((one) => `${record.tenant}/${record.app}/${one.set}`);
      const isFree = sets.every((one) => !busy.has(one));
      for (const set of sets) busy.add(set);
      if (isFree && !this.#runs.has(record.id) && !this.#held.has(record.id)) this.#start(record);
    }
  }

  #start(record: DeploymentRecord): void {
    const run = new DeploymentRun({
      ...this.#options,
      record,
      save: (next, also) => this.book.save(next, also),
      wishesWithout: (ended) => this.book.wishesWithout(ended),
      onPull: (pull) => this.#options.operations.tellPull(record.operation, pull),
    });
    this.#runs.set(record.id, run);
    const end = run.run();
    this.#ends.set(record.id, end);
    void end.then(async () => {
      // What could not be kept is tried again, and not on and on: the store may be away.
      const now = this.book.byId(record.id);
      if (now !== null && !hasEnded(now.state)) await pause(this.#options.ports.clock, AGAIN_MS, this.#closing.signal);
      this.#runs.delete(record.id);
      this.#ends.delete(record.id);
      await this.book.prune(record);
      this.#startNext();
    });
  }
}
