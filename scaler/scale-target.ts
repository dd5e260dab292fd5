/**
 * How many replicas a set may and should have: the labels' bounds, changed by what a person asked for, and within
 * them what its load asks for. Pure.
 */
import type { ScalePolicy, SetClass } from '#core/set';
import type { Bounds } from './autoscaler.ts';

/** What a person or program asked for; null fields follow the labels. */
export interface ScaleOverride {
  readonly min: number | null;
  readonly max: number | null;
  /** A fixed number of replicas; widens min and max where it lies outside of them. */
  readonly replicas: number | null;
}

export const NO_OVERRIDE: ScaleOverride = { min: null, max: null, replicas: null };

export interface ScaleTarget {
  /** Replicas kept awake without any traffic; 0: the set may sleep. */
  readonly min: number;
  readonly max: number;
  /** Replicas wanted while the set is awake: at least 1. */
  readonly awake: number;
}

export interface ScaleFacts {
  readonly class: SetClass;
  readonly policy: ScalePolicy;
  readonly override: ScaleOverride;
  /** Replicas at least by the schedule; 0: it asks for none now. */
  readonly scheduled: number;
  /** Replicas that their operator made, in whatever state. */
  readonly made: number;
  /** Replicas that its load asks for; null: its number does not follow the load, or it sleeps. */
  readonly desired: number | null;
}

/** Within what a set that is awake may follow its load, unless its number is fixed; null: there is no choice. */
export function scalingBounds(facts: Omit<ScaleFacts, 'made' | 'desired'>): Bounds | null {
  if (facts.class === 'data') return null;
  const { min, max } = bounds(facts);
  return max > Math.max(1, min) ? { min: Math.max(1, min), max } : null;
}

export function scaleTarget(facts: ScaleFacts): ScaleTarget {
  const { made, desired } = facts;
  if (facts.class === 'data') return { min: 1, max: 1, awake: 1 };
  const { min, max } = bounds(facts);
  const { replicas } = facts.override;
  if (replicas === null) return { min, max, awake: clamp(desired ?? made, Math.max(1, min), Math.max(1, max)) };
  return {
    // A set that may sleep still may, and comes back with as many as were asked for.
    min: min === 0 ? 0 : replicas,
    max: Math.max(max, replicas),
    awake: Math.max(1, replicas),
  };
}

/** What a person asked for wins over the labels; where it contradicts itself, min wins over max. */
function bounds({ policy, override, scheduled }: Pick<ScaleFacts, 'policy' | 'override' | 'scheduled'>): Bounds {
  const least = Math.max(policy.min, scheduled);
  const min = override.min ?? Math.min(least, override.max ?? least);
  return { min, max: Math.max(override.max ?? policy.max, min) };
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
