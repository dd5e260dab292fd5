/**
 * Says so when a set has come to rest in a lower tier by its own doing: after the fact, and once.
 */
import type { EventType } from '#core/event';
import type { SleepTier, WantedTier } from './demand.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';

const EVENT_OF_TIER: Readonly<Record<SleepTier, EventType>> = {
  frozen: 'set.frozen',
  sandbox: 'set.sandbox',
  stopped: 'set.stopped',
  absent: 'set.absent',
};

export interface RestFacts {
  readonly replicas: readonly ReplicaKeeper[];
  readonly wanted: WantedTier;
  /** Called when it got into a tier because it was wanted there. */
  readonly report: (type: EventType) => void;
}

export class Rest {
  #tier: 'awake' | SleepTier | null = null;

  /** The tier the set has reached. Null: it never had a replica. */
  follow({ replicas, wanted, report }: RestFacts): 'awake' | SleepTier | null {
    const before = this.#tier;
    // Without replicas it is where it was last, unless it was to have none.
    if (replicas.length > 0 || wanted === 'absent') this.#tier = tierOf(replicas);
    if (before === null || before === this.#tier || wanted !== this.#tier) return this.#tier;
    if (wanted === null || wanted === 'awake') return this.#tier;
    report(EVENT_OF_TIER[wanted]);
    return this.#tier;
  }
}

function tierOf(replicas: readonly ReplicaKeeper[]): 'awake' | SleepTier {
  if (replicas.length === 0) return 'absent';
  if (!replicas.every((one) => one.isAsleep)) return 'awake';
  if (replicas.some((one) => one.isFrozen)) return 'frozen';
  return replicas.some((one) => one.phase === 'sandbox') ? 'sandbox' : 'stopped';
}
