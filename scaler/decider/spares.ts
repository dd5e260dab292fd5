/**
 * How many frozen spares the bursts of a set are worth: as many replicas as were wanted more within the time of one start, at the
 * most in the last ten minutes. A burst of that size finds them, and ten minutes after the last one they are gone. Pure.
 */

/** A burst is forgotten after that time. */
const KEPT_MS = 600_000;
/** What is wanted within the time of a start is one burst; a start counts as so long at least and at most. */
const START_LEAST_MS = 1000;
const START_MOST_MS = 60_000;

interface Raise {
  readonly at: number;
  readonly replicas: number;
}

/** What the bursts of a set came to. */
export class Bursts {
  /** Within the time of one start. */
  #raises: readonly Raise[] = [];
  /** Each greater than all that follow it. */
  #bursts: readonly Raise[] = [];

  /**
   * More replicas are wanted (monotonic ms).
   * @param startMs what a start takes; null: not known
   */
  raised(now: number, replicas: number, startMs: number | null): void {
    const spanMs = Math.min(START_MOST_MS, Math.max(START_LEAST_MS, startMs ?? 0));
    this.#raises = [...this.#raises.filter(({ at }) => at > now - spanMs), { at: now, replicas }];
    const burst = this.#raises.reduce((sum, one) => sum + one.replicas, 0);
    this.#bursts = [...this.#bursts.filter((one) => one.replicas > burst), { at: now, replicas: burst }];
  }

  /** Replicas of the greatest that is remembered; 0: there was none. */
  greatest(now: number): number {
    return this.#bursts.find(({ at }) => at > now - KEPT_MS)?.replicas ?? 0;
  }
}

export interface SpareFacts {
  /** `scale.spare`. */
  readonly wish: number | 'auto';
  /** Of {@link Bursts}. */
  readonly burst: number;
  /** Replicas that the set may have, by its scale and so by the plan of its tenant. */
  readonly max: number;
  /** Replicas wanted while it is awake. */
  readonly awake: number;
  /** Spares that the memory of hosts has room for; null: not known. */
  readonly room: number | null;
}

export interface SpareCount {
  readonly count: number;
  /** What it is that small for: what was asked for, the bursts there were, `scale.max`, or the memory of hosts. */
  readonly by: 'wish' | 'bursts' | 'max' | 'memory';
}

export function spareCount({ wish, burst, max, awake, room }: SpareFacts): SpareCount {
  const above = Math.max(0, max - awake);
  const wished: SpareCount = wish === 'auto' ? { count: burst, by: 'bursts' } : { count: wish, by: 'wish' };
  const bounds: SpareCount[] = [wished, { count: above, by: 'max' }];
  // A number that somebody chose is his to answer for.
  if (wish === 'auto' && room !== null) bounds.push({ count: Math.max(0, room), by: 'memory' });
  return bounds.reduce((least, one) => (one.count < least.count ? one : least));
}
