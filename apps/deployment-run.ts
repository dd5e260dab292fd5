/**
 * One deployment on its way: takes its sets one after the other through the steps of its strategy, keeps each step
 * before the next begins, and puts back what was when it does not come to its end. A run that is begun again after a
 * kill goes on at the step that was kept last.
 */
import { type RevisionShare, setKey } from '#core/set';
import type { Revision } from '#core/set-spec';
import type { PinTools } from './app-images.ts';
import type { AppLibrary, InForce } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import { DeploymentProgress, type SaveDeployment } from './deployment-progress.ts';
import type { DeploymentError, DeploymentRecord, DeploymentState } from './deployment-record.ts';
import { evidenceOf } from './evidence.ts';
import { Halt } from './halt.ts';
import { MemberTurn } from './member-turn.ts';
import type { AppsPorts, ReplicaSight } from './ports.ts';
import type { ReplicaFactory } from './replica-factory.ts';
import type { RevisionMaker } from './revision-maker.ts';
import { RevisionWatch } from './revision-watch.ts';
import { type RolloutGround, rollOut } from './rollout.ts';
import type { SetChanges } from './set-changes.ts';
import { inForceAfter, isInForce } from './turn-in-force.ts';

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
  readonly save: SaveDeployment;
  /** Sets as they are wished when it has come to nothing. */
  readonly wishesWithout: (record: DeploymentRecord) => readonly SetRecord[];
  /** Puts a set in force as its record says. */
  readonly declare: (set: SetRecord) => void;
  readonly onPull: PinTools['onPull'] & {};
}

export class DeploymentRun {
  readonly #options: DeploymentRunOptions;
  readonly #progress: DeploymentProgress;

  constructor(options: DeploymentRunOptions) {
    this.#options = options;
    this.#progress = new DeploymentProgress(options.record, options.save);
  }

  get record(): DeploymentRecord {
    return this.#progress.record;
  }

  /** It is past the point at which it could be ended: it goes on to the end of the set under way. */
  get isCommitted(): boolean {
    return this.#progress.isCommitted;
  }

  /** What people want of it: kept, and acted on at once. False: it is too late for that. */
  change(change: Pick<Partial<DeploymentRecord>, 'wish' | 'paused'>): Promise<boolean> {
    return this.#progress.want(change);
  }

  close(): void {
    this.#progress.close();
  }

