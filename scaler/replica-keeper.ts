/**
 * Keeps one replica in the tier its set wants. It takes one action at a time and then looks again, so a wish that
 * changes during an action (a request that arrives while the replica goes to sleep) is met right after it, and nothing
 * is ever forgotten.
 */
import { pause, type Timer } from '#core/clock';
import type { EventType } from '#core/event';
import type { ReplicaSnapshot } from '#core/set';
import type { Pool } from '#router/pool';
import type { Upstream } from '#router/upstream';
import { Activation } from './activation.ts';
import { Doubt } from './doubt.ts';
import { Draining } from './draining.ts';
import { isHopeless } from './hope.ts';
import type { ScalerPorts } from './ports.ts';
import { probeOf } from './probe.ts';
import { handOver } from './replica-actions.ts';
import { Attempts } from './replica-attempts.ts';
import { phaseOf, type ReplicaPhase } from './replica-phase.ts';
import { type Observation, ReplicaState } from './replica-state.ts';
import { isStepDown, type ReplicaAction, type ReplicaWish, stepTowards } from './replica-step.ts';
import { SideMembers } from './side-members.ts';

/** How long the end of Tidegate waits for an action that is under way. */
const CLOSE_WAIT_MS = 5000;

export interface ReplicaKeeperOptions {
  readonly ports: ScalerPorts;
  readonly pool: Pool;
  readonly snapshot: ReplicaSnapshot;
  /** Something changed that the set has to think about. */
  readonly onChange: () => void;
  /** Somebody else than Tidegate started or unpaused it. */
  readonly onWoken: () => void;
  readonly report: (type: EventType, replica: ReplicaSnapshot, cause: string, data?: Record<string, unknown>) => void;
}

