/** What a wished change of scale comes to: a setting, or what is wrong with it. Pure. */
import { z } from '@hono/zod-openapi';
import type { SetSnapshot } from '#core/set';
import type { ScaleSetting } from './ports.ts';
import type { Fault } from './problem.ts';

const REPLICAS_MAX = 1000;

const bound = z.number().int().min(0).max(REPLICAS_MAX).nullable().optional();

/** What is left out stays as it is; null goes back to the labels. */
export const ScaleChange = z
  .strictObject({
    min: bound.openapi({ description: 'Replicas kept without traffic; 0: the set may sleep.' }),
    max: bound.openapi({ description: 'Replicas at most; at least 1.' }),
    replicas: bound.openapi({ description: 'A fixed number of replicas; 0: put the set to sleep now.' }),
  })
  .openapi('ScaleChange');

export type ScaleWishes = Pick<ScaleSetting, 'min' | 'max' | 'replicas'>;
type Wish = ScaleWishes;
/** What is left out stays. */
export type ScaleChanges = z.output<typeof ScaleChange>;

/** The wish that results when `change` is laid over what was asked for before. */
export function mergedWish(before: Wish | null, change: ScaleChanges): Wish {
  const pick = (name: keyof Wish): number | null => {
    const value = change[name];
    return value === undefined ? (before?.[name] ?? null) : value;
  };
  return { min: pick('min'), max: pick('max'), replicas: pick('replicas') };
}

/** What cannot be done about the wish on this set; empty: all can. */
export function faultsOfWish(wish: Wish, { policy }: Pick<SetSnapshot, 'policy'>): Fault[] {
  const faults: Fault[] = [];
  const fault = (name: keyof Wish, code: string, detail: string): void => {
    faults.push({ pointer: `/${name}`, code, detail });
  };
  if (policy.class === 'data') {
    for (const name of ['min', 'max', 'replicas'] as const) {
      if (wish[name] === null || wish[name] === 1) continue;
      fault(name, 'class_data', `A set of class data has exactly one replica; ${name} cannot be ${wish[name]}.`);
    }
    return faults;
  }
  if (wish.max === 0) fault('max', 'too_small', 'max is at least 1; to put the set to sleep, give "replicas": 0.');
  // A min above the labels' max lifts that max: whoever asks for two to be kept means two to be allowed.
  const min = wish.min ?? policy.scale.min;
  if (wish.max !== null && wish.max > 0 && wish.max < min) {
    const from = wish.min === null ? ' of the labels; give min too' : '';
    fault('max', 'below_min', `max ${wish.max} is below min ${min}${from}.`);
  }
  return faults;
}

/** True when nothing is asked for beside the labels. */
export function isEmptyWish(wish: Wish): boolean {
  return wish.min === null && wish.max === null && wish.replicas === null;
}
