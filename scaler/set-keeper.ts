/**
 * Keeps one set at the scale its demand asks for: from zero on its first request, down through its tiers when it has
 * been idle, with the dependencies it needs before it and after it. All decisions are made in `#reconcile` from what is
 * true at that moment; requests, snapshots, timers and finished actions only say that it is time to look again.
 *
 *   zero ──ask──▶ waking ──ready──▶ up ──idle──▶ frozen ──idle──▶ zero
 *                   │ ▲               ▲             │
 *           hopeless▼ │ask after      └─────ask─────┘
 *              wake-failed  the back-off
 */
import type { SetKey, SetSnapshot } from '#core/set';
import type { Admission, AdmissionRequest } from '#router/admission';
import type { Pool } from '#router/pool';
import type { Upstream } from '#router/upstream';
import { Demand, type Demotion, type WantedTier } from './demand.ts';
import { Holds } from './holds.ts';
import type { Sleeper } from './light-sleepers.ts';
import type { ScalerPorts } from './ports.ts';
import { noReplicas, RESTART_GRACE_MS, refusalOf, refusalsOf, stoppedByPerson, type TurnedAway } from './prospects.ts';
import { Reconciler } from './reconciler.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';
import { Rest } from './rest.ts';
import { Roster } from './roster.ts';
import type { ScaleOverride, ScaleTarget } from './scale-target.ts';
import { reportsOf, type SetReport } from './set-reports.ts';
import { SetScale } from './set-scale.ts';
import { type SetView, viewOf } from './set-view.ts';
import { servingShares } from './share-wishes.ts';
import { Staffing } from './staffing.ts';
import { WaitingRoom } from './waiting-room.ts';
import { Wake } from './wake.ts';
import type { WakeHouse } from './wake-house.ts';
import { WakeTurn } from './wake-turn.ts';

/** How often it is looked whether those who are held still have something to wait for. */
const PROSPECT_MS = 500;

export interface SetKeeperOptions {
  readonly ports: ScalerPorts;
  readonly pool: Pool;
  readonly snapshot: SetSnapshot;
  readonly override: ScaleOverride;
  readonly house: WakeHouse;
  /** Keepers of the sets this one depends on, as far as they are known; never in a circle. */
  readonly dependencies: (keeper: SetKeeper) => readonly SetKeeper[];
  /** What its view shows may have changed. */
  readonly onViewChanged: () => void;
}

export class SetKeeper {
  readonly key: SetKey;
  readonly pool: Pool;
  readonly scaling: SetScale;
  readonly #options: SetKeeperOptions;
  readonly #room: WaitingRoom;
  readonly #staffing: Staffing;
  readonly #demand: Demand;
  readonly #reconciler: Reconciler;
  readonly #wake: Wake;
  readonly #turn: WakeTurn;
  readonly #roster: Roster;
  readonly #report: SetReport;
  readonly #holds = new Holds(this);
  readonly #rest = new Rest();
  readonly #knownSince: number;
  #snapshot: SetSnapshot;
  #closed = false;

