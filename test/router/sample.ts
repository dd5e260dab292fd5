/** Sample replicas, sets and chance for tests: every field has a value, and a test names only those it is about. */
import type { Clock } from '#core/clock';
import {
  DEFAULT_POLICY,
  type ReplicaSnapshot,
  type RouteSpec,
  type SetKey,
  type SetPolicy,
  type SetSnapshot,
} from '#core/set';
import { Pool } from '#router/pool';
import { Upstream } from '#router/upstream';
import { FakeClock } from '#test/support/fake-clock';

export function replica(id: string, facts: Partial<ReplicaSnapshot> = {}): ReplicaSnapshot {
  return {
    id: `local/${id}`,
    host: 'local',
    containerId: id,
    name: id,
    status: 'running',
    createdAt: 0,
    startedAt: '2026-01-01T00:00:00Z',
    exitCode: null,
    pid: 1,
    hasHealthcheck: false,
    endpoints: [{ port: 8080, dialHost: '127.0.0.1', dialPort: 1 }],
    unroutable: null,
    revision: null,
    weight: 100,
    cloneOf: null,
    stopTimeoutS: 10,
    ...facts,
  };
}

export function policy(changes: Partial<SetPolicy> = {}): SetPolicy {
  return { ...DEFAULT_POLICY, ...changes };
}

export function route(hostname: string, path = '/', changes: Partial<RouteSpec> = {}): RouteSpec {
  return { hostname, path, strip: false, port: null, ...changes };
}

/** A set `<tenant>/<app>/<set>` with these routes. */
export function snapshot(
  key: SetKey,
  routes: readonly RouteSpec[],
  changes: Partial<Pick<SetSnapshot, 'policy' | 'replicas'>> = {},
): SetSnapshot {
  const [tenant = '', app = '', set = ''] = key.split('/');
  return { key, tenant, app, set, policy: policy(), routes, replicas: [], ...changes };
}

/** Chance that is the same in every run (mulberry32). 0 ≤ n < 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface PoolFacts {
  readonly policy?: SetPolicy;
  readonly clock?: Clock;
  readonly random?: () => number;
}

export function emptyPool(facts: PoolFacts = {}): Pool {
  return new Pool({
    key: 'default/shop/web',
    policy: facts.policy ?? policy(),
    clock: facts.clock ?? new FakeClock(),
    random: facts.random ?? seeded(1),
  });
}

/** Adds an upstream that is ready at once. */
export function addReady(pool: Pool, id: string, facts: Partial<ReplicaSnapshot> = {}): Upstream {
  const upstream = new Upstream(replica(id, facts));
  pool.add(upstream);
  pool.signal(upstream, 'pass');
  return upstream;
}

/** Claims once and gives back at once; the name of who was chosen. */
export function visit(pool: Pool, hash = 0, tried: readonly Upstream[] | null = null): string | null {
  const upstream = pool.claim(hash, tried);
  if (upstream === null) return null;
  pool.release(upstream);
  return upstream.name;
}
