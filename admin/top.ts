/** Endpoint of what an app uses now: each replica, its containers, and the sets together. */
import { z } from '@hono/zod-openapi';
import type { Unreadable } from '#docker/cgroup-stats';
import { tenths, together, type UsageNow } from '#docker/usage-rates';
import { containersOf, type UsageSampler } from '#docker/usage-sampler';
import { type Endpoints, NOTHING } from './endpoint.ts';
import type { KnownSets } from './known-sets.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { timeOf } from './time.ts';
import type { KnownSet } from './views.ts';

const count = z.number().int();
const UseShape = z
  .object({
    cpu_percent: z.number().openapi({ description: 'Of one core.' }),
    throttled_percent: z.number().openapi({ description: 'Of the time, held back by its limit.' }),
    memory_bytes: count.openapi({ description: 'Without inactive pages of files.' }),
    memory_limit_bytes: count.nullable(),
    oom_kills: count.openapi({ description: 'Since its start.' }),
    pids: count,
    read_bytes_per_second: count,
    written_bytes_per_second: count,
    received_bytes_per_second: count,
    sent_bytes_per_second: count,
  })
  .openapi('Use');

const nullableUse = UseShape.nullable().openapi({ description: 'Null: it cannot be read; `unreadable` says why.' });

const TopShape = z
  .object({
    at: z.string().openapi({ format: 'date-time' }),
    sets: z.array(z.object({ set: z.string(), replicas: count, cpu_percent: z.number(), memory_bytes: count })),
    items: z.array(
      z.object({
        set: z.string(),
        id: z.string(),
        name: z.string(),
        host: z.string(),
        revision: z.string().nullable(),
        use: nullableUse,
        unreadable: z.string().nullable(),
        members: z.array(z.object({ name: z.string(), use: nullableUse, unreadable: z.string().nullable() })),
      }),
    ),
  })
  .openapi('Top');

type UseJson = z.input<typeof UseShape>;
type TopJson = z.input<typeof TopShape>;

export function addTop(endpoints: Endpoints, known: KnownSets, ports: AdminPorts): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/top',
      id: 'getTop',
      summary: 'What the replicas of an app use now: processor, memory, disk and network',
      needs: 'read',
      params: z.object({ app: z.string() }),
      query: NOTHING,
      body: null,
      answer: TopShape,
      problems: ['not_found', 'unavailable'],
    },
    async ({ scope, params }) => {
      const { meter, clock } = ports;
      if (meter === undefined) return new Problem('unavailable', { detail: 'Nobody measures containers here.' });
      const asked = known.app(scope.tenant, params.app);
      if (asked instanceof Problem) return asked;
      await meter.ask(asked.map(({ snapshot }) => snapshot));
      const sets = known.app(scope.tenant, params.app);
      return sets instanceof Problem ? sets : topJson(sets, meter, clock.wall());
    },
  );
}

function topJson(sets: readonly KnownSet[], meter: UsageSampler, at: number): TopJson {
  const items = sets.flatMap(({ snapshot: { set, replicas } }) =>
    replicas.map((replica): TopJson['items'][number] => {
      const containers = containersOf(replica).map((one) => ({ ...one, seen: meter.now(one) }));
      const { id, name, host, revision } = replica;
      const members = containers.flatMap(({ member, seen }) =>
        member === null ? [] : [{ name: member, ...useOf(seen) }],
      );
      return { set, id, name, host, revision, ...useOf(together(containers.map(({ seen }) => seen))), members };
    }),
  );
  return {
    at: timeOf(at),
    sets: sets.map(({ snapshot: { set } }) => {
      const uses = items.flatMap((one) => (one.set === set && one.use !== null ? [one.use] : []));
      const sum = (pick: (use: UseJson) => number): number => uses.reduce((total, use) => total + pick(use), 0);
      return {
        set,
        replicas: uses.length,
        cpu_percent: tenths(sum((use) => use.cpu_percent)),
        memory_bytes: sum((use) => use.memory_bytes),
      };
    }),
    items,
  };
}

function useOf(seen: UsageNow | Unreadable): { use: UseJson | null; unreadable: string | null } {
  if ('unreadable' in seen) return { use: null, unreadable: seen.unreadable };
  return {
    use: {
      cpu_percent: seen.cpuPercent,
      throttled_percent: seen.throttledPercent,
      memory_bytes: seen.memoryBytes,
      memory_limit_bytes: seen.memoryLimitBytes,
      oom_kills: seen.oomKills,
      pids: seen.pids,
      read_bytes_per_second: seen.readBytes,
      written_bytes_per_second: seen.writtenBytes,
      received_bytes_per_second: seen.receivedBytes,
      sent_bytes_per_second: seen.sentBytes,
    },
    unreadable: null,
  };
}
