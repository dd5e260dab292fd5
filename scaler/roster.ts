/**
 * The replicas of one set, each with its keeper, in step with what discovery shows: who is new is kept, who is gone is let
 * go, and at no moment of a change does nobody carry the traffic.
 */
import type { ReplicaSnapshot } from '#core/set';
import type { Upstream } from '#router/upstream';
import { ReplicaKeeper, type ReplicaKeeperOptions } from './replica-keeper.ts';

export class Roster {
  readonly #options: Omit<ReplicaKeeperOptions, 'snapshot'>;
  readonly #keepers = new Map<string, ReplicaKeeper>();

  constructor(options: Omit<ReplicaKeeperOptions, 'snapshot'>) {
    this.#options = options;
  }

  get all(): readonly ReplicaKeeper[] {
    return [...this.#keepers.values()];
  }

  /** Monotonic ms since when each of those is down that are. */
  get downSince(): readonly number[] {
    return this.all.map((one) => one.downSince).filter((one) => one !== null);
  }

  /** A person works in it until then (monotonic ms). False: it only looks like that; null: there is no such replica. */
  touch(id: string, until: number): boolean | null {
    const keeper = this.#keepers.get(id);
    if (keeper === undefined) return null;
    // The Engine's own health checks look like a person at work; what has them is never frozen behind its back.
    if (keeper.snapshot.hasHealthcheck) return false;
    keeper.touch(until);
    return true;
  }

  /** @param onNew told of every replica that was not there before, when its keeper is about to be made */
  observe(snapshots: readonly ReplicaSnapshot[], onNew: (snapshot: ReplicaSnapshot) => void): void {
    const seen = new Set<string>();
    // Who gains weight comes first: at no moment nobody has any.
    const gain = (one: ReplicaSnapshot): number => one.weight - (this.#keepers.get(one.id)?.snapshot.weight ?? 0);
    for (const snapshot of snapshots.toSorted((a, b) => gain(b) - gain(a))) {
      seen.add(snapshot.id);
      const keeper = this.#keepers.get(snapshot.id);
      if (keeper !== undefined) {
        keeper.observe(snapshot);
        continue;
      }
      onNew(snapshot);
      this.#keepers.set(snapshot.id, new ReplicaKeeper({ ...this.#options, snapshot }));
    }
    for (const [id, keeper] of this.#keepers) {
      if (seen.has(id)) continue;
      this.#keepers.delete(id);
      keeper.dispose();
    }
  }

  /** What failed before is tried again at once. */
  forgive(): void {
    for (const keeper of this.#keepers.values()) keeper.forgive();
  }

  suspect(upstream: Upstream): void {
    for (const keeper of this.#keepers.values()) keeper.suspect(upstream);
  }

  /** An upstream finished its last request. */
  drained(): void {
    for (const keeper of this.#keepers.values()) keeper.drive();
  }

  dispose(): void {
    for (const keeper of this.#keepers.values()) keeper.dispose();
  }

  async close(successor: boolean): Promise<void> {
    await Promise.all(this.all.map((keeper) => keeper.close(successor)));
  }
}
