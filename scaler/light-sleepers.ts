/**
 * Sets that keep something for a quick wake while they sleep, and which of them sleeps deeper first when what they keep is
 * needed or is too much: always the one that has been idle the longest.
 */
import type { SetKey } from '#core/set';
import type { Demotion, WantedTier } from './demand.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';

/** A set, as far as it matters here. */
export interface Sleeper {
  readonly key: SetKey;
  /** Where it is to be, and for how long nobody has needed it. */
  readonly sleep: { readonly tier: WantedTier; readonly idleMs: number };
  readonly replicas: readonly Pick<ReplicaKeeper, 'phase' | 'isMade' | 'isFrozen' | 'snapshot'>[];
  demote(demotion: Demotion): void;
}

export interface LightSleepersOptions {
  readonly sleepers: () => Iterable<Sleeper>;
  /** Replicas that are kept as sandboxes at most. */
  readonly sandboxesMax: number;
}

export class LightSleepers {
  readonly #options: LightSleepersOptions;

  constructor(options: LightSleepersOptions) {
    this.#options = options;
  }

  /** Keeps the number of sandboxes within its bound. */
  trim(): void {
    const { sleepers, sandboxesMax } = this.#options;
    const kept = [...sleepers()].filter(({ sleep }) => sleep.tier === 'sandbox');
    let count = kept.reduce((sum, one) => sum + sandboxesOf(one), 0);
    if (count <= sandboxesMax) return;
    const cause = `more than ${sandboxesMax} sandboxes are not kept, and no set has been idle for longer`;
    for (const one of kept.sort(longestIdleFirst)) {
      if (count <= sandboxesMax) return;
      count -= sandboxesOf(one);
      one.demote({ tier: 'stopped', cause });
    }
  }

  /** Memory of a host is short: one set that is frozen there sleeps deeper. Null: there is none. */
  relieve(host: string, cause: string): SetKey | null {
    const all = [...this.#options.sleepers()];
    const frozen = all.filter(({ sleep, replicas }) => {
      return sleep.tier === 'frozen' && replicas.some((one) => one.isFrozen && one.snapshot.host === host);
    });
    const [first] = frozen.sort(longestIdleFirst);
    if (first === undefined) return null;
    const kept = all.reduce((sum, one) => sum + sandboxesOf(one), 0);
    const hasRoom = kept + first.replicas.length <= this.#options.sandboxesMax;
    const tier = hasRoom && first.replicas.every((one) => one.isMade) ? 'sandbox' : 'stopped';
    first.demote({ tier, cause });
    return first.key;
  }
}

function sandboxesOf({ replicas }: Sleeper): number {
  return replicas.filter(({ phase }) => phase === 'sandbox' || phase === 'resting').length;
}

function longestIdleFirst(a: Sleeper, b: Sleeper): number {
  return b.sleep.idleMs - a.sleep.idleMs;
}
