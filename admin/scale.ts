/** Endpoints of the scale of a set: in force, asked for, of the labels, and what its schedule makes of it. */
import { z } from '@hono/zod-openapi';
import { nextScheduled, scheduledMin } from '#scaler/decider/schedule';
import { spareCount } from '#scaler/decider/spares';
import { NO_OVERRIDE, type ScaleTarget, scaleTarget } from '#scaler/scale-target';
import type { Scope } from './access.ts';
import { Done, etagOf, unmet } from './answer.ts';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import type { KnownSets } from './known-sets.ts';
import { PlanGate } from './plan-gate.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { faultsOfWish, isEmptyWish, mergedWish, ScaleChange, type ScaleWishes } from './scale-change.ts';
import { inTurnOf } from './set-turns.ts';
import { type ScheduledScaleJson, ScheduledScaleShape } from './shapes.ts';
import { keepSpecScale, readSpecScale } from './spec-scale.ts';
import { type KnownSet, scaleJson } from './views.ts';

const SetParams = z.object({ app: z.string(), set: z.string() });

export function addScale(endpoints: Endpoints, known: KnownSets, ports: AdminPorts): void {
  const parts = { known, ports, plan: new PlanGate(ports) };
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
      summary: 'Changes the scale of a set for good: in its spec, or beside the labels that it is found by',
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
      const { app, set } = params;
      const change = { body, headers, dryRun };
      const { apps } = ports;
      if (apps === undefined) return scaleOf(await scaled(parts, scope, params, change));
      // What is read of the spec holds until it is written.
      const inTurn = () => scaled(parts, scope, params, change);
      return scaleOf(await inTurnOf(apps, { tenant: scope.tenant, app, sets: [set] }, inTurn));
    },
  );
}

interface Parts {
  readonly known: KnownSets;
  readonly ports: AdminPorts;
  readonly plan: PlanGate;
}

interface Change {
  readonly body: z.output<typeof ScaleChange>;
  readonly headers: Headers;
  readonly dryRun: boolean;
}

/** The set as it is known with the change, or why it was not made. */
async function scaled(
  { known, ports, plan }: Parts,
  scope: Scope,
  { app, set: name }: z.output<typeof SetParams>,
  { body, headers, dryRun }: Change,
): Promise<KnownSet | Problem> {
  const { tenant, principal } = scope;
  const set = known.set(tenant, app, name);
  if (set instanceof Problem) return set;
  const changed = unmet(headers, scaleTag(set));
  if (changed !== null) return changed;
  const who = { by: principal.id, at: ports.clock.wall() };
  const { apps, scaling, baseDomain = 'localhost' } = ports;
  const tell = (wish: ScaleWishes, isEmpty: boolean): void => {
    const cause = isEmpty ? `${principal.id} went back to the labels` : `${principal.id} asked for it`;
    ports.record({ type: 'set.scaled', tenant, app, set: name, cause, data: { ...wish } });
  };
  if (apps !== undefined && set.made !== null) {
    const scale = readSpecScale(set, set.made, { change: body, who, baseDomain });
    if ('faults' in scale) return invalid(scale.faults);
    if (dryRun) return wouldBe(scale.wouldBe, ports.clock.wall());
    const kept = await keepSpecScale({ apps, scaling, plan }, scope, set.made, scale);
    if (kept instanceof Problem) return kept;
    if (kept !== null) tell(scale.wish, false);
    return known.set(tenant, app, name);
  }
  const wish = mergedWish(set.setting, body);
  const faults = faultsOfWish(wish, set.snapshot);
  if (faults.length > 0) return invalid(faults);
  const setting = isEmptyWish(wish) ? null : { ...wish, ...who };
  if (dryRun) return wouldBe({ ...set, setting, asked: setting }, ports.clock.wall());
  // It is found by labels, and so its operator's: no plan counts it.
  await scaling.change(set.snapshot.key, setting);
  tell(wish, setting === null);
  return known.set(tenant, app, name);
}

/** Of what people and labels ask for; how many replicas are ready changes by itself. */
function scaleTag(set: KnownSet): string {
  const { override, labels } = scaleJson(set);
  return etagOf({ override, labels });
}

/** @param wall ms since the epoch */
function scheduledJson(set: KnownSet, wall: number): ScheduledScaleJson {
  const json = scaleJson(set);
  return { ...json, schedule: scheduleJson(set, wall), spares: sparesJson(set, json) };
}

function scheduleJson(set: KnownSet, wall: number): ScheduledScaleJson['schedule'] {
  const { schedule } = set.snapshot.policy.scale;
  if (schedule.length === 0) return null;
  const next = nextScheduled(schedule, wall);
  return {
    min: scheduledMin(schedule, wall),
    next: next === null ? null : { at: new Date(next.at).toISOString(), ...boundsOf(targetOf(set, next.min)) },
  };
}

/** What its spares come to with these bounds, which may be those of a dry run. */
function sparesJson(
  { live }: KnownSet,
  { max, replicas }: Pick<ScheduledScaleJson, 'max' | 'replicas'>,
): ScheduledScaleJson['spares'] {
  const spares = live?.spares ?? null;
  if (spares === null) return null;
  const { wish, burst, startMs, room } = spares;
  const { count, by } = spareCount({ wish, burst, room, max, awake: replicas });
  return {
    ...{ count, limited_by: by, burst, room },
    start_ms: startMs === null ? null : Math.round(startMs),
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

/** The set with the target that its setting comes to by the schedule of this moment. */
function wouldBe(set: KnownSet, wall: number): KnownSet {
  const target = targetOf(set, scheduledMin(set.snapshot.policy.scale.schedule, wall));
  return { ...set, live: set.live === null ? null : { ...set.live, target } };
}
