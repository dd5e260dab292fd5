/**
 * How many replicas a set may have: one wish, in its spec, whoever writes it. Who scales a set changes two fields of the
 * spec, and they are his until somebody else writes something else there: a spec that leaves them out takes nothing back.
 */
import type { SetSpec } from '#core/set-spec';
import type { SetRecord } from './app-record.ts';

const LABEL = { min: 'tidegate.scale.min', max: 'tidegate.scale.max' } as const;
const BOUNDS = ['min', 'max'] as const;
type Bound = (typeof BOUNDS)[number];

/** Null: the spec says nothing of it, or it is nothing that was scaled. */
export type ScaleBounds = Readonly<Record<Bound, number | null>>;

/** What of the bounds was written by whoever scaled the set last. */
export interface ScaledBounds extends ScaleBounds {
  /** Id of the token. */
  readonly by: string;
  /** Ms since the epoch. */
  readonly at: number;
  /** What the spec said before it was scaled. */
  readonly before: ScaleBounds;
}

export function boundsOf({ labels }: Pick<SetSpec, 'labels'>): ScaleBounds {
  const read = (bound: Bound): number | null => {
    const text = labels[LABEL[bound]];
    return text === undefined ? null : Number(text);
  };
  return { min: read('min'), max: read('max') };
}

export function labelsWith(labels: SetSpec['labels'], bounds: ScaleBounds): SetSpec['labels'] {
  const others = Object.entries(labels).filter(([name]) => name !== LABEL.min && name !== LABEL.max);
  const own = BOUNDS.flatMap((one) => (bounds[one] === null ? [] : [[LABEL[one], String(bounds[one])]]));
  return Object.fromEntries([...others, ...own]);
}

/** What is still as it was scaled; undefined: nothing is. @param spec what the set is wished to be from now on */
export function scaledIn(
  { scaled }: Pick<SetRecord, 'scaled'>,
  spec: Pick<SetSpec, 'labels'>,
): ScaledBounds | undefined {
  if (scaled === undefined) return undefined;
  const now = boundsOf(spec);
  const left = { min: now.min === scaled.min ? scaled.min : null, max: now.max === scaled.max ? scaled.max : null };
  return left.min === null && left.max === null ? undefined : { ...scaled, ...left };
}

/** The spec, with what was scaled wherever it says nothing itself. @param known the set as it is; null: there is none */
export function withScaled(known: Pick<SetRecord, 'scaled' | 'spec'> | null, spec: SetSpec): SetSpec {
  const scaled = known === null ? undefined : scaledIn(known, known.spec);
  // Of class data there is one replica, and no scale that could be kept.
  if (scaled === undefined || spec.class === 'data') return spec;
  const { min, max } = boundsOf(spec);
  // What a spec says has to agree with itself: a bound that it gives goes before one that was scaled.
  const kept = { min: min ?? scaled.min, max: max ?? scaled.max };
  const isTorn = kept.min !== null && kept.max !== null && kept.max < kept.min;
  return isTorn ? spec : { ...spec, labels: labelsWith(spec.labels, kept) };
}

/**
 * The set with other bounds, in force at once.
 * @param named what is written: null gives a bound back to what the spec said before; what is left out stays
 */
export function rescaled(set: SetRecord, named: Partial<ScaleBounds>, who: Pick<ScaledBounds, 'by' | 'at'>): SetRecord {
  const now = boundsOf(set.spec);
  const kept = scaledIn(set, set.spec);
  if (named.min === undefined && named.max === undefined) return { ...set, scaled: kept };
  const one = (bound: Bound) => {
    const own = kept?.[bound] ?? null;
    const before = own === null ? now[bound] : (kept?.before[bound] ?? null);
    const wish = named[bound];
    return wish === undefined ? { own, before, value: now[bound] } : { own: wish, before, value: wish ?? before };
  };
  const [min, max] = [one('min'), one('max')];
  const bounds = { min: min.value, max: max.value };
  const before = { min: min.before, max: max.before };
  return {
    ...set,
    spec: { ...set.spec, labels: labelsWith(set.spec.labels, bounds) },
    labels: labelsWith(set.labels, bounds),
    scaled: min.own === null && max.own === null ? undefined : { min: min.own, max: max.own, before, ...who },
  };
}