  /** Runs to its end, or to the end of Tidegate. Never rejects. */
  async run(): Promise<void> {
    try {
      for (let i = 0; i < this.record.turns.length; i++) {
        if (this.#progress.closing.aborted) return;
        if (!this.#progress.turn(i).done) await this.#take(i);
      }
      await this.#end('succeeded', null);
    } catch (error) {
      if (this.#progress.closing.aborted) return;
      this.#options.ports.log.warn('a deployment has not come into force', { deployment: this.record.id, error });
    }
  }

  async #take(i: number): Promise<void> {
    const { library } = this.#options;
    const { tenant, app } = this.record;
    this.#progress.isCommitted = false;
    try {
      const set = library.set(tenant, app, this.#progress.turn(i).set);
      if (set === null)
        throw new Halt('failed', 'set.gone', `the set "${this.#progress.turn(i).set}" is not there any more`);
      if (!isInForce(set, this.#progress.turn(i))) {
        await this.#prepare(i, set);
        if (this.#isMemberUpdate(i)) await this.#memberTurn(i).update();
        else await this.#rollOut(i);
        await this.#finish(i);
      }
    } catch (error) {
      if (this.#progress.closing.aborted) throw error;
      const halt = this.#progress.haltFor(error);
      await this.#unweigh(i);
      const fault = await this.#faultOf(i, halt);
      await this.#putBack(i);
      await this.#end(halt.kind, halt.kind === 'canceled' ? null : fault);
      throw error;
    }
    // It is in force: what cannot be written of that now is no reason to put back what was, and is written by the next run.
    await this.#progress.keepTurn(i, { done: true });
  }

  /** Pins the revision, and remembers what was before. */
  async #prepare(i: number, set: SetRecord): Promise<void> {
    const { revisions, library, onPull } = this.#options;
    const turn = this.#progress.turn(i);
    if (turn.before === null) {
      await this.#progress.keepTurn(i, { before: { shares: set.shares, routing: set.routing }, from: set.current });
    }
    if (turn.revision !== null) return;
    await this.#progress.enter('resolving');
    this.#progress.heed();
    const { id: deployment, by, cause, members, operation } = this.record;
    const current = set.current === null ? null : library.revision(set.tenant, set.app, set.name, set.current);
    const revision =
      turn.spec === null && current !== null
        ? await revisions.again(set, (now) => this.#anew(now, current), { by, cause, deployment })
        : await revisions.make(
            { set, spec: turn.spec ?? set.spec, by, cause, members, deployment },
            { signal: this.#progress.signal, onPull, correlationId: operation },
          );
    await this.#progress.keepTurn(i, { revision: revision.number });
  }

  /** What is in force when that is asked, with what the app gives now. */
  #anew(set: SetRecord, otherwise: Revision): Revision {
    const { library, revisions } = this.#options;
    const current = set.current === null ? null : library.revision(set.tenant, set.app, set.name, set.current);
    return { ...(current ?? otherwise), ...revisions.surroundings(set) };
  }

  async #rollOut(i: number): Promise<void> {
    const { steps } = this.record;
    const turn = this.#progress.turn(i);
    const strategy = this.#strategyOf(i);
    const next = this.#shareName(i, turn.revision);
    const serves = turn.before?.shares.some((one) => one.revision === next && one.weight > 0) === true;
    // Asked for twice: what serves already has nothing to prove, and is not taken out of the traffic for it.
    if (serves && turn.from === turn.revision) return;
    const previous = turn.from === null || turn.from === turn.revision ? null : this.#shareName(i, turn.from);
    const watch = this.#watch(i);
    const { sight } = watch;
    const isUp = (one: ReplicaSight): boolean => one.revision === previous && !ASLEEP.includes(one.phase);
    const ground: RolloutGround = {
      ...{ strategy, steps, next, previous, done: turn.step },
      running: sight?.replicas.filter(isUp).length ?? 0,
      wanted: Math.max(1, sight?.target.awake ?? 1),
      enter: (state) => this.#progress.enter(state),
      commit: () => this.#progress.commit(),
      stepDone: (count) => this.#progress.keepTurn(i, { step: count, heldMs: 0 }),
      share: (shares) => this.#share(i, shares),
      ready: (name, count) => watch.ready(name, count),
      gone: (name) => watch.gone(name),
      hold: (ms) =>
        watch.hold(
          { ms, heldMs: this.#progress.turn(i).heldMs ?? 0, keep: (heldMs) => this.#progress.keepTurn(i, { heldMs }) },
          { next, previous },
        ),
    };
    await rollOut(ground);
  }

  /** Of class data there are never two at a time, whatever was asked for. */
  #strategyOf(i: number): RolloutGround['strategy'] {
    const { library } = this.#options;
    const { tenant, app, strategy } = this.record;
    const turn = this.#progress.turn(i);
    const isData = library.revision(tenant, app, turn.set, turn.revision ?? 0)?.spec.class === 'data';
    if (isData) return 'recreate';
    return strategy === 'member' ? 'rolling' : strategy;
  }

  async #finish(i: number): Promise<void> {
    const { library, declare, revisions } = this.#options;
    const { tenant, app } = this.record;
    const turn = this.#progress.turn(i);
    const proved = {
      ...{ turn, share: this.#shareName(i, turn.revision), isUpdate: this.#isMemberUpdate(i) },
      revision: library.revision(tenant, app, turn.set, turn.revision ?? 0),
      isLast: () => this.#options.wishesWithout(this.record).some((one) => one.name === turn.set),
    };
    const inForce = (now: SetRecord): InForce => inForceAfter(now, proved);
    const proof = { number: turn.revision ?? 0, provedAt: this.#options.ports.clock.wall() };
    const kept = await library.putInForce({ tenant, app, name: turn.set }, inForce, proof);
    if (kept !== null) {
      declare(kept);
      await revisions.prune(kept);
    }
  }

  /** Weights first: nobody is sent to what is no good. Its replicas stay until it is known what is wrong with them. */
  async #unweigh(i: number): Promise<void> {
    const { before, revision, from } = this.#progress.turn(i);
    if (before === null || revision === null || revision === from || this.#isMemberUpdate(i)) return;
    const next = this.#shareName(i, revision);
    const replicas = this.#watch(i).sight?.replicas.filter((one) => one.revision === next).length ?? 0;
    try {
      const kept = { revision: next, weight: 0, replicas, held: true };
      await this.#share(i, [...before.shares, kept], before.routing);
    } catch (error) {
      this.#options.ports.log.error('a deployment could not put weights back', { deployment: this.record.id, error });
    }
  }

  async #putBack(i: number): Promise<void> {
    const turn = this.#progress.turn(i);
    if (turn.before === null) return;
    try {
      if (this.#isMemberUpdate(i)) {
        await this.#memberTurn(i).putBack();
        return;
      }
      await this.#share(i, turn.before.shares, turn.before.routing);
      if (turn.revision !== null && turn.revision !== turn.from) {
        await this.#watch(i).goneAnyway(this.#shareName(i, turn.revision));
      }
    } catch (error) {
      this.#options.ports.log.error('a deployment could not put back what was', { deployment: this.record.id, error });
    }
  }

  #isMemberUpdate(i: number): boolean {
    return this.record.strategy === 'member' && this.#progress.turn(i).from !== null;
  }

  /** @param routing left out: as it is */
  async #share(i: number, shares: readonly RevisionShare[], routing?: SetRecord['routing']): Promise<void> {
    const { library, declare, ports } = this.#options;
    const { tenant, app } = this.record;
    const change = routing === undefined ? { shares } : { shares, routing };
    const kept = await library.putInForce({ tenant, app, name: this.#progress.turn(i).set }, change);
    if (kept === null) throw new Halt('failed', 'set.gone', 'the set is not there any more');
    declare(kept);
    await ports.settled();
  }

  #memberTurn(i: number): MemberTurn {
    const { factory, library } = this.#options;
    return new MemberTurn({ factory, library, progress: this.#progress, i, watch: this.#watch(i) });
  }

  async #faultOf(i: number, halt: Halt): Promise<DeploymentError> {
    const { state } = this.record;
    const { ports } = this.#options;
    const worst = halt.replicas.filter((one) => one.phase !== 'ready').slice(0, EVIDENCE_MAX);
    const evidence = await Promise.all(worst.map((one) => evidenceOf(one, ports)));
    return { code: halt.code, detail: halt.message, set: this.#progress.turn(i).set, phase: state, evidence };
  }

  async #end(state: DeploymentState, error: DeploymentError | null): Promise<void> {
    const { library, ports, wishesWithout } = this.#options;
    const { tenant, app } = this.record;
    const end = { state, error, endedAt: ports.clock.wall() };
    // What came to nothing is not what the next deployment begins from.
    const sets = (): readonly SetRecord[] => (state === 'succeeded' ? [] : wishesWithout(this.record));
    await library.write(
      tenant,
      app,
      () => ({ sets: sets() }),
      (changes) => this.#progress.keep(end, changes),
    );
  }

  /** The name of the share that replicas of a revision carry. */
  #shareName(i: number, number: number | null): string {
    const { library } = this.#options;
    const { tenant, app } = this.record;
    const found = library.revision(tenant, app, this.#progress.turn(i).set, number ?? 0);
    return found?.share ?? `r${number}`;
  }

  #watch(i: number): RevisionWatch {
    const { ports, factory, changes } = this.#options;
    return new RevisionWatch({
      ...{ ports, factory, changes, key: setKey(this.record.tenant, this.record.app, this.#progress.turn(i).set) },
      readyWithinMs: this.record.readyWithinMs,
      isStopped: () => this.#options.library.app(this.record.tenant, this.record.app)?.stopped ?? false,
      record: () => this.record,
      heed: () => this.#progress.heed(),
      signal: () => this.#progress.signal,
      closing: this.#progress.closing,
    });
  }
}

const ASLEEP: readonly string[] = ['stopped', 'sandbox', 'resting', 'frozen', 'failed', 'removing', 'stopping'];
