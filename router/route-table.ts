/**
 * The live index of all routes: hostname and path in, route out, in the same time whether it holds ten hostnames or a
 * hundred thousand. One set is swapped at a time; what does not change keeps its Pool, its counters and its health.
 */
import type { Clock } from '#core/clock';
import type { RouteSpec, SetKey, SetPolicy, SetSnapshot } from '#core/set';
import { Pool } from './pool.ts';

/** A route in force. */
export interface Route {
  readonly spec: RouteSpec;
  readonly pool: Pool;
}

/** Two sets claim one hostname and path; the holder serves it. */
export interface RouteConflict {
  readonly hostname: string;
  readonly path: string;
  readonly holder: SetKey;
  readonly claimant: SetKey;
}

export interface TableChange {
  /** Claims of the applied set that others hold, as far as they are new. */
  readonly conflicts: readonly RouteConflict[];
  /** Routes that passed to another claimant because their holder let go: `holder` is the new one. */
  readonly taken: readonly RouteConflict[];
}

/** Everything claimed at one hostname and path, first come first. */
interface PathClaims {
  readonly path: string;
  readonly claims: Route[];
}

/** Paths of one hostname, longest first. */
type HostClaims = PathClaims[];

export interface RouteTableOptions {
  readonly clock: Clock;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  /** Called once for every pool that comes into being, before any route leads to it. */
  readonly onPool?: (pool: Pool) => void;
  /** Called when a set was removed, after its routes are gone. */
  readonly onPoolRemoved?: (pool: Pool) => void;
}

export class RouteTable {
  readonly #options: RouteTableOptions;
  readonly #hosts = new Map<string, HostClaims>();
  readonly #pools = new Map<SetKey, Pool>();
  readonly #specs = new Map<SetKey, readonly RouteSpec[]>();

  constructor(options: RouteTableOptions) {
    this.#options = options;
  }

  /**
   * The route of a request, or null. An exact hostname wins over a wildcard (which covers one label, as certificates
   * do); then the longest path prefix on a segment boundary wins.
   * @param hostname normalised
   * @param path of the request target, without query, as sent
   */
  lookup(hostname: string, path: string): Route | null {
    const exact = this.#hosts.get(hostname);
    if (exact !== undefined) {
      const route = longestPrefix(exact, path);
      if (route !== null) return route;
    }
    const dot = hostname.indexOf('.');
    if (dot < 0) return null;
    const wildcard = this.#hosts.get(`*${hostname.slice(dot)}`);
    return wildcard === undefined ? null : longestPrefix(wildcard, path);
  }

