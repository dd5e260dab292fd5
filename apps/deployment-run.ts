/**
 * One deployment on its way: takes its sets one after the other through the steps of its strategy, keeps each step
 * before the next begins, and puts back what was when it does not come to its end. A run that is begun again after a
 * kill goes on at the step that was kept last.
 */
import { isTidegateError, messageOf } from '#core/errors';
import { type RevisionShare, setKey } from '#core/set';
import type { AppLibrary } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import type { DeploymentError, DeploymentRecord, DeploymentState, SetTurn } from './deployment-record.ts';
import { evidenceOf } from './evidence.ts';
import { Halt } from './halt.ts';
import { updateMembers } from './member-update.ts';
import type { AppsPorts, ReplicaSight } from './ports.ts';
import type { ReplicaFactory } from './replica-factory.ts';
import type { RevisionMaker } from './revision-maker.ts';
import { RevisionWatch } from './revision-watch.ts';
import { type RolloutGround, rollOut } from './rollout.ts';
import type { SetChanges } from './set-changes.ts';

/** Replicas of which it is told why they are not ready. */
const EVIDENCE_MAX = 3;

export interface DeploymentRunOptions {
  readonly ports: AppsPorts;
  readonly library: AppLibrary;
  readonly revisions: RevisionMaker;
  readonly factory: ReplicaFactory;
  readonly changes: SetChanges;
  readonly record: DeploymentRecord;
  /** Keeps the record, and its operation with it. */
  readonly save: (record: DeploymentRecord) => Promise<void>;
  /** Puts a set in force as its record says. */
  readonly declare: (set: SetRecord) => void;
}

export class DeploymentRun {
  readonly #options: DeploymentRunOptions;
  /** Tidegate ends: the run is left as it is kept. */
  readonly #closing = new AbortController();
  #wished = new AbortController();
  #record: DeploymentRecord;
  #keeping: Promise<void> = Promise.resolve();

  constructor(options: DeploymentRunOptions) {
    this.#options = options;
    this.#record = options.record;
  }

  get record(): DeploymentRecord {
    return this.#record;
  }

  /** What people want of it: kept, and acted on at once. */
  async change(change: Pick<Partial<DeploymentRecord>, 'wish' | 'paused'>): Promise<void> {
    await this.#keep(change);
    this.#wished.abort();
    this.#wished = new AbortController();
  }

  close(): void {
    this.#closing.abort();
  }

