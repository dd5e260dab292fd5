/**
 * Who wrote last is followed: a spec with other bounds goes before what somebody had scaled, and ends a fixed number that is
 * held beside it. It is told, so that nobody is undone in silence.
 */
import type { SetRecord } from '#apps/app-record';
import { boundsOf } from '#apps/scale-bounds';
import { setKey } from '#core/set';
import type { SetSpec } from '#core/set-spec';
import type { AdminPorts } from './ports.ts';
import { askedScale } from './spec-scale.ts';

export interface SpecChange {
  readonly tenant: string;
  readonly app: string;
  readonly set: string;
  /** Null: there was none. */
  readonly before: SetRecord | null;
  readonly after: SetSpec;
}

export type ScaleHold = (change: SpecChange) => Promise<void>;

/** @returns lets go of what is held when a spec has been written. Rejects with TidegateError of the `store.` family */
export function scaleHold({ scaling, record }: Pick<AdminPorts, 'scaling' | 'record'>): ScaleHold {
  return async ({ tenant, app, set, before, after }) => {
    const key = setKey(tenant, app, set);
    const held = scaling.setting(key);
    const asked = askedScale(before, held);
    if (asked === null || before === null) return;
    const [was, is] = [boundsOf(before.spec), boundsOf(after)];
    if (was.min === is.min && was.max === is.max) return;
    if (held !== null) await scaling.change(key, null);
    const cause = `its spec was given other bounds: they go before what ${asked.by} had asked for`;
    record({ type: 'set.scaled', tenant, app, set, cause, data: { ...is, replicas: null } });
  };
}
