/**
 * From the contributions of its containers to one picture of a set. A declaration speaks for the set first, then the
 * newest container that its operator made; where its labels are bad, the next older good word stands, and at last what
 * was known before.
 */
import type { ReplicaSnapshot, RevisionShare, RouteSpec, SetPolicy, SetSnapshot } from '#core/set';
import type { Declaration, Unseen } from './declared-set.ts';
import type { Identity } from './identity.ts';
import type { NamedRoute } from './routes.ts';
import type { Contribution } from './translation.ts';

/** A set as delivered. Plain JSON, so that it can be kept and given back after a restart. */
export interface KnownSet extends SetSnapshot {
  /** For each of `routes` the name it is labelled with; empty: the main route. */
  readonly routeNames: readonly string[];
}

export interface Composition {
  /** Of all containers of the set, in any order; empty: there is none. */
  readonly contributions: readonly Contribution[];
  /** As it was delivered last; null: it was not. */
  readonly known: KnownSet | null;
  /** Null: the set is found by the labels of its containers. */
  readonly declaration: Declaration | null;
  readonly unseen: Unseen;
}

/** The set, or null when nothing good was ever said of it. */
export function composeSet(identity: Identity, composition: Composition): KnownSet | null {
  const { known, declaration, unseen } = composition;
  const left = declaration?.declared.leftHosts ?? [];
  const contributions = composition.contributions.filter((one) => !left.includes(one.replica.host));
  const speakers = contributions.toSorted(bySpeaking);
  const said = [declaration?.reading.policy ?? null, ...speakers.map((one) => one.policy)];
  const policy = said.find((one) => one !== null) ?? known?.policy ?? null;
  if (policy === null) return null;
  const words = speakers.map((one) => one.routes);
  if (declaration !== null) words.unshift(declaration.reading.named);
  const routes: RouteSpec[] = [];
  const routeNames: string[] = [];
  for (const { name, specs } of routesOf(words, known)) {
    for (const spec of specs ?? []) {
      if (routes.some((one) => one.hostname === spec.hostname && one.path === spec.path)) continue;
      routes.push(spec);
      routeNames.push(name);
    }
  }
  const replicas = contributions
    .toSorted((a, b) => byAge(a.replica, b.replica))
    .map((one) => replicaFor(one, routes))
    .map((one) => (declaration === null ? one : weighed(one, declaration.declared.shares)));
  const { key, tenant, app, set } = identity;
  return {
    ...{ key, tenant, app, set, policy: routed(policy, declaration), routes, replicas, routeNames },
    ...(declaration === null ? {} : { shares: declaration.declared.shares }),
    ...(declaration?.declared.stopped === true ? { stopped: true } : {}),
    ...(declaration !== null && isPartial(policy, unseen, left) ? { isPartial: true } : {}),
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

/** The routes of whoever is heard first, each in its last good form. */
function routesOf(words: readonly (readonly NamedRoute[])[], known: KnownSet | null): readonly NamedRoute[] {
  const former = known === null ? [] : namedRoutesOf(known);
  const [first] = words;
  if (first === undefined) return former;
  return first.map((route) => {
    if (route.specs !== null) return route;
    const heirs = [...words, former];
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

/** A host that does not answer holds nobody up for long but those who may never be two; none that was given up does. */
function isPartial({ class: setClass }: SetPolicy, unseen: Unseen, left: readonly string[]): boolean {
  if (unseen === 'all') return true;
  return setClass === 'data' && unseen.some((host) => !left.includes(host));
}

function routed(policy: SetPolicy, declaration: Declaration | null): SetPolicy {
  return { ...policy, revisions: declaration?.declared.routing ?? null };
}

/**
 * Its weight is that of its revision. A container of a person that serves already goes on until a revision is to take
 * over from it.
 */
function weighed(replica: ReplicaSnapshot, shares: readonly RevisionShare[]): ReplicaSnapshot {
  if (replica.members === undefined && shares.every((one) => one.weight === 0)) return replica;
  const share = shares.find((one) => one.revision === replica.revision);
  return { ...replica, weight: share?.weight ?? 0 };
}
