/** Takes a revision up again, as far as its tenant is still allowed, and has room for, what is in it. */
import type { SetRecord } from '#apps/app-record';
import type { Apps } from '#apps/apps';
import type { Strategy } from '#apps/deployment-record';
import { setKey } from '#core/set';
import type { Revision } from '#core/set-spec';
import type { Scope } from './access.ts';
import { answerOf } from './deployments.ts';
import { invalid } from './endpoint.ts';
import type { PlanGate } from './plan-gate.ts';
import { Problem } from './problem.ts';
import { inTurnOf } from './set-turns.ts';
import type { SpecGate } from './spec-gate.ts';

export interface ActivationParts {
  readonly apps: Apps;
  readonly gate: SpecGate;
  readonly plan: PlanGate;
}

export interface Activation {
  readonly scope: Scope;
  readonly set: SetRecord;
  readonly revision: Revision;
  readonly strategy: Strategy;
  readonly headers: Headers;
}

export async function activate({ apps, gate, plan }: ActivationParts, wish: Activation) {
  const { scope, set, revision, strategy, headers } = wish;
  const { tenant, principal } = scope;
  const place = { tenant, app: set.app, sets: [set.name] };
  const outcome = await inTurnOf(apps, place, async () => {
    const now = apps.library.set(tenant, set.app, set.name);
    if (revision.number === now?.current) {
      const moving = apps.deployments.book.movingOf(tenant, set.app, set.name);
      const fix = moving === null ? [] : [`Cancel ${moving.id}, which is to take its place, and it stays.`];
      return new Problem('conflict', { detail: `${revision.name} is in force.`, fix });
    }
    // It was allowed when it was made; the plan may have changed since.
    const after = apps.revisions.specWith(now ?? set, revision);
    const faults = gate.faultsOf(scope, { app: set.app, set: set.name }, after);
    if (faults.length > 0) return invalid(faults);
    const key = setKey(tenant, set.app, set.name);
    const asked = () => {
      const before = apps.library.set(tenant, set.app, set.name)?.spec ?? null;
      return gate.askedBy({ key, isNewApp: false, before, after });
    };
    const asker = { tenant, by: principal.id };
    return await plan.taking(scope, asked, () => apps.revisions.activate(asker, set, revision, strategy));
  });
  return outcome instanceof Problem ? outcome : answerOf(apps, outcome, headers);
}
