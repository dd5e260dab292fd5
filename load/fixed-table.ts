/** A route table whose upstreams are always there, and an admitter that has nothing to wake: a gateway without a scaler. */
import { systemClock } from '#core/clock';
import { DEFAULT_POLICY, type ReplicaSnapshot, type RouteSpec, setKey } from '#core/set';
import type { Admitter } from '#router/admission';
import { RouteTable } from '#router/route-table';
import { Upstream } from '#router/upstream';
import { ASKED_HOSTNAMES, DOMAIN } from './proxies/candidate.ts';

const RETRY_AFTER_S = 1;

/** @param ports of the upstreams, on the loopback */
export function fixedTable(routes: number, ports: readonly number[]): RouteTable {
  const table = new RouteTable({ clock: systemClock, random: Math.random });
  fill(table, routes, ports);
  return table;
}

/** One set that is asked, with all hostnames that are asked for; the other routes are of sets with one hostname each. */
function fill(into: RouteTable, routes: number, ports: readonly number[]): void {
  const asked = Math.min(routes, ASKED_HOSTNAMES);
  addSet(into, 'asked', [...Array(asked).keys()].map(routeOf), ports);
  for (let i = asked; i < routes; i++) addSet(into, `other${i}`, [routeOf(i)], ports);
}

function addSet(into: RouteTable, app: string, routes: readonly RouteSpec[], ports: readonly number[]): void {
  const key = setKey('default', app, 'web');
  into.apply({ key, policy: DEFAULT_POLICY, routes });
  const pool = into.pool(key);
  for (const port of ports) {
    const upstream = new Upstream(replicaAt(app, port));
    pool?.add(upstream);
    pool?.signal(upstream, 'pass');
  }
}

function routeOf(number: number): RouteSpec {
  return { hostname: `site${number}${DOMAIN}`, path: '/', strip: false, port: null };
}

function replicaAt(app: string, port: number): ReplicaSnapshot {
  const containerId = `${app}-${port}`;
  return {
    id: `local/${containerId}`,
    host: 'local',
    containerId,
    name: containerId,
    status: 'running',
    createdAt: 0,
    startedAt: null,
    exitCode: null,
    pid: 0,
    hasHealthcheck: false,
    endpoints: [{ port, dialHost: '127.0.0.1', dialPort: port }],
    unroutable: null,
    revision: null,
    weight: 100,
    cloneOf: null,
    stopTimeoutS: 10,
  };
}

/** Nothing sleeps here: who finds no upstream will find none. */
export function neverAsleep(): Admitter {
  const none = { code: 'no_replicas', retryAfterS: RETRY_AFTER_S } as const;
  return {
    admit: () => Promise.resolve({ outcome: 'stopped', ...none }),
    knock: () => none,
  };
}