export class ReplicaKeeper {
  readonly #options: ReplicaKeeperOptions;
  readonly #state: ReplicaState;
  readonly #activation: Activation;
  readonly #attempts: Attempts;
  readonly #sides: SideMembers;
  readonly #draining: Draining;
  readonly #doubt: Doubt;
  #wish: ReplicaWish = 'leave';
  #action: ReplicaAction | null = null;
  #acting: Promise<void> = Promise.resolve();
  #retry: Timer | null = null;
  #touchedUntil = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: ReplicaKeeperOptions) {
    const { ports, pool, snapshot } = options;
    this.#options = options;
    this.#state = new ReplicaState({ ...ports, snapshot });
    this.#attempts = new Attempts({
      ports,
      state: this.#state,
      wish: () => this.#wish,
      onFailed: (cause, facts) => options.report('replica.failed', this.snapshot, cause, facts),
    });
    this.#doubt = new Doubt(ports.clock, () => this.#believe());
    this.#sides = new SideMembers(ports.clock);
    this.#sides.observe(snapshot);
    this.#draining = new Draining({
      clock: ports.clock,
      inFlight: () => this.#activation.inFlight,
      onBegin: (inFlight) => {
        this.#activation.drain();
        options.report('replica.draining', this.snapshot, `${inFlight} requests in flight`);
      },
      onOver: () => this.drive(),
    });
    this.#activation = new Activation({
      pool,
      clock: ports.clock,
      probe: probeOf(ports.probe, () => this.snapshot),
      onChange: (change) => this.#healthChanged(change),
    });
    this.#settle();
  }

  get snapshot(): ReplicaSnapshot {
    return this.#state.snapshot;
  }

  get upstream(): Upstream | null {
    return this.#activation.upstream;
  }

  /** Requests in flight to it as it runs now. */
  get inFlight(): number {
    return this.#activation.inFlight;
  }

  get wish(): ReplicaWish {
    return this.#wish;
  }

  /** Failures in a row to come up. */
  get failures(): number {
    return this.#attempts.failures;
  }

  /** Of the last of them; null: there was none. */
  get failure(): string | null {
    return this.#attempts.cause;
  }

  /** Tidegate made it, of a revision. */
  get isMade(): boolean {
    return this.snapshot.members !== undefined;
  }

  /** It sleeps because Tidegate put it to sleep. */
  get sleptByUs(): boolean {
    return this.#state.sleptByUs;
  }

  get isFrozen(): boolean {
    return this.#state.isFrozen;
  }

  /** Down or frozen with nothing under way: it costs no processor time. */
  get isAsleep(): boolean {
    return this.#action === null && (this.#state.isFrozen || this.#state.isDown);
  }

  /** Up, or on its way up or down. Of one that is looked at for the first time that is not known. */
  get isStirring(): boolean {
    return !this.isAsleep && this.#action !== 'adopt' && this.#state.isAdopted && !this.#state.isGone;
  }

  get isReady(): boolean {
    return this.#activation.isReady;
  }

  /** It answered when it was last asked, also when it drains or is about to be frozen since. */
  get answered(): boolean {
    return this.#activation.answered;
  }

  /** Up and answering, or up without a port that could answer. */
  get servesDependents(): boolean {
    return this.isReady || this.phase === 'running';
  }

  /** Whoever started it wants it up: it runs, was never ready, and still has time to become so. */
  get isComingUp(): boolean {
    return this.#activation.unreadyMs !== null && !this.#activation.wasReady && !this.isInVain;
  }

  /** Requests have nothing to hope from it as it is. */
  get isInVain(): boolean {
    return this.isHopeless || (this.#state.isRunning && this.snapshot.weight === 0);
  }

  /** It is on its way out; or it runs, cannot be dialled or does not answer, and has had its time. */
  get isHopeless(): boolean {
    return isHopeless(this.#state, this.#activation.unreadyMs, this.#options.pool.policy.wakeTimeoutMs);
  }

  /** A person is at work in it. */
  get isTouched(): boolean {
    return this.#touchedUntil > this.#options.ports.clock.now();
  }

  /** Monotonic ms since when it is down; null: it is not. */
  get downSince(): number | null {
    return this.#state.isDown ? this.#state.since : null;
  }

  get phase(): ReplicaPhase {
    return phaseOf({
      state: this.#state,
      wish: this.#wish,
      action: this.#action,
      upstream: this.upstream,
      backsOff: this.#attempts.waitMs('start') > 0,
    });
  }

  /** Takes a new picture from discovery: its weight at once, however old it looks; the rest with the next {@link want}. */
  observe(next: ReplicaSnapshot): void {
    this.#activation.weigh(next.weight);
    const seen = this.#state.observe(next);
    if (seen === null) this.#doubt.raise();
    else this.#follow(seen);
  }

  #believe(): void {
    const seen = this.#state.believe();
    if (seen === null) return;
    this.#follow(seen);
    this.#options.onChange();
  }

  #follow(seen: Observation): void {
    if (seen.anew || seen.ended !== null) this.#activation.forget();
    if (seen.anew && (this.#action === 'start' || this.#action === 'mend')) this.#state.adopt();
    if (seen.ended !== null) this.#ended(seen.ended);
    const isToRun = this.#isToServe && this.#state.status === 'running' && this.#action !== 'start';
    for (const loss of this.#sides.observe(this.snapshot)) if (isToRun) this.#attempts.lost(loss);
    if (seen.woke && this.#action === null) this.#options.onWoken();
    if (this.#action === null) this.#state.save();
    this.#settle();
  }

  /** Says which tier the set wants this replica in. */
  want(wish: ReplicaWish): void {
    if (wish !== this.#wish) {
      this.#wish = wish;
      this.#draining.reset();
      if (this.#isToServe && this.#state.status !== 'stopping') this.#activation.drain(false);
      this.#settle();
    }
    this.drive();
  }

  /** Forgets failures: it is tried again at once. */
  forgive(): void {
    this.#attempts.forgive();
  }

  /** A person wants the set up again: that it was put to sleep by him counts no longer. */
  takeOver(): void {
    if (!this.isAsleep) return;
    this.#state.willSleep();
    this.#state.save();
  }

  /** A person works in the container until then (monotonic ms). */
  touch(until: number): void {
    this.#touchedUntil = until;
  }

  /** A request could not be served by its upstream. */
  suspect(upstream: Upstream): void {
    this.#activation.suspect(upstream);
  }

  /** Takes the next step towards what is wanted, if one is due and none is under way. */
  drive(): void {
    if (this.#closed || this.#action !== null) return;
    const step = stepTowards(this.#wish, this.#state);
    if (step === null || (isStepDown(step) && !this.#draining.isDone(this.#options.pool.policy.drainMs))) return;
    const waitMs = this.#attempts.waitMs(step);
    if (waitMs > 0) this.#driveIn(waitMs);
    else this.#begin(step);
  }

  /** The container is gone: takes its upstream out and ends every wait. */
  dispose(): void {
    this.#end();
    this.#state.woke();
    this.#state.save();
  }

  /**
   * Tidegate ends: what was frozen behind the Engine's back becomes an Engine pause that anybody can see and undo, unless
   * a successor takes over and finds it as it is.
   */
  async close(successor: boolean): Promise<void> {
    const { ports } = this.#options;
    this.#end();
    const done = new AbortController();
    await Promise.race([this.#acting, pause(ports.clock, CLOSE_WAIT_MS, done.signal)]);
    done.abort();
    const engine = ports.engine(this.snapshot.host);
    try {
      if (engine !== null && !successor) await handOver(this.#state, engine);
    } catch (error) {
      ports.log.warn('a frozen replica could not be handed to the Engine', { replica: this.snapshot.id, error });
    }
    this.#state.save();
  }

  get #isToServe(): boolean {
    return this.#wish === 'awake' || this.#wish === 'leave';
  }

  #begin(action: ReplicaAction): void {
    this.#action = action;
    this.#retry?.cancel();
    // Before the first wait, so that nothing can be claimed between the last look at what is in flight and the action.
    if (isStepDown(action)) this.#activation.drop();
    this.#acting = this.#act(action).catch((error) => {
      this.#options.ports.log.error('what follows from an action failed', { replica: this.snapshot.id, error });
    });
  }

  async #act(action: ReplicaAction): Promise<void> {
    if (!isStepDown(action) || (await this.#isClear(action))) await this.#attempts.make(action);
    this.#action = null;
    if (this.#state.isGone) this.#options.report('replica.removed', this.snapshot, 'the scale asks for fewer replicas');
    if (this.#closed) return;
    this.#settle();
    this.#options.onChange();
    this.#state.save();
    this.drive();
  }

  /** Its upstream is dropped. False: a request that another process had begun is still on its way, or it is wanted again. */
  async #isClear(action: ReplicaAction): Promise<boolean> {
    const clearing = this.#options.ports.clear?.(this.snapshot.id) ?? null;
    if (clearing !== null) await clearing;
    this.#activation.cleared();
    if (clearing === null) return true;
    const isQuiet = this.#activation.inFlight === 0 || this.#draining.isOver;
    return isQuiet && stepTowards(this.#wish, this.#state) === action;
  }

  #driveIn(waitMs: number): void {
    this.#retry?.cancel();
    this.#retry = this.#options.ports.clock.after(Math.ceil(waitMs), () => {
      this.#retry = null;
      this.#options.onChange();
      this.drive();
    });
  }

  #ended(how: 'asked' | 'itself'): void {
    this.#attempts.runEnded();
    if (this.#action === 'rest' || this.#action === 'stop' || this.#action === 'remove') return;
    if (this.#wish === 'sandbox' || this.#wish === 'stopped') this.#state.willSleep(this.#wish);
    if (how === 'itself' && this.#wish === 'awake') this.#attempts.endedItself(this.snapshot);
    if (how === 'asked' && this.isMade) this.#attempts.wasStopped();
  }

  #settle(): void {
    if (this.#closed) return;
    const mayBeDialled =
      this.#state.isRunning &&
      this.#state.isAdopted &&
      (this.#action === null || this.#action === 'start' || this.#action === 'mend');
    this.#activation.settle(this.snapshot, mayBeDialled ? (this.#isToServe ? 'serve' : 'finish') : 'down');
  }

  #healthChanged(change: { readonly ready: boolean; readonly first: boolean; readonly reason: string }): void {
    const { report, onChange } = this.#options;
    if (change.ready) {
      this.#attempts.becameReady();
      this.#state.woke();
    }
    if (change.first) report('replica.ready', this.snapshot, 'it passed a probe');
    if (!change.ready) report('replica.unhealthy', this.snapshot, change.reason);
    onChange();
  }

  #end(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#doubt.close();
    this.#draining.close();
    this.#activation.drop();
  }
}
