/**
 * Tokens that this worker takes from rate buckets, told to the others so that a limit holds over all of them: at once
 * where tokens are few, gathered for a moment where a moment is worth less than a token or two.
 */
import type { Clock, Timer } from '#core/clock';
import type { Pool } from '#router/pool';
import type { TakenTokens } from './messages.ts';

const GATHER_MS = 20;
/** Below this rate less than one token comes back within the time of gathering. */
const FEW_PER_SECOND = 1000 / GATHER_MS;

export interface SharedRatesOptions {
  readonly clock: Clock;
  readonly tell: (taken: TakenTokens[]) => void;
}

export class SharedRates {
  readonly #options: SharedRatesOptions;
  readonly #taken = new Map<Pool, Map<string, number>>();
  #timer: Timer | null = null;

  constructor(options: SharedRatesOptions) {
    this.#options = options;
  }

  taken(pool: Pool, key: string): void {
    const keys = this.#taken.get(pool) ?? new Map<string, number>();
    this.#taken.set(pool, keys.set(key, (keys.get(key) ?? 0) + 1));
    const { rate } = pool.policy;
    if (rate !== null && rate.perSecond < FEW_PER_SECOND) this.#tell();
    else this.#timer ??= this.#options.clock.after(GATHER_MS, () => this.#tell());
  }

  #tell(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const taken: TakenTokens[] = [];
    for (const [pool, keys] of this.#taken) {
      for (const [key, tokens] of keys) taken.push({ set: pool.key, key, tokens });
    }
    this.#taken.clear();
    this.#options.tell(taken);
  }
}
