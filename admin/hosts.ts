/** Endpoint of hosts. They belong to no tenant, so operators alone see them. */
import { type Endpoints, NOTHING } from './endpoint.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import type { AdminPorts, HostRoom } from './ports.ts';
import { HostShape, pageOf } from './shapes.ts';
import { timeOf } from './time.ts';

export function addHosts(endpoints: Endpoints, ports: AdminPorts): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/hosts',
      id: 'listHosts',
      summary: 'Hosts, and whether their Engine answers',
      needs: 'operator',
      params: NOTHING,
      query: PageQuery,
      body: null,
      answer: pageOf(HostShape),
    },
    ({ query }) => {
      const replicas = replicasByHost(ports.sets);
      const page = pageOfEntries(ports.hosts(), (host) => host.name, query);
      return {
        ...page,
        items: page.items.map(({ name, state, cause, since = null, engine, capacity }) => ({
          name,
          state,
          cause,
          since: timeOf(since),
          engine: engine === null ? null : { version: engine.version, api_version: engine.apiVersion },
          replicas: replicas.get(name) ?? 0,
          capacity: roomJson(capacity),
          allocatable: roomJson(ports.allocatable?.(name)),
        })),
      };
    },
  );
}

function replicasByHost(sets: AdminPorts['sets']): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { replicas } of sets.all()) {
    for (const { host } of replicas) counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return counts;
}

function roomJson(room: HostRoom | null | undefined): { cores: number; memory_bytes: number } | null {
  return room == null ? null : { cores: room.cores, memory_bytes: room.memoryBytes };
}
