/**
 * What becomes of whoever asks for one set: let in, held until something can take him, or turned away with a reason. With
 * it goes the wake that is under way for those who are held, and its turn among the wakes of everybody.
 */
import type { Admission, AdmissionRequest } from '#router/admission';
import type { Demand, WantedTier } from './demand.ts';
import type { ScalerPorts } from './ports.ts';
import { noReplicas, refusalOf, refusalsOf, type TurnedAway } from './prospects.ts';
import type { SetKeeper } from './set-keeper.ts';
import type { SetReport } from './set-reports.ts';
import { servingShares } from './share-wishes.ts';
import type { Staffing } from './staffing.ts';
import { WaitingRoom } from './waiting-room.ts';
import { Wake } from './wake.ts';
import type { WakeHouse } from './wake-house.ts';
import { WakeTurn } from './wake-turn.ts';

export interface SetDoorOptions {
  readonly ports: ScalerPorts;
  readonly house: WakeHouse;
  readonly set: SetKeeper;
  readonly demand: Demand;
  readonly staffing: Staffing;
  readonly report: SetReport;
}

export class SetDoor {
  readonly wake: Wake;
  readonly #options: SetDoorOptions;
  readonly #room: WaitingRoom;
  readonly #turn: WakeTurn;
  #closed = false;

  constructor(options: SetDoorOptions) {
    const { ports, house, set, report } = options;
    const { pool, snapshot } = set;
    this.#options = options;
    this.wake = new Wake({ ...ports, report: (type, cause, data) => report(type, cause, { data }) });
    this.#room = new WaitingRoom({
      ...{ pool, clock: ports.clock, tenant: snapshot.tenant, space: house.space },
      phases: (since) => house.times.count(this.wake.trace.phases(since)),
    });
    this.#turn = new WakeTurn({
      ...{ key: set.key, tenant: snapshot.tenant, budget: house.wakes, onTurn: () => set.reconcile() },
      onLimited: (cause) => report('set.wake_limited', cause),
    });
  }

  /** Holds a request until it may go to an upstream. */
  admit(request: AdmissionRequest, signal: AbortSignal): Promise<Admission> {
    const { set, demand } = this.#options;
    const refusal = this.#ask();
    if (refusal !== null) return Promise.resolve(refusal);
    const admission = this.#room.enter(request, signal);
    set.scaling.poke();
    // Nothing changes but its load when it serves, or others are held already.
    const isSeen = demand.wanted === 'awake' && (set.pool.readyCount > 0 || set.pool.held > 1);
    if (!isSeen) set.reconcile();
    return admission;
  }

  /** Wakes without holding anything; what stands against it, if something does. */
  knock(): TurnedAway | null {
    const { set, demand } = this.#options;
    const refusal = this.#ask();
    if (refusal !== null) return refusal;
    demand.knock(set.snapshot.policy.wakeTimeoutMs);
    set.reconcile();
    return null;
  }

  release(): void {
    this.#room.release();
  }

  /** Why nothing will become ready for whoever asks now; null: it is worth waiting. */
  refusal(): TurnedAway | null {
    const { set, staffing, ports } = this.#options;
    const limited = this.#takesTurns ? this.#turn.refusal(set.replicas) : null;
    if (limited !== null) return limited;
    const { shares = null, stopped: isStopped = false } = set.snapshot;
    return refusalOf({
      ...{ shares, isStopped, target: set.scaling.lasting, replicas: set.replicas, now: ports.clock.now() },
      readyCount: set.pool.readyCount,
      failedForMs: this.wake.failedForMs,
      canMake: staffing.isAble,
      dependencyRefusals: refusalsOf(set.dependencies),
    });
  }

  /** Whether what is asleep may be started for where the set is to be. */
  mayStart(tier: WantedTier): boolean {
    const { set } = this.#options;
    const isWanted = tier === 'awake' && this.#takesTurns;
    return this.#turn.follow({ isWanted, isServing: set.isServing, replicas: set.replicas });
  }

  /** Begins a wake when one is needed, gives it up when it is hopeless, and sends those away who wait in vain. */
  follow(): void {
    const { set, demand, staffing } = this.#options;
    const { shares } = set.snapshot;
    const serving = shares === undefined ? null : servingShares(shares).map((one) => one.revision);
    const change = this.wake.follow({
      replicas: set.replicas.filter((one) => serving?.includes(one.snapshot.revision ?? '') ?? true),
      makeFailures: staffing.failures(set.snapshot),
      isMaking: staffing.underWay > 0,
      isServing: set.isServing,
      isAsked: demand.isAsked,
      hasDependents: set.hasDependents,
      isWorthwhile: () => this.refusal() === null,
    });
    if (change === 'failed') demand.endKnock();
    if (change === 'begun') staffing.forgive();
    if (change !== null) set.reconcile();
    const refusal = set.pool.held > 0 ? this.refusal() : null;
    if (refusal === null) return;
    this.#room.turnAway(refusal);
    set.reconcile();
  }

  /** Nobody is let in any more, and nobody waits. */
  close(): void {
    this.#closed = true;
    this.#turn.close();
    this.#room.turnAway(noReplicas());
  }

  /** Somebody asks for the set. Answers with what stands against it. */
  #ask(): TurnedAway | null {
    const { set, demand } = this.#options;
    if (this.#closed) return noReplicas();
    if (set.pool.readyCount > 0) return null;
    const refusal = this.refusal();
    if (refusal === null) demand.touch();
    return refusal;
  }

  /** It sleeps and wakes for itself; what others wait for comes up with them. */
  get #takesTurns(): boolean {
    const { set } = this.#options;
    return set.target.min === 0 && set.pool.readyCount === 0 && !set.hasDependents;
  }
}
