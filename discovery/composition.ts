/**
 * From the contributions of its containers to one picture of a set. The newest container that its operator made speaks
 * for the set; where its labels are bad, the next older good word stands, and at last what was known before.
 */
import type { ReplicaSnapshot, RouteSpec, SetSnapshot } from '#core/set';
import type { Identity } from './identity.ts';
import type { NamedRoute } from './routes.ts';
import type { Contribution } from './translation.ts';

/** A set as delivered. Plain JSON, so that it can be kept and given back after a restart. */
export interface KnownSet extends SetSnapshot {
  /** For each of `routes` the name it is labelled with; empty: the main route. */
  readonly routeNames: readonly string[];
}

/**
 * The set, or null when nothing good was ever said of it.
 * @param contributions of all its containers, in any order; empty: the last one is gone
 * @param known as it was delivered last, or null
 */
export function composeSet(
  identity: Identity,
  contributions: readonly Contribution[],
  known: KnownSet | null,
): KnownSet | null {
  const speakers = contributions.toSorted(bySpeaking);
  const policy = speakers.find((one) => one.policy !== null)?.policy ?? known?.policy ?? null;
  if (policy === null) return null;
  const routes: RouteSpec[] = [];
  const routeNames: string[] = [];
  for (const { name, specs } of routesOf(speakers, known)) {
    for (const spec of specs ?? []) {
      if (routes.some((one) => one.hostname === spec.hostname && one.path === spec.path)) continue;
      routes.push(spec);
      routeNames.push(name);
    }
  }
  return {
    key: identity.key,
    tenant: identity.tenant,
    app: identity.app,
    set: identity.set,
    policy,
    routes,
    replicas: contributions.toSorted((a, b) => byAge(a.replica, b.replica)).map((one) => replicaFor(one, routes)),
    routeNames,
  };
}

/** What the replicas of a set contributed, as far as its last picture tells. */
export function contributionsOf(known: KnownSet): readonly Contribution[] {
  const { key, tenant, app, set } = known;
  const routes = namedRoutesOf(known);
  return known.replicas.map((replica) => ({
    identity: { key, tenant, app, set },
    policy: known.policy,
    routes,
    replica,
    hasMainPort: replica.unroutable === null,
  }));
}

/** Oldest first. */
export function byAge(a: ReplicaSnapshot, b: ReplicaSnapshot): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

/** Who is heard first: containers made by people before clones, then the newest. */
function bySpeaking(a: Contribution, b: Contribution): number {
  return Number(a.replica.cloneOf !== null) - Number(b.replica.cloneOf !== null) || byAge(b.replica, a.replica);
}

/** The routes of the newest container, each in its last good form. */
function routesOf(speakers: readonly Contribution[], known: KnownSet | null): readonly NamedRoute[] {
  const former = known === null ? [] : namedRoutesOf(known);
  const newest = speakers[0];
  if (newest === undefined) return former;
  return newest.routes.map((route) => {
    if (route.specs !== null) return route;
    const heirs = [...speakers.map((one) => one.routes), former];
    const good = heirs.map((routes) => routes.find((one) => one.name === route.name)).find((one) => one?.specs != null);
    return good ?? route;
  });
}

function namedRoutesOf(known: KnownSet): readonly NamedRoute[] {
  const byName = new Map<string, RouteSpec[]>();
  known.routes.forEach((spec, i) => {
    const name = known.routeNames[i] ?? '';
    byName.set(name, [...(byName.get(name) ?? []), spec]);
  });
  return [...byName].map(([name, specs]) => ({ name, specs }));
}

/** A replica without a main port must not be sent what routes without a port of their own get. */
function replicaFor(contribution: Contribution, routes: readonly RouteSpec[]): ReplicaSnapshot {
  const { replica, hasMainPort } = contribution;
  if (hasMainPort || replica.unroutable !== null || !routes.some((spec) => spec.port === null)) return replica;
  const runs = replica.status === 'running' || replica.status === 'paused' || replica.status === 'stopping';
  return { ...replica, endpoints: [], unroutable: runs ? 'its main port is not known' : null };
}
