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
import { RESTART_GRACE_MS, stoppedByPerson, type TurnedAway } from './prospects.ts';
import { Reconciler } from './reconciler.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';
import { Rest } from './rest.ts';
import { Roster } from './roster.ts';
import type { ScaleOverride, ScaleTarget } from './scale-target.ts';
import { SetDoor } from './set-door.ts';
import { SetLeases } from './set-leases.ts';
import { reportsOf, type SetReport } from './set-reports.ts';
import { SetScale } from './set-scale.ts';
import { type SetView, viewOf } from './set-view.ts';
import { Staffing } from './staffing.ts';
import type { WakeHouse } from './wake-house.ts';

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
  readonly #staffing: Staffing;
  readonly #demand: Demand;
  readonly #reconciler: Reconciler;
  readonly #door: SetDoor;
  readonly #roster: Roster;
  readonly #report: SetReport;
  readonly #holds = new Holds(this);
  readonly #rest = new Rest();
  readonly #knownSince: number;
  #snapshot: SetSnapshot;

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
      correlationId: () => this.#door.wake.id,
    });
    this.#roster = new Roster({
      ...{ ports, pool },
      onChange: () => this.reconcile(),
      // Who starts a container by hand wants it up: its idle time begins now.
      onWoken: () => this.#demand.touch(),
      report: (type, replica, cause, data) => this.#report(type, cause, { replica: replica.id, data }),
    });
    this.#demand = new Demand({
      pool,
      clock: ports.clock,
      inFlight: () => this.replicas.reduce((sum, one) => sum + one.inFlight, 0),
      leases: new SetLeases(ports, this.key),
    });
    this.scaling = new SetScale({
      ...{ ports, pool, override: options.override, snapshot: () => this.#snapshot, replicas: () => this.replicas },
      ...{ claims: house.claims, report: this.#report, onChange: () => this.reconcile() },
    });
    this.#reconciler = new Reconciler({
      clock: ports.clock,
      run: () => this.#reconcile(),
      onTrouble: (message, error) => ports.log.error(message, { set: this.key, error }),
    });
    this.#staffing = new Staffing({
      ports,
      snapshot,
      report: (type, cause, data, replica) => this.#report(type, cause, { replica, data }),
      onDone: () => this.reconcile(),
    });
    this.#door = new SetDoor({
      ...{ ports, house, set: this, demand: this.#demand, staffing: this.#staffing, report: this.#report },
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

  /** Keepers of the sets it depends on, as far as they are known. */
  get dependencies(): readonly SetKeeper[] {
    return this.#options.dependencies(this);
  }

  /** A set that depends on it is awake or wants to be. */
  get hasDependents(): boolean {
    return this.#holds.dependents.size > 0;
  }

  /** Something of it takes requests, or serves sets that depend on it. */
  get isServing(): boolean {
    return this.pool.readyCount > 0 || this.servesDependents;
  }

  view(): SetView {
    const { making, underWay } = this.#staffing;
    const { wake } = this.#door;
    const waking = wake.isUnderWay || underWay > 0;
    return viewOf(this, { waking, failed: wake.failedForMs > 0, making, leasedUntil: this.#demand.leases.untilWall });
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
    return this.#door.admit(request, signal);
  }

  /** Wakes without holding anything; what stands against it, if something does. */
  knock(): TurnedAway | null {
    return this.#door.knock();
  }

  /** Keeps the set, and the replica that asks for it, awake until then (monotonic ms), whatever its traffic. */
  lease(until: number, replica: string | null = null): void {
    if (this.#demand.lease(until, replica)) this.reconcile();
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
    this.#door.wake.forgive();
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
    this.#door.release();
  }

  suspect(upstream: Upstream): void {
    this.#roster.suspect(upstream);
  }

  /** An upstream finished its last request. */
  drained(): void {
    this.#roster.drained();
  }

  /** The set is gone: nobody waits for it any longer, and one of that name that comes later has none of its leases. */
  dispose(): void {
    this.#end();
    this.#demand.leases.end();
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
    return this.#door.refusal();
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
    const { dependencies } = this;
    const mayStart = this.#door.mayStart(tier);
    const isWanted = (tier === 'awake' && mayStart) || shares?.some((one) => one.held) === true;
    const stirs = (isWanted && !isStopped) || replicas.some((one) => one.isStirring);
    this.#holds.holdOnly(stirs ? dependencies : []);
    this.scaling.follow(!isStopped && (tier === 'awake' || (tier === null && this.pool.readyCount > 0)));
    this.#staffing.follow({
      ...{ snapshot: this.#snapshot, replicas, target: this.scaling.lasting, tier: mayStart ? tier : null },
      ...{ spare: this.scaling.spares.count, fixed: this.scaling.isFixed },
      stoppedByPerson: isStopped,
      isLeased: (replica) => this.#demand.leases.holds(replica),
      dependenciesReady: dependencies.every((one) => one.servesDependents),
    });
    this.#door.follow();
    this.#followRest(tier);
    for (const dependent of this.#holds.dependents) dependent.reconcile();
    this.#options.onViewChanged();
    return this.#nextMoment(lookedAt);
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
    const moments = [this.#demand.leases.nextEnd(lookedAt)];
    if (min === 0) moments.push(this.#demand.nextChange(this.#snapshot.policy.scale, lookedAt));
    if (this.pool.readyCount === 0 && this.#demand.isAsked) moments.push(now + PROSPECT_MS);
    moments.push(this.#staffing.nextChange);
    if (min > 0) moments.push(...this.#roster.downSince.map((one) => one + RESTART_GRACE_MS));
    return Math.min(...moments.filter((one) => one > lookedAt));
  }

  #end(): void {
    this.#reconciler.close();
    this.scaling.close();
    this.#staffing.close();
    this.#door.close();
  }

  /** The API deploys it. */
  get #isDeployed(): boolean {
    return this.#snapshot.shares !== undefined;
  }

  #now(): number {
    return this.#options.ports.clock.now();
  }
}