  /** Runs to its end, or to the end of Tidegate. Never rejects. */
  async run(): Promise<void> {
    try {
      for (let i = 0; i < this.#record.turns.length; i++) {
        if (this.#closing.signal.aborted) return;
        if (!this.#turn(i).done) await this.#take(i);
      }
      await this.#end('succeeded', null);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#options.ports.log.warn('a deployment does not come to its end', { deployment: this.#record.id, error });
    }
  }

  async #take(i: number): Promise<void> {
    const { library } = this.#options;
    const { tenant, app } = this.#record;
    try {
      const set = library.set(tenant, app, this.#turn(i).set);
      if (set === null) throw new Halt('failed', 'set.gone', `the set "${this.#turn(i).set}" is not there any more`);
      await this.#prepare(i, set);
      if (this.#record.strategy === 'member' && this.#turn(i).from !== null) await this.#updateMembers(i);
      else await this.#rollOut(i);
      await this.#finish(i);
    } catch (error) {
      if (this.#closing.signal.aborted) throw error;
      const halt = error instanceof Halt ? error : new Halt('failed', codeOf(error), messageOf(error));
      const fault = await this.#faultOf(i, halt);
      await this.#putBack(i);
      await this.#end(halt.kind, halt.kind === 'canceled' ? null : fault);
      throw error;
    }
  }

  /** Pins the revision, and remembers what was before. */
  async #prepare(i: number, set: SetRecord): Promise<void> {
    const { revisions } = this.#options;
    const turn = this.#turn(i);
    if (turn.before === null) {
      await this.#keepTurn(i, { before: { shares: set.shares, routing: set.routing }, from: set.current });
    }
    if (turn.revision !== null) return;
    await this.#enter('resolving');
    this.#heed();
    const { by, cause, members } = this.#record;
    const spec = turn.spec ?? set.spec;
    const revision = await revisions.make({ set, spec, by, cause, members }, this.#signal());
    await this.#keepTurn(i, { revision: revision.number });
  }

  async #rollOut(i: number): Promise<void> {
    const { strategy, steps } = this.#record;
    const turn = this.#turn(i);
    const next = this.#shareName(i, turn.revision);
    const previous = turn.from === null || turn.from === turn.revision ? null : this.#shareName(i, turn.from);
    const watch = this.#watch(i);
    const { sight } = watch;
    const isUp = (one: ReplicaSight): boolean => one.revision === previous && !ASLEEP.includes(one.phase);
    const ground: RolloutGround = {
      ...{ strategy: strategy === 'member' ? 'rolling' : strategy, steps, next, previous, done: turn.step },
      running: sight?.replicas.filter(isUp).length ?? 0,
      wanted: Math.max(1, sight?.target.awake ?? 1),
      enter: (state) => this.#enter(state),
      stepDone: (count) => this.#keepTurn(i, { step: count }),
      share: (shares) => this.#share(i, shares),
      ready: (name, count) => watch.ready(name, count),
      gone: (name) => watch.gone(name),
      hold: (ms) => watch.hold(ms, next, previous),
    };
    await rollOut(ground);
  }

  async #updateMembers(i: number): Promise<void> {
    const { factory, library } = this.#options;
    const { tenant, app, members } = this.#record;
    const turn = this.#turn(i);
    const set = library.set(tenant, app, turn.set);
    const revision = turn.revision === null ? null : library.revision(tenant, app, turn.set, turn.revision);
    if (set === null || revision === null) throw new Halt('failed', 'set.gone', 'the set is not there any more');
    await this.#enter('shifting');
    const watch = this.#watch(i);
    await updateMembers({
      ...{ factory, set, revision, members },
      replicas: () => watch.sight?.replicas ?? [],
      ready: (id) => watch.readyAgain(id),
      heed: () => this.#heed(),
    });
  }

  async #finish(i: number): Promise<void> {
    const { library, declare, revisions } = this.#options;
    const { tenant, app, strategy } = this.#record;
    const turn = this.#turn(i);
    const set = library.set(tenant, app, turn.set);
    if (set !== null) {
      const name = this.#shareName(i, turn.revision);
      const shares = [{ revision: name, weight: 100, replicas: null, held: false }];
      const spec = library.revision(tenant, app, turn.set, turn.revision ?? 0)?.spec ?? set.spec;
      const kept = await library.putInForce(set, {
        ...{ current: turn.revision, labels: spec.labels, shares },
        routing: strategy === 'member' ? set.routing : null,
      });
      if (kept !== null) declare(kept);
      await revisions.prune(set);
    }
    await this.#keepTurn(i, { done: true });
  }

  /** Weights first: nobody is sent to what is going. */
  async #putBack(i: number): Promise<void> {
    const turn = this.#turn(i);
    if (turn.before === null || this.#record.strategy === 'member') return;
    try {
      await this.#share(i, turn.before.shares, turn.before.routing);
      if (turn.revision !== null && turn.revision !== turn.from) {
        await this.#watch(i).goneAnyway(this.#shareName(i, turn.revision));
      }
    } catch (error) {
      this.#options.ports.log.error('a deployment could not put back what was', { deployment: this.#record.id, error });
    }
  }

  async #share(i: number, shares: readonly RevisionShare[], routing = this.#routing(i)): Promise<void> {
    const { library, declare, ports } = this.#options;
    const { tenant, app } = this.#record;
    const kept = await library.putInForce({ tenant, app, name: this.#turn(i).set }, { shares, routing });
    if (kept === null) throw new Halt('failed', 'set.gone', 'the set is not there any more');
    declare(kept);
    await ports.settled();
  }

  #routing(i: number): SetRecord['routing'] {
    const { tenant, app } = this.#record;
    return this.#options.library.set(tenant, app, this.#turn(i).set)?.routing ?? null;
  }

  /** @throws Halt when somebody wants it ended */
  #heed(): void {
    if (this.#closing.signal.aborted) throw new Error('Tidegate is ending');
    const { wish } = this.#record;
    if (wish === 'cancel') throw new Halt('canceled', 'deployment.canceled', 'it was canceled');
    if (wish === 'abort') throw new Halt('rolled-back', 'deployment.aborted', 'it was aborted by a person');
  }

  async #faultOf(i: number, halt: Halt): Promise<DeploymentError> {
    const { state } = this.#record;
    const { ports } = this.#options;
    const worst = halt.replicas.filter((one) => one.phase !== 'ready').slice(0, EVIDENCE_MAX);
    const evidence = await Promise.all(worst.map((one) => evidenceOf(one, ports)));
    return { code: halt.code, detail: halt.message, set: this.#turn(i).set, phase: state, evidence };
  }

  async #end(state: DeploymentState, error: DeploymentError | null): Promise<void> {
    await this.#keep({ state, error, endedAt: this.#options.ports.clock.wall() });
  }

  #enter(state: DeploymentState): Promise<void> {
    this.#heed();
    return this.#keep({ state });
  }

  #keepTurn(i: number, change: Partial<SetTurn>): Promise<void> {
    return this.#keep({ turns: this.#record.turns.map((one, at) => (at === i ? { ...one, ...change } : one)) });
  }

  /** One after the other: what a person wished meanwhile is not taken back. */
  #keep(change: Partial<DeploymentRecord>): Promise<void> {
    const kept = this.#keeping.then(async () => {
      const next = { ...this.#record, ...change };
      await this.#options.save(next);
      this.#record = next;
    });
    this.#keeping = kept.catch(() => {});
    return kept;
  }

  /** The name of the share that replicas of a revision carry. */
  #shareName(i: number, number: number | null): string {
    const { library } = this.#options;
    const { tenant, app } = this.#record;
    const found = library.revision(tenant, app, this.#turn(i).set, number ?? 0);
    return found?.share ?? `r${number}`;
  }

  #turn(i: number): SetTurn {
    return this.#record.turns[i] as SetTurn;
  }

  #key(i: number) {
    const { tenant, app } = this.#record;
    return setKey(tenant, app, this.#turn(i).set);
  }

  #watch(i: number): RevisionWatch {
    const { ports, factory, changes } = this.#options;
    return new RevisionWatch({
      ...{ ports, factory, changes, key: this.#key(i) },
      readyWithinMs: this.#record.readyWithinMs,
      record: () => this.#record,
      heed: () => this.#heed(),
      signal: () => this.#signal(),
      closing: this.#closing.signal,
    });
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#closing.signal, this.#wished.signal]);
  }
}

const ASLEEP: readonly string[] = ['stopped', 'frozen', 'failed', 'removing', 'stopping'];

function codeOf(error: unknown): string {
  return isTidegateError(error) ? error.code : 'deployment.failed';
}