  constructor(options: SetKeeperOptions) {
    const { ports, pool, snapshot, house } = options;
    this.#options = options;
    this.key = snapshot.key;
    this.pool = pool;
    this.#snapshot = snapshot;
    this.#knownSince = ports.clock.now();
    this.#report = reportsOf({
      emit: ports.emit,
      snapshot: () => this.#snapshot,
      correlationId: () => this.#wake.id,
    });
    this.#roster = new Roster({
      ...{ ports, pool },
      onChange: () => this.reconcile(),
      // Who starts a container by hand wants it up: its idle time begins now.
      onWoken: () => this.#demand.touch(),
      report: (type, replica, cause, data) => this.#report(type, cause, { replica: replica.id, data }),
    });
    this.#room = new WaitingRoom({
      ...{ pool, clock: ports.clock, tenant: snapshot.tenant, space: house.space },
      phases: (since) => house.times.count(this.#wake.trace.phases(since)),
    });
    this.#demand = new Demand({
      pool,
      clock: ports.clock,
      inFlight: () => this.replicas.reduce((sum, one) => sum + one.inFlight, 0),
    });
    this.scaling = new SetScale({
      ...{ ports, pool, override: options.override, snapshot: () => this.#snapshot, replicas: () => this.replicas },
      ...{ report: this.#report, onChange: () => this.reconcile() },
    });
    this.#reconciler = new Reconciler({
      clock: ports.clock,
      run: () => this.#reconcile(),
      onTrouble: (message, error) => ports.log.error(message, { set: this.key, error }),
    });
    this.#wake = new Wake({ ...ports, report: (type, cause, data) => this.#report(type, cause, { data }) });
    this.#turn = new WakeTurn({
      ...{ ...snapshot, budget: house.wakes, onTurn: () => this.reconcile() },
      onLimited: (cause) => this.#report('set.wake_limited', cause),
    });
    this.#staffing = new Staffing({
      ports,
      snapshot,
      report: (type, cause, data, replica) => this.#report(type, cause, { replica, data }),
      onDone: () => this.reconcile(),
    });
  }

  get snapshot(): SetSnapshot {
    return this.#snapshot;
  }

  get replicas(): readonly ReplicaKeeper[] {
    return this.#roster.all;
  }

  get target(): ScaleTarget {
    return this.scaling.target;
  }

  /** How long it has been known. */
  get ageMs(): number {
    return this.#now() - this.#knownSince;
  }

  /** Where it is to be, and for how long nobody has needed it. */
  get sleep(): Sleeper['sleep'] {
    return { tier: this.#demand.wanted, idleMs: this.#demand.idleMs };
  }

  /** Ready for sets that depend on this one. */
  get servesDependents(): boolean {
    // A revision that has yet to prove itself serves nobody.
    return this.replicas.some((one) => one.servesDependents && (!this.#isDeployed || one.snapshot.weight > 0));
  }

  get isServing(): boolean {
    return this.pool.readyCount > 0 || this.servesDependents;
  }

  view(): SetView {
    const { making, underWay } = this.#staffing;
    const waking = this.#wake.isUnderWay || underWay > 0;
    return viewOf(this, { waking, failed: this.#wake.failedForMs > 0, making });
  }

  observe(snapshot: SetSnapshot): void {
    this.#snapshot = snapshot;
    // What the replicas make of it is thought about once, when all of them have seen it.
    this.#reconciler.after(() =>
      this.#roster.observe(snapshot.replicas, ({ status }) => {
        if (status === 'running') this.#demand.touch();
      }),
    );
  }

  /** Holds a request until it may go to an upstream. */
  admit(request: AdmissionRequest, signal: AbortSignal): Promise<Admission> {
    const refusal = this.#ask();
    if (refusal !== null) return Promise.resolve(refusal);
    const admission = this.#room.enter(request, signal);
    this.scaling.poke();
    // Nothing changes but its load when it serves, or others are held already.
    const isSeen = this.#demand.wanted === 'awake' && (this.pool.readyCount > 0 || this.pool.held > 1);
    if (!isSeen) this.reconcile();
    return admission;
  }

  /** Wakes without holding anything; what stands against it, if something does. */
  knock(): TurnedAway | null {
    const refusal = this.#ask();
    if (refusal !== null) return refusal;
    this.#demand.knock(this.#snapshot.policy.wakeTimeoutMs);
    this.reconcile();
    return null;
  }

  /** Keeps the set awake until then (monotonic ms), whatever its traffic. */
  lease(until: number): void {
    this.#demand.lease(until);
    this.reconcile();
  }

  /** What it keeps while it sleeps is needed for others. */
  demote(demotion: Demotion): void {
    this.#demand.demote(demotion);
    this.reconcile();
  }

  /** A person works in one of its containers until then (monotonic ms). False: it is none of them. */
  touch(replicaId: string, until: number): boolean {
    const touched = this.#roster.touch(replicaId, until);
    if (touched) this.lease(until);
    return touched !== null;
  }

  /** A person or program changes the scale. */
  scale(override: ScaleOverride): void {
    this.scaling.override = override;
    this.#wake.forgive();
    this.#staffing.forgive();
    this.#roster.forgive();
    if (override.replicas === 0) this.#demand.sleep();
    else if (override.replicas !== null) {
      for (const replica of this.replicas) replica.takeOver();
      this.#demand.knock(this.#snapshot.policy.wakeTimeoutMs);
    }
    this.reconcile();
  }

  /** A set that depends on this one is awake or wants to be. */
  hold(dependent: SetKeeper): void {
    if (this.#holds.add(dependent)) this.reconcile();
  }

  letGo(dependent: SetKeeper): void {
    if (this.#holds.delete(dependent)) this.reconcile();
  }

  release(): void {
    this.#room.release();
  }

  suspect(upstream: Upstream): void {
    this.#roster.suspect(upstream);
  }

  /** An upstream finished its last request. */
  drained(): void {
    this.#roster.drained();
  }

  /** The set is gone: nobody waits for it any longer. */
  dispose(): void {
    this.#end();
    this.#roster.dispose();
    this.#holds.holdOnly([]);
    for (const dependent of this.#holds.dependents) dependent.reconcile();
  }

  /** Tidegate ends. */
  async close(successor: boolean): Promise<void> {
    this.#end();
    await this.#roster.close(successor);
  }

  /** Why nothing will become ready for whoever asks now; null: it is worth waiting. */
  refusal(): TurnedAway | null {
    const limited = this.#takesTurns ? this.#turn.refusal(this.replicas) : null;
    if (limited !== null) return limited;
    const { shares = null, stopped: isStopped = false } = this.#snapshot;
    return refusalOf({
      ...{ shares, isStopped, target: this.scaling.lasting, replicas: this.replicas, now: this.#now() },
      readyCount: this.pool.readyCount,
      failedForMs: this.#wake.failedForMs,
      canMake: this.#staffing.isAble,
      dependencyRefusals: refusalsOf(this.#options.dependencies(this)),
    });
  }

  /** Looks at everything and says what each replica should be. Safe to call at any time, from anywhere. */
  reconcile(): void {
    this.#reconciler.look();
  }

  #reconcile(): number {
    const lookedAt = this.#now();
    const { replicas } = this;
    const { min } = this.target;
    const { stopped, shares } = this.#snapshot;
    const isStopped = this.#isDeployed
      ? stopped === true
      : stoppedByPerson({ replicas, min: this.scaling.lasting.min, now: this.#now() });
    const tier = this.#demand.tier(this.#snapshot.policy.scale, {
      min,
      dependents: this.#holds.dependents.size,
      isComingUp: replicas.some((one) => one.isComingUp),
      isDeployed: this.#isDeployed,
    });
    const dependencies = this.#options.dependencies(this);
    const { isServing } = this;
    const mayStart = this.#turn.follow({ isWanted: tier === 'awake' && this.#takesTurns, isServing, replicas });
    const isWanted = (tier === 'awake' && mayStart) || shares?.some((one) => one.held) === true;
    const stirs = (isWanted && !isStopped) || replicas.some((one) => one.isStirring);
    this.#holds.holdOnly(stirs ? dependencies : []);
    this.scaling.follow(!isStopped && (tier === 'awake' || (tier === null && this.pool.readyCount > 0)));
    this.#staffing.follow({
      ...{ snapshot: this.#snapshot, replicas, target: this.scaling.lasting, tier: mayStart ? tier : null },
      fixed: this.scaling.isFixed,
      stoppedByPerson: isStopped,
      dependenciesReady: dependencies.every((one) => one.servesDependents),
    });
    this.#followWake();
    this.#followRest(tier);
    for (const dependent of this.#holds.dependents) dependent.reconcile();
    this.#options.onViewChanged();
    return this.#nextMoment(lookedAt);
  }

  /** Somebody asks for the set. Answers with what stands against it. */
  #ask(): TurnedAway | null {
    if (this.#closed) return noReplicas();
    if (this.pool.readyCount > 0) return null;
    const refusal = this.refusal();
    if (refusal === null) this.#demand.touch();
    return refusal;
  }

  /** Begins a wake when one is needed, gives it up when it is hopeless, and sends those away who wait in vain. */
  #followWake(): void {
    const { shares } = this.#snapshot;
    const serving = shares === undefined ? null : servingShares(shares).map((one) => one.revision);
    const change = this.#wake.follow({
      replicas: this.replicas.filter((one) => serving?.includes(one.snapshot.revision ?? '') ?? true),
      makeFailures: this.#staffing.failures(this.#snapshot),
      isMaking: this.#staffing.underWay > 0,
      isServing: this.isServing,
      isAsked: this.#demand.isAsked,
      hasDependents: this.#holds.dependents.size > 0,
      isWorthwhile: () => this.refusal() === null,
    });
    if (change === 'failed') this.#demand.endKnock();
    if (change === 'begun') this.#staffing.forgive();
    if (change !== null) this.reconcile();
    const refusal = this.pool.held > 0 ? this.refusal() : null;
    if (refusal === null) return;
    this.#room.turnAway(refusal);
    this.reconcile();
  }

  #followRest(wanted: WantedTier): void {
    const report: Parameters<Rest['follow']>[0]['report'] = (type) => this.#report(type, this.#demand.cause);
    const tier = this.#rest.follow({ replicas: this.replicas, wanted, report });
    if (tier === 'stopped') this.#demand.slept();
  }

  /** The next moment at which time alone changes what should be. */
  #nextMoment(lookedAt: number): number {
    const { min } = this.target;
    const now = this.#now();
    const moments = min > 0 ? [] : [this.#demand.nextChange(this.#snapshot.policy.scale, lookedAt)];
    if (this.pool.readyCount === 0 && this.#demand.isAsked) moments.push(now + PROSPECT_MS);
    moments.push(this.#staffing.nextChange);
    if (min > 0) moments.push(...this.#roster.downSince.map((one) => one + RESTART_GRACE_MS));
    return Math.min(...moments.filter((one) => one > lookedAt));
  }

  #end(): void {
    this.#closed = true;
    this.#reconciler.close();
    this.scaling.close();
    this.#staffing.close();
    this.#turn.close();
    this.#room.turnAway(noReplicas());
  }

  /** It sleeps and wakes for itself; what others wait for comes up with them. */
  get #takesTurns(): boolean {
    return this.target.min === 0 && this.pool.readyCount === 0 && this.#holds.dependents.size === 0;
  }

  /** The API deploys it. */
  get #isDeployed(): boolean {
    return this.#snapshot.shares !== undefined;
  }

  #now(): number {
    return this.#options.ports.clock.now();
  }
}
