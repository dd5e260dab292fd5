/**
 * The shapes of the API, as the schemas that describe it in `/openapi.json`. What a handler returns is typed by them, and
 * what comes in is checked by them.
 */
import { z } from '@hono/zod-openapi';
import { EVENT_TYPES, type EventType } from '#core/event';
import { CONTAINER_STATUSES } from '#core/set';
import { PolicyShape } from './policy-shape.ts';
import { ConditionShape } from './set-conditions.ts';

const EVENT_NAMES = Object.keys(EVENT_TYPES) as [EventType, ...EventType[]];

const time = z.string().openapi({ format: 'date-time', example: '2026-01-01T00:00:00.000Z' });
const duration = z.string().openapi({ example: '30s' });
const count = z.number().int();
const name = z.string().openapi({ example: 'shop' });

export const ProblemShape = z
  .object({
    type: z.string(),
    title: z.string(),
    status: count,
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })),
    fix: z.array(z.string()),
  })
  .openapi('Problem');

/** A page of a list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    next_cursor: z
      .string()
      .nullable()
      .openapi({ description: 'Give it as `cursor` for the next page; null: the last.' }),
  });
}

const MemberShape = z
  .object({
    index: count,
    name: z.string(),
    container_id: z.string(),
    image: z.string(),
    status: z.enum(CONTAINER_STATUSES).openapi({ description: 'What the Engine says of it.' }),
    started_at: z.string().nullable(),
    exit_code: count.nullable(),
    oom_killed: z.boolean().openapi({ description: 'Its last run ended because it ran out of memory.' }),
  })
  .openapi('ReplicaMember');

export const ReplicaShape = z
  .object({
    id: z.string().openapi({ example: 'local/4f2a…' }),
    name: z.string(),
    host: z.string(),
    container_id: z.string(),
    phase: z.string().openapi({ description: 'What it does now.', example: 'ready' }),
    tier: z.enum(['running', 'frozen', 'sandbox', 'stopped']).openapi({ description: 'How asleep it is.' }),
    in_flight: count,
    revision: z.string().nullable(),
    weight: count,
    clone: z.boolean().openapi({ description: 'Made by Tidegate from another replica.' }),
    created_at: time,
    started_at: z.string().nullable(),
    exit_code: count.nullable(),
    unroutable: z
      .string()
      .nullable()
      .openapi({ description: 'Why no request can reach it; null: one can, or it is down.' }),
    failures: count.openapi({ description: 'Failures in a row to come up.' }),
    failure: z.string().nullable().openapi({ description: 'Why it failed last; null: it did not.' }),
    members: z.array(MemberShape).openapi({
      description: 'Containers of a replica that the API deployed, the main one first; empty for a labelled one.',
    }),
  })
  .openapi('Replica');

const ConflictShape = z
  .object({
    hostname: z.string(),
    path: z.string(),
    holder: z.string().nullable().openapi({ description: 'Set that serves it; null: of another tenant.' }),
    claimant: z.string().nullable().openapi({ description: 'Set that claims it in vain; null: of another tenant.' }),
  })
  .openapi('RouteConflict');

export const RouteShape = z
  .object({
    hostname: z.string().openapi({ example: 'shop.localhost' }),
    path: z.string().openapi({ example: '/' }),
    match: z.enum(['exact', 'wildcard']),
    strip: z.boolean().openapi({ description: 'The path is taken off before the request goes upstream.' }),
    port: count.nullable().openapi({ description: "Container port; null: the set's main port." }),
    app: name,
    set: name,
    origin: z
      .enum(['labels', 'api'])
      .openapi({ description: 'Where its set comes from: labels of containers, or the API.' }),
  })
  .openapi('Route');

export const RoutesShape = pageOf(RouteShape).extend({ conflicts: z.array(ConflictShape) });

export const ScaleShape = z
  .object({
    min: count.openapi({ description: 'In force: labels and override together.' }),
    max: count,
    replicas: count.openapi({ description: 'Replicas wanted while the set is awake.' }),
    ready: count.openapi({ description: 'Replicas that take requests now.' }),
    override: z
      .object({ min: count.nullable(), max: count.nullable(), replicas: count.nullable(), by: z.string(), at: time })
      .nullable()
      .openapi({
        description:
          'What was asked for beside the labels, or written into the spec by whoever scaled it; null: nothing.',
      }),
    labels: z
      .object({ min: count, max: count })
      .openapi({ description: 'Of the labels, or of the spec as it is now.' }),
    load: z
      .object({
        desired: count.openapi({ description: 'Replicas that it asks for, within min and max.' }),
        metric: z.enum(['concurrency', 'rps', 'cpu', 'memory']).openapi({ description: 'What asks for most.' }),
        panic: z.boolean().openapi({ description: 'It grows with the last seconds, and does not shrink.' }),
        concurrency: z.number().openapi({ description: 'Requests at a time that need capacity, over the window.' }),
        rps: z.number().openapi({ description: 'Arrivals a second, over the window.' }),
        service_ms: z.number().nullable().openapi({ description: 'Mean time of a request at a replica.' }),
      })
      .nullable()
      .openapi({ description: 'What the number of replicas follows; null: it is fixed, or the set sleeps.' }),
  })
  .openapi('Scale');

export const ScheduledScaleShape = ScaleShape.extend({
  schedule: z
    .object({
      min: count.openapi({
        description: 'Replicas at least that the schedule asks for now; what was asked for goes before it.',
      }),
      next: z
        .object({ at: time, min: count, max: count, replicas: count })
        .nullable()
        .openapi({ description: 'When it asks for another number, and what is in force then; null: it never does.' }),
    })
    .nullable()
    .openapi({ description: 'Of `scale.schedule`; null: there is none.' }),
  spares: z
    .object({
      count: count.openapi({ description: 'Replicas that are to be kept frozen beyond those that are awake.' }),
      limited_by: z.enum(['wish', 'bursts', 'max', 'memory']).openapi({
        description:
          'What it is no more for: the number in `scale.spare`; the greatest burst of the last ten minutes; `scale.max`; the memory of hosts.',
      }),
      burst: count.openapi({
        description: 'Replicas that the greatest burst of the last ten minutes wanted more within the time of a start.',
      }),
      start_ms: z.number().nullable().openapi({
        description: 'What 95 % of the last starts took at most, from the wish until ready; null: none was seen yet.',
      }),
      room: count
        .nullable()
        .openapi({ description: 'Spares that there is memory for; null: not known, or not asked.' }),
    })
    .nullable()
    .openapi({ description: 'Of `scale.spare`; null: the set is found by labels, and has none.' }),
}).openapi('ScheduledScale');

export const SetShape = z
  .object({
    name,
    app: name,
    tenant: name,
    state: z.string().openapi({ example: 'up' }),
    tier: z
      .enum(['running', 'frozen', 'sandbox', 'stopped', 'absent'])
      .openapi({ description: 'Of its most awake replica.' }),
    ready: count,
    in_flight: count,
    held: count.openapi({ description: 'Requests in the waiting room.' }),
    leased_until: time.nullable().openapi({
      description: 'It stays awake until then, traffic or not: by a lease, or a replica at work; null: no.',
    }),
    scale: ScaleShape,
    routes: z.array(RouteShape.omit({ app: true, set: true, origin: true })),
    replicas: z.array(ReplicaShape),
    policy: PolicyShape,
    conditions: z.array(ConditionShape).openapi({
      description: 'Of a set that was made through the API: what stands against it as it is wished.',
    }),
  })
  .openapi('Set');

export const AppShape = z
  .object({
    name,
    tenant: name,
    hostnames: z.array(z.string()),
    sets: z.array(
      SetShape.pick({ name: true, state: true, tier: true, ready: true, conditions: true }).extend({
        replicas: count,
        hostnames: z.array(z.string()),
      }),
    ),
  })
  .openapi('App');

export const LeaseShape = z.object({ app: name, ttl: duration, until: time }).openapi('Lease');

export const ResolutionShape = z
  .object({
    url: z.string(),
    hostname: z.string(),
    path: z.string(),
    outcome: z.enum(['routed', 'no_hostname', 'no_path', 'other_tenant']),
    answer: z
      .enum(['serve', 'wake', 'refuse', 'none'])
      .openapi({ description: 'What a request would meet now: an upstream, a wake, a 503, or a 404.' }),
    route: RouteShape.nullable(),
    upstream_path: z.string().nullable(),
    state: z.string().nullable(),
    ready: count,
    replicas: z.array(z.object({ id: z.string(), name: z.string(), phase: z.string() })),
    conflicts: z.array(ConflictShape),
    nearest: z.string().nullable().openapi({ description: 'The known hostname or path that was perhaps meant.' }),
    why: z.array(z.string()).openapi({ description: 'The steps that led there, for people.' }),
  })
  .openapi('Resolution');

export const EventShape = z
  .object({
    id: z.string(),
    at: time,
    type: z.enum(EVENT_NAMES),
    tenant: name.nullable(),
    app: name.nullable(),
    set: name.nullable(),
    replica: z.string().nullable(),
    host: z.string().nullable(),
    cause: z.string(),
    correlation_id: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .openapi('Event');

const hostRoom = z.object({ cores: z.number(), memory_bytes: z.number() });

export const HostShape = z
  .object({
    name,
    state: z.string().openapi({ example: 'reachable' }),
    cause: z.string().nullable(),
    since: z.string().nullable().openapi({
      format: 'date-time',
      description: 'Since when its state is that; since the start of Tidegate where it was so already.',
    }),
    engine: z.object({ version: z.string(), api_version: z.string() }).nullable(),
    replicas: count.openapi({ description: 'Replicas known on it, in any state.' }),
    capacity: hostRoom.nullable().openapi({ description: 'How large it is. Null: not known yet.' }),
    allocatable: hostRoom.nullable().openapi({
      description:
        'What of it is there for the next replica: without the limits of replicas that do not sleep. Of a frozen one its memory counts, of one that is a sandbox or stopped nothing.',
    }),
  })
  .openapi('Host');

export type SetJson = z.input<typeof SetShape>;
export type AppJson = z.input<typeof AppShape>;
export type ScaleJson = z.input<typeof ScaleShape>;
export type ScheduledScaleJson = z.input<typeof ScheduledScaleShape>;
export type ReplicaJson = z.input<typeof ReplicaShape>;
export type RouteJson = z.input<typeof RouteShape>;
export type ConflictJson = z.input<typeof ConflictShape>;
export type EventJson = z.input<typeof EventShape>;
export type ResolutionJson = z.input<typeof ResolutionShape>;
