/**
 * The scale of a set that was made through the API: its bounds are two fields of its spec, and only a fixed number of
 * replicas is held beside it.
 */
import { amountsBetween, amountsOf } from '#apps/amounts';
import type { SetRecord } from '#apps/app-record';
import type { Apps } from '#apps/apps';
import { boundsOf, rescaled, type ScaleBounds, scaledIn } from '#apps/scale-bounds';
import { DEFAULT_POLICY, setKey } from '#core/set';
import { readDeclared } from '#discovery/declared-set';
import type { Scope } from './access.ts';
import type { PlanGate } from './plan-gate.ts';
import type { AdminPorts, ScaleSetting } from './ports.ts';
import type { Fault, Problem } from './problem.ts';
import { faultsOfWish, mergedWish, type ScaleChanges, type ScaleWishes } from './scale-change.ts';
import type { KnownSet } from './views.ts';

/** What a change of the scale of a set comes to. */
export interface SpecScale {
  /** The set as it would be. */
  readonly next: SetRecord;
  /** The same, as it would be known. */
  readonly wouldBe: KnownSet;
  readonly wish: ScaleWishes;
  /** What is held beside the spec; null: nothing is. */
  readonly held: ScaleSetting | null;
  /** Bounds that are written: null gives one back to the spec; what is left out stays. */
  readonly named: Partial<ScaleBounds>;
}

interface Who {
  readonly by: string;
  /** Ms since the epoch. */
  readonly at: number;
}

/** What was asked for, as it is shown: of the spec by whoever scaled it, and what is held beside it. Null: nothing. */
export function askedScale(made: SetRecord | null, held: ScaleSetting | null): ScaleSetting | null {
  const scaled = made === null ? undefined : scaledIn(made, made.spec);
  if (scaled === undefined) return held;
  const last = held !== null && held.at > scaled.at ? held : scaled;
  const { min, max } = { min: held?.min ?? scaled.min, max: held?.max ?? scaled.max };
  return { min, max, replicas: held?.replicas ?? null, by: last.by, at: last.at };
}

/** Pure. @param made the set of the store */
export function readSpecScale(
  known: KnownSet,
  made: SetRecord,
  { change, who, baseDomain }: { readonly change: ScaleChanges; readonly who: Who; readonly baseDomain: string },
): SpecScale | { readonly faults: readonly Fault[] } {
  const { setting } = known;
  const { replicas } = mergedWish(setting, change);
  const first = namedBounds(change, setting);
  const { min, max } = boundsOf(rescaled(made, first, who).spec);
  // Whoever asks for two to be kept means two to be allowed.
  const lifts = change.max === undefined && min !== null && max !== null && max < min;
  const named = lifts ? { ...first, max: min } : first;
  const next = rescaled(made, named, who);
  const wish = { ...boundsOf(next.spec), replicas };
  const { policy } = known.snapshot;
  const plain = { ...policy, scale: { ...policy.scale, min: DEFAULT_POLICY.scale.min } };
  const faults = faultsOfWish(wish, { policy: plain });
  if (faults.length > 0) return { faults };
  const reading = readDeclared(next.spec.labels, { ...made, set: made.name, baseDomain });
  if (reading.policy === null) {
    return {
      faults: reading.rejections.map(({ label, message }) => {
        return { pointer: label === 'tidegate.scale.min' ? '/min' : '/max', code: 'bad_value', detail: message };
      }),
    };
  }
  const held = replicas === null ? null : { min: null, max: null, replicas, ...who };
  const snapshot = { ...known.snapshot, policy: { ...policy, scale: reading.policy.scale } };
  return { next, wish, held, named, wouldBe: { ...known, snapshot, setting: held, asked: askedScale(next, held) } };
}

/** With what was kept beside the spec before there was one place for it. */
function namedBounds({ min, max }: ScaleChanges, setting: ScaleSetting | null): Partial<ScaleBounds> {
  const [least, most] = [min === undefined ? setting?.min : min, max === undefined ? setting?.max : max];
  return {
    ...(least === undefined || (min === undefined && least === null) ? {} : { min: least }),
    ...(most === undefined || (max === undefined && most === null) ? {} : { max: most }),
  };
}

/** Writes it: into the spec, in force at once, and what is held beside it. Null: the set has gone. */
export async function keepSpecScale(
  { apps, scaling, plan }: { readonly apps: Apps; readonly scaling: AdminPorts['scaling']; readonly plan: PlanGate },
  scope: Scope,
  made: SetRecord,
  { next, held, named }: SpecScale,
): Promise<SetRecord | null | Problem> {
  const { tenant, app, name, spec } = made;
  const key = setKey(tenant, app, name);
  const asked = () => {
    const now = amountsOf(spec, scaling.setting(key));
    return amountsBetween(now, amountsOf(next.spec, held));
  };
  return await plan.taking(scope, asked, async (taken) => {
    const kept = await apps.scale.rescale({ tenant, by: scope.principal.id }, made, named, taken);
    if (kept !== null) await scaling.change(key, held);
    return kept;
  });
}
