/** What the wakes of all sets, and their spares, have in common, made once by the scaler. */
import type { HeldSpace } from './held-space.ts';
import type { SpareClaims } from './spare-claims.ts';
import type { WakeBudget } from './wake-budget.ts';
import type { WakeTimes } from './wake-times.ts';

export interface WakeHouse {
  /** Memory for held requests. */
  readonly space: HeldSpace;
  /** Turns to start from rest. */
  readonly wakes: WakeBudget;
  /** What requests waited. */
  readonly times: WakeTimes;
  /** Memory for spares that are on their way. */
  readonly claims: SpareClaims;
}
