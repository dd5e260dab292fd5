/**
 * Has a set the replicas it should have: says to each which tier it should be in, and has those made that are missing, as
 * copies of what a person made or as replicas of a revision.
 */
import type { EventType } from '#core/event';
import type { SetSnapshot } from '#core/set';
import { CloneMaker } from './clone-maker.ts';
import type { ScalerPorts } from './ports.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';
import { type MakingView, ReplicaMaker } from './replica-maker.ts';
import { planShares, servingShares } from './share-wishes.ts';
import { planWishes, type WishFacts } from './wishes.ts';

/** How long clones go on without the container they were made from: it may be on its way back. */
const ORPHAN_MS = 60_000;

export interface StaffingOptions {
  readonly ports: ScalerPorts;
  readonly snapshot: SetSnapshot;
  readonly report: (type: EventType, cause: string, data?: Record<string, unknown>, replica?: string) => void;
  /** Something was made, or may be tried again. */
  readonly onDone: () => void;
}

export interface StaffingFacts extends Omit<WishFacts, 'orphaned'> {
  readonly snapshot: SetSnapshot;
  /** Replicas kept frozen beyond those that are awake. */
  readonly spare: number;
}

export class Staffing {
  readonly #ports: ScalerPorts;
  readonly #clones: CloneMaker;
  readonly #maker: ReplicaMaker;
  /** Replicas that were not there when it was looked last, by revision. */
  #missing: ReadonlyMap<string, number> = new Map();
  #orphanedSince: number | null = null;

  constructor({ ports, snapshot, report, onDone }: StaffingOptions) {
    this.#ports = ports;
    this.#clones = new CloneMaker({
      ports,
      report: (type, replica, cause, data) => report(type, cause, data, replica),
      onDone,
    });
    this.#maker = new ReplicaMaker({ ports, key: snapshot.key, report, onDone });
  }

  /** Replicas of revisions can be made. */
  get isAble(): boolean {
    return this.#maker.isAble;
  }

  /** Replicas of revisions that are being made, or made and not seen yet. */
  get underWay(): number {
    return this.#maker.underWay;
  }

  /** How the making of replicas goes, by revision. */
  get making(): readonly MakingView[] {
    return this.#maker.views();
  }

  /** Monotonic ms at which clones may become too many by time alone; infinite: never. */
  get nextChange(): number {
    return this.#orphanedSince === null ? Number.POSITIVE_INFINITY : this.#orphanedSince + ORPHAN_MS;
  }

  /** Failures in a row to make what requests wait for, of the revision that fares best; null: nothing of it is missing. */
  failures({ shares = [] }: SetSnapshot): number | null {
    const short = servingShares(shares).filter(({ revision }) => (this.#missing.get(revision) ?? 0) > 0);
    return short.length === 0 ? null : Math.min(...short.map((one) => this.#maker.failuresOf(one.revision)));
  }

  /** Says to every replica what it should be now, and begins what is missing. */
  follow(facts: StaffingFacts): void {
    const { snapshot } = facts;
    if (snapshot.shares === undefined) {
      const plan = planWishes({ ...facts, orphaned: this.#areOrphaned(facts.replicas) });
      for (const [replica, wish] of plan.wishes) replica.want(wish);
      this.#clones.want(plan.original, plan.clones, snapshot);
      return;
    }
    this.#orphanedSince = null;
    const plan = planShares({
      ...facts,
      shares: snapshot.shares,
      isData: snapshot.policy.class === 'data',
      isStopped: snapshot.stopped === true,
    });
    for (const [replica, wish] of plan.wishes) replica.want(wish);
    this.#missing = plan.missing;
    // What is missing may be on a host that was not looked at yet.
    this.#maker.want(snapshot.isPartial === true ? new Map() : plan.missing, snapshot);
  }

  /** Forgets failures: what failed is tried again at once. */
  forgive(): void {
    this.#maker.forgive();
  }

  close(): void {
    this.#clones.close();
    this.#maker.close();
  }

  /** The container that all clones were made from is gone, and has been for a while. */
  #areOrphaned(replicas: readonly ReplicaKeeper[]): boolean {
    const now = this.#ports.clock.now();
    const areAlone = replicas.length > 0 && replicas.every((one) => one.snapshot.cloneOf !== null);
    this.#orphanedSince = areAlone ? (this.#orphanedSince ?? now) : null;
    return this.#orphanedSince !== null && now - this.#orphanedSince >= ORPHAN_MS;
  }
}