  /** True when any route claims the hostname, whatever the path. */
  knows(hostname: string): boolean {
    if (this.#hosts.has(hostname)) return true;
    const dot = hostname.indexOf('.');
    return dot >= 0 && this.#hosts.has(`*${hostname.slice(dot)}`);
  }

  /** Routes in force that requests for the hostname may come to, shortest path first, those of a wildcard last. */
  *routesOf(hostname: string): Generator<Route> {
    const dot = hostname.indexOf('.');
    for (const claimed of dot < 0 ? [hostname] : [hostname, `*${hostname.slice(dot)}`]) {
      for (const { claims } of this.#hosts.get(claimed)?.toReversed() ?? [])
        if (claims[0] !== undefined) yield claims[0];
    }
  }

  pool(key: SetKey): Pool | undefined {
    return this.#pools.get(key);
  }

  pools(): IterableIterator<Pool> {
    return this.#pools.values();
  }

  /** Routes in force, in no particular order. */
  *routes(): Generator<Route> {
    for (const host of this.#hosts.values()) {
      for (const { claims } of host) if (claims[0] !== undefined) yield claims[0];
    }
  }

  *conflicts(): Generator<RouteConflict> {
    for (const [hostname, host] of this.#hosts) {
      for (const { path, claims } of host) yield* conflictsOf(hostname, path, claims);
    }
  }

  get hostCount(): number {
    return this.#hosts.size;
  }

  /** Puts a set's routes and policy in force. Its pool stays the same object over all its snapshots. */
  apply(snapshot: Pick<SetSnapshot, 'key' | 'policy' | 'routes'>): TableChange {
    const pool = this.#poolFor(snapshot.key, snapshot.policy);
    const before = this.#specs.get(snapshot.key) ?? [];
    if (sameSpecs(before, snapshot.routes)) return { conflicts: [], taken: [] };
    const taken: RouteConflict[] = [];
    for (const spec of before) {
      if (!snapshot.routes.some((one) => sameClaim(one, spec))) taken.push(...this.#release(spec, pool));
    }
    const conflicts: RouteConflict[] = [];
    for (const spec of snapshot.routes) {
      const conflict = this.#claim(spec, pool);
      if (conflict !== null) conflicts.push(conflict);
    }
    this.#specs.set(snapshot.key, snapshot.routes);
    return { conflicts, taken };
  }

  /** Takes a set out: its claims go to the next in line, or the hostname is unknown from now on. */
  remove(key: SetKey): TableChange {
    const pool = this.#pools.get(key);
    if (pool === undefined) return { conflicts: [], taken: [] };
    const taken: RouteConflict[] = [];
    for (const spec of this.#specs.get(key) ?? []) taken.push(...this.#release(spec, pool));
    this.#specs.delete(key);
    this.#pools.delete(key);
    this.#options.onPoolRemoved?.(pool);
    return { conflicts: [], taken };
  }

  #poolFor(key: SetKey, policy: SetPolicy): Pool {
    const known = this.#pools.get(key);
    if (known !== undefined) {
      known.policy = policy;
      return known;
    }
    const pool = new Pool({ key, policy, clock: this.#options.clock, random: this.#options.random });
    this.#pools.set(key, pool);
    this.#options.onPool?.(pool);
    return pool;
  }

  /** Adds a claim, or renews the one this pool has in its old place. Returns the conflict if it is a new, second one. */
  #claim(spec: RouteSpec, pool: Pool): RouteConflict | null {
    const host = this.#hosts.get(spec.hostname) ?? [];
    this.#hosts.set(spec.hostname, host);
    let entry = host.find((one) => one.path === spec.path);
    if (entry === undefined) {
      entry = { path: spec.path, claims: [] };
      host.push(entry);
      host.sort((a, b) => b.path.length - a.path.length);
    }
    const place = entry.claims.findIndex((one) => one.pool === pool);
    if (place >= 0) {
      entry.claims[place] = { spec, pool };
      return null;
    }
    entry.claims.push({ spec, pool });
    const holder = entry.claims[0];
    if (holder === undefined || holder.pool === pool) return null;
    return { hostname: spec.hostname, path: spec.path, holder: holder.pool.key, claimant: pool.key };
  }

  #release(spec: RouteSpec, pool: Pool): RouteConflict[] {
    const host = this.#hosts.get(spec.hostname);
    const entry = host?.find((one) => one.path === spec.path);
    const place = entry?.claims.findIndex((one) => one.pool === pool) ?? -1;
    if (host === undefined || entry === undefined || place < 0) return [];
    entry.claims.splice(place, 1);
    const heir = entry.claims[0];
    if (heir === undefined) {
      host.splice(host.indexOf(entry), 1);
      if (host.length === 0) this.#hosts.delete(spec.hostname);
      return [];
    }
    if (place > 0) return [];
    return [{ hostname: spec.hostname, path: spec.path, holder: heir.pool.key, claimant: pool.key }];
  }
}

function longestPrefix(host: HostClaims, path: string): Route | null {
  for (const entry of host) {
    if (coversPath(entry.path, path)) return entry.claims[0] ?? null;
  }
  return null;
}

/** True when `path` is the prefix itself or lies below it: `/a` covers `/a` and `/a/b`, not `/ab`. */
function coversPath(prefix: string, path: string): boolean {
  if (prefix === '/') return true;
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || path.charCodeAt(prefix.length) === 47;
}

function* conflictsOf(hostname: string, path: string, claims: readonly Route[]): Generator<RouteConflict> {
  const [holder, ...others] = claims;
  if (holder === undefined) return;
  for (const other of others) yield { hostname, path, holder: holder.pool.key, claimant: other.pool.key };
}

function sameClaim(a: RouteSpec, b: RouteSpec): boolean {
  return a.hostname === b.hostname && a.path === b.path;
}

function sameSpecs(a: readonly RouteSpec[], b: readonly RouteSpec[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((one, i) => {
    const other = b[i];
    return other !== undefined && sameClaim(one, other) && one.strip === other.strip && one.port === other.port;
  });
}
