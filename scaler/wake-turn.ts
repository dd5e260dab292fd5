/**
 * One set's way through the wake budget: it takes its turn before anything of it is started from rest, keeps it while it
 * comes up, and gives it back when it is up or nobody wants it any more. What is frozen is thawed without one, and so is
 * what others wait for who have had theirs.
 */
import type { SetKey } from '#core/set';
import type { TurnedAway } from './prospects.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';
import type { WakeBudget } from './wake-budget.ts';

export interface WakeTurnOptions {
  readonly budget: WakeBudget;
  readonly key: SetKey;
  readonly tenant: string;
  /** It may start now. */
  readonly onTurn: () => void;
  /** Somebody was turned away for the sake of the plan; said once a minute for all sets of the tenant. */
  readonly onLimited: (cause: string) => void;
}

export interface WakeTurnFacts {
  /** The set is to be up, by its traffic. */
  readonly isWanted: boolean;
  /** Something of it takes requests, or serves sets that depend on it. */
  readonly isServing: boolean;
  readonly replicas: readonly ReplicaKeeper[];
}

export class WakeTurn {
  readonly #options: WakeTurnOptions;
  #isAsking = false;

  constructor(options: WakeTurnOptions) {
    this.#options = options;
  }

  /** Whether what is asleep may be started. */
  follow({ isWanted, isServing, replicas }: WakeTurnFacts): boolean {
    const { budget, key, tenant, onTurn } = this.#options;
    if (!isWanted || isServing) {
      this.close();
      return true;
    }
    if (!this.#isAsking && !isAtRest(replicas)) return true;
    this.#isAsking = true;
    return budget.ask(key, tenant, onTurn);
  }

  /** What whoever asks hears when the tenant's plan lets it wake nothing for the moment; null: it may. */
  refusal(replicas: readonly ReplicaKeeper[]): TurnedAway | null {
    if (this.#isAsking || !isAtRest(replicas)) return null;
    const { budget, tenant, onLimited } = this.#options;
    const retryAfterS = budget.overdrawn(tenant);
    if (retryAfterS === null) return null;
    if (budget.isNews(tenant)) onLimited(`the plan of "${tenant}" lets it wake nothing more for ${retryAfterS} s`);
    return { outcome: 'stopped', code: 'wake_limited', retryAfterS };
  }

  close(): void {
    if (!this.#isAsking) return;
    this.#isAsking = false;
    this.#options.budget.end(this.#options.key);
  }
}

function isAtRest(replicas: readonly ReplicaKeeper[]): boolean {
  return replicas.every((one) => one.isAsleep && !one.isFrozen);
}
