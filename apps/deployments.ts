/**
 * The deployments of all apps: at most one at a time moves a set; a newer one takes the place of those that wait for the
 * same sets. What was under way when Tidegate ended goes on when it starts.
 */
import { pause } from '#core/clock';
import { messageOf } from '#core/errors';
import type { SetSpec } from '#core/set-spec';
import type { DocumentChange } from '#store/store';
import type { AppLibrary } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import { endOf, operationOf } from './deployment-operation.ts';
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

/** Kept of one app, with those that run. */
const DEPLOYMENTS_KEPT = 50;
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
  readonly changes: readonly DocumentChange[];
  /** They are. */
  readonly onKept: () => void;
}

const NOTHING_ELSE: Together = { changes: [], onKept: () => {} };

export class Deployments {
  readonly #options: DeploymentsOptions;
  readonly #records = new Map<string, DeploymentRecord>();
  readonly #runs = new Map<string, DeploymentRun>();
  /** Ends of the runs, by deployment. */
  readonly #ends = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(options: DeploymentsOptions) {
    this.#options = options;
  }

  /** Reads what is kept. @throws TidegateError of the `store.` family */
  async load(): Promise<void> {
    for (const { body } of await this.#options.ports.store.documents(DEPLOYMENT_KIND)) {
      const record = body as DeploymentRecord;
      this.#records.set(record.id, record);
    }
  }

  /** Takes up what was under way. */
  begin(): void {
    this.#startNext();
  }

  get(tenant: string, app: string, id: string): DeploymentRecord | null {
    const found = this.#records.get(id);
    return found !== undefined && found.tenant === tenant && found.app === app ? found : null;
  }

  /** Newest first. */
  list(tenant: string, app: string): readonly DeploymentRecord[] {
    const found = [...this.#records.values()].filter((one) => one.tenant === tenant && one.app === app);
    return found.sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** One that has not ended and is about a set; null: none is. */
  movingOf(tenant: string, app: string, set: string): DeploymentRecord | null {
    const isAbout = (one: DeploymentRecord): boolean => one.turns.some((turn) => turn.set === set);
    return this.list(tenant, app).find((one) => !hasEnded(one.state) && isAbout(one)) ?? null;
  }

  /** What the newest that has not ended brings a set to; null: none is about it, or it only makes it anew. */
  wishedOf(tenant: string, app: string, set: string): SetSpec | null {
    for (const { state, turns } of this.list(tenant, app)) {
      const turn = hasEnded(state) ? undefined : turns.find((one) => one.set === set);
      const number = turn?.revision ?? null;
      const pinned = number === null ? null : this.#options.library.revision(tenant, app, set, number);
      const spec = turn?.spec ?? pinned?.spec ?? null;
      if (spec !== null) return spec;
    }
    return null;
  }

  isMoving(tenant: string, app: string, set: string): boolean {
    return this.movingOf(tenant, app, set) !== null;
  }

  /**
   * Begins a deployment, or has it wait for the one that moves the same sets.
   * @throws TidegateError of the `store.` family, and there is none
   */
  async create(draft: DeploymentDraft, together: Together = NOTHING_ELSE): Promise<DeploymentRecord> {
    const { ports, operations } = this.#options;
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
    const operation = await operations.begin({ tenant, app, type: 'deployment', target, by }, (op) => [
      { kind: DEPLOYMENT_KIND, id, body: made(op) },
      ...together.changes,
    ]);
    const record = made(operation.id);
    this.#records.set(id, record);
    together.onKept();
    await this.#supersede(record);
    this.#startNext();
    return record;
  }

  /** What people want of one that has not ended. False: it has, or that cannot be wanted of it now. */
  async wish(record: DeploymentRecord, wish: DeploymentWish): Promise<boolean> {
    const known = this.#records.get(record.id) ?? record;
    if (hasEnded(known.state)) return false;
    const run = this.#runs.get(record.id);
    if (run === undefined) {
      if (wish !== 'cancel' && wish !== 'abort') return false;
      const hasBegun = known.turns.some((one) => one.before !== null);
      // One that had begun before a restart puts back what was, when it is taken up.
      if (hasBegun) await this.#save({ ...known, wish });
      else await this.#save({ ...known, state: 'canceled', endedAt: this.#options.ports.clock.wall() });
      return true;
    }
    if (run.isCommitted && known.turns.filter((one) => !one.done).length < 2) return false;
    await run.change({ wish });
    return true;
  }

  /** Stops time for the steps of one that runs, or lets it go on. False: it has ended. */
  async setPaused(record: DeploymentRecord, paused: boolean): Promise<boolean> {
    const run = this.#runs.get(record.id);
    if (run === undefined || hasEnded(run.record.state)) return false;
    await run.change({ paused });
    return true;
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
      const next = this.list(tenant, app).find(isOnlyAbout);
      if (next === undefined) break;
      await this.#drop(next);
    }
    for (;;) {
      const next = set === null ? null : this.movingOf(tenant, app, set);
      if (next === null || this.#closing.signal.aborted) return;
      const change = this.#options.operations.changed(next.operation, this.#closing.signal);
      if (next.wish !== 'cancel') await this.wish(next, 'cancel');
      const now = this.#records.get(next.id);
      if (now !== undefined && !hasEnded(now.state)) await change;
    }
  }

  async #drop({ id }: DeploymentRecord): Promise<void> {
    this.#runs.get(id)?.close();
    await this.#ends.get(id);
    const record = this.#records.get(id);
    if (record === undefined) return;
    if (!hasEnded(record.state)) {
      await this.#save({ ...record, state: 'canceled', endedAt: this.#options.ports.clock.wall() });
    }
    await this.#options.ports.store.changeDocuments([{ kind: DEPLOYMENT_KIND, id, drop: true }]);
    this.#records.delete(id);
  }

  /** Those that wait for a set of a newer one will not have their turn. */
  async #supersede(newer: DeploymentRecord): Promise<void> {
    // What is only made anew brings nothing that others were to bring.
    if (newer.turns.every((one) => one.spec === null && one.revision === null)) return;
    const sets = newer.turns.map((one) => one.set);
    for (const record of this.list(newer.tenant, newer.app)) {
      const waits = record.state === 'queued' && record.id !== newer.id && !this.#runs.has(record.id);
      if (!waits || !record.turns.every((one) => sets.includes(one.set))) continue;
      await this.#save({ ...record, state: 'superseded', endedAt: this.#options.ports.clock.wall() });
    }
  }

  #startNext(): void {
    if (this.#closing.signal.aborted) return;
    const busy = new Set<string>();
    for (const record of [...this.#records.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      if (hasEnded(record.state)) continue;
      const sets = record.turns.map((one) => `${record.tenant}/${record.app}/${one.set}`);
      const isFree = sets.every((one) => !busy.has(one));
      for (const set of sets) busy.add(set);
      if (isFree && !this.#runs.has(record.id)) this.#start(record);
    }
  }

  #start(record: DeploymentRecord): void {
    const run = new DeploymentRun({
      ...{ ...this.#options, record, save: (next: DeploymentRecord) => this.#save(next) },
      onPull: (pull) => this.#options.operations.tellPull(record.operation, pull),
    });
    this.#runs.set(record.id, run);
    const end = run.run();
    this.#ends.set(record.id, end);
    void end.then(async () => {
      // What could not be kept is tried again, and not on and on: the store may be away.
      const now = this.#records.get(record.id);
      if (now !== undefined && !hasEnded(now.state))
        await pause(this.#options.ports.clock, AGAIN_MS, this.#closing.signal);
      this.#runs.delete(record.id);
      this.#ends.delete(record.id);
      await this.#prune(record);
      this.#startNext();
    });
  }

  async #save(record: DeploymentRecord): Promise<void> {
    const { operations, ports } = this.#options;
    // One that was dropped stays so, whoever wished something of it meanwhile.
    if (!this.#records.has(record.id)) return;
    const operation = operations.next(record.operation, operationOf(record));
    await ports.store.changeDocuments([
      { kind: DEPLOYMENT_KIND, id: record.id, body: record },
      ...(operation === null ? [] : [operations.change(operation)]),
    ]);
    if (this.#records.has(record.id)) this.#records.set(record.id, record);
    if (operation !== null) operations.took(operation);
    if (hasEnded(record.state)) ports.emit(endOf(record));
  }

  async #prune({ tenant, app }: DeploymentRecord): Promise<void> {
    const old = this.list(tenant, app)
      .filter((one) => hasEnded(one.state))
      .slice(DEPLOYMENTS_KEPT);
    if (old.length === 0) return;
    try {
      await this.#options.ports.store.changeDocuments(old.map(({ id }) => ({ kind: DEPLOYMENT_KIND, id, drop: true })));
      for (const { id } of old) this.#records.delete(id);
    } catch (error) {
      this.#options.ports.log.warn('old deployments could not be dropped', { error: messageOf(error) });
    }
  }
}
