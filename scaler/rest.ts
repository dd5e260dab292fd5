/**
 * Says so when a set has come to rest in a lower tier by its own doing: after the fact, and once.
 */
import type { EventType } from '#core/event';
import type { WantedTier } from './demand.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';

export class Rest {
  #tier: 'awake' | 'frozen' | 'stopped' | null = null;

  /** The tier the set has reached. `report` is called when it got there because it was wanted there. */
  follow(
    replicas: readonly ReplicaKeeper[],
    wanted: WantedTier,
    report: (type: EventType) => void,
  ): 'awake' | 'frozen' | 'stopped' | null {
    if (replicas.length === 0) return this.#tier;
    const before = this.#tier;
    this.#tier = tierOf(replicas);
    if (before === null || before === this.#tier || wanted !== this.#tier) return this.#tier;
    if (this.#tier === 'frozen') report('set.frozen');
    if (this.#tier === 'stopped') report('set.stopped');
    return this.#tier;
  }
}

function tierOf(replicas: readonly ReplicaKeeper[]): 'awake' | 'frozen' | 'stopped' {
  if (!replicas.every((one) => one.isAsleep)) return 'awake';
  return replicas.some((one) => one.isFrozen) ? 'frozen' : 'stopped';
}
