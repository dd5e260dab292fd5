/** Endpoints of the scale of a set: in force, asked for, of the labels, and what its schedule makes of it. */
import { z } from '@hono/zod-openapi';
import { amountsBetween } from '#apps/amounts';
import { nextScheduled, scheduledMin } from '#scaler/decider/schedule';
import { NO_OVERRIDE, type ScaleTarget, scaleTarget } from '#scaler/scale-target';
import { Done, etagOf, unmet } from './answer.ts';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import type { KnownSets } from './known-sets.ts';
import { PlanGate } from './plan-gate.ts';
import type { AdminPorts, ScaleSetting } from './ports.ts';
import { Problem } from './problem.ts';
import { faultsOfWish, isEmptyWish, mergedWish, ScaleChange } from './scale-change.ts';
import { type ScheduledScaleJson, ScheduledScaleShape } from './shapes.ts';
import { type KnownSet, scaleJson } from './views.ts';

const SetParams = z.object({ app: z.string(), set: z.string() });

export function addScale(endpoints: Endpoints, known: KnownSets, ports: AdminPorts): void {
  const plan = new PlanGate(ports);
  const scaleOf = (set: KnownSet | Problem) =>
    set instanceof Problem ? set : new Done(scheduledJson(set, ports.clock.wall()), { etag: scaleTag(set) });
  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/sets/{set}/scale',
      id: 'getScale',
      summary: 'The scale of a set: in force, asked for, and of the labels',
      needs: 'read',
      params: SetParams,
      query: NOTHING,
      body: null,
      answer: ScheduledScaleShape,
      versioned: true,
      problems: ['not_found'],
    },
    ({ scope, params }) => scaleOf(known.set(scope.tenant, params.app, params.set)),
  );

  endpoints.add(
    {
      method: 'put',
      path: '/v1/apps/{app}/sets/{set}/scale',
      id: 'putScale',
      summary: 'Changes the scale of a set, beside its labels and for good',
      needs: 'deploy',
      params: SetParams,
      query: NOTHING,
      body: ScaleChange,
      answer: ScheduledScaleShape,
      versioned: true,
      dryRun: true,
      problems: ['not_found', 'quota_exceeded'],
    },
    async ({ scope, params, body, headers, dryRun }) => {
      const { tenant, principal } = scope;
      const set = known.set(tenant, params.app, params.set);
      if (set instanceof Problem) return set;
      const changed = unmet(headers, scaleTag(set));
      if (changed !== null) return changed;
      const wish = mergedWish(set.setting, body);
      const faults = faultsOfWish(wish, set.snapshot);
      if (faults.length > 0) return invalid(faults);
      const setting = isEmptyWish(wish) ? null : { ...wish, by: principal.id, at: ports.clock.wall() };
      if (dryRun) return scaleOf(wouldBe(set, setting, ports.clock.wall()));
      const { key } = set.snapshot;
      const spec = ports.apps?.library.set(tenant, params.app, params.set)?.spec ?? null;
      const change = (): Promise<void> => ports.scaling.change(key, setting);
      // What is found by labels is its operator's, and no plan counts it.
      if (spec === null) await change();
      else {
        const asked = () => amountsBetween(spec, ports.scaling.setting(key), setting);
        const refused = await plan.taking(scope, asked, change);
        if (refused instanceof Problem) return refused;
      }
      ports.record({
        type: 'set.scaled',
        tenant,
        app: params.app,
        set: params.set,
        cause: setting === null ? `${principal.id} went back to the labels` : `${principal.id} asked for it`,
        data: { ...wish },
      });
      return scaleOf(known.set(tenant, params.app, params.set));
    },
  );
}

/** Of what people and labels ask for; how many replicas are ready changes by itself. */
function scaleTag(set: KnownSet): string {
  const { override, labels } = scaleJson(set);
  return etagOf({ override, labels });
}

/** @param wall ms since the epoch */
function scheduledJson(set: KnownSet, wall: number): ScheduledScaleJson {
  const { schedule } = set.snapshot.policy.scale;
  if (schedule.length === 0) return { ...scaleJson(set), schedule: null };
  const next = nextScheduled(schedule, wall);
  return {
    ...scaleJson(set),
    schedule: {
      min: scheduledMin(schedule, wall),
      next: next === null ? null : { at: new Date(next.at).toISOString(), ...boundsOf(targetOf(set, next.min)) },
    },
  };
}

function boundsOf({ min, max, awake }: ScaleTarget) {
  return { min, max, replicas: awake };
}

/** What its setting comes to. @param scheduled replicas at least, by its schedule */
function targetOf({ snapshot, live, setting }: KnownSet, scheduled: number): ScaleTarget {
  const { policy, replicas } = snapshot;
  return scaleTarget({
    class: policy.class,
    policy: policy.scale,
    override: setting ?? NO_OVERRIDE,
    made: replicas.filter((one) => one.cloneOf === null).length,
    desired: live?.scaling?.desired ?? null,
    scheduled,
  });
}

/** The set as it would be with another setting, by the schedule of this moment. */
function wouldBe(set: KnownSet, setting: ScaleSetting | null, wall: number): KnownSet {
  const changed = { ...set, setting };
  const target = targetOf(changed, scheduledMin(set.snapshot.policy.scale.schedule, wall));
  return { ...changed, live: set.live === null ? null : { ...set.live, target } };
}
