/** Why a URL goes where it goes: the same table the gateway asks, with its steps in words. */
import { parseHostname } from '#core/hostname';
import { liberalPath } from '#core/liberal-path';
import { nearest } from '#core/nearest';
import type { SetKey, SetSnapshot } from '#core/set';
import type { Route } from '#router/route-table';
import { clientCheck } from './client-check.ts';
import type { AdminPorts } from './ports.ts';
import type { ConflictJson, ResolutionJson, RouteJson } from './shapes.ts';
import { liveReplica, matchOf, phaseOf, stateOf } from './views.ts';

/** Known hostnames compared for "did you mean": some 50 ms of work, which everybody else waits for. */
const CANDIDATES_MAX = 1000;
/** A hostname whose length differs by more is not the one that was meant. */
const LENGTH_SLACK = 3;

type Ports = Pick<AdminPorts, 'table' | 'sets' | 'clientAuthorities'>;

interface Target {
  readonly url: string;
  readonly hostname: string;
  readonly path: string;
}

/** Hostname and path of a URL (`http://a.b/c`) or of its short form (`a.b/c`); else what is wrong with it. */
export function targetOf(text: string): Target | { readonly problem: string } {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) return { problem: 'it is not a URL' };
  const { protocol, hostname, pathname } = new URL(full);
  if (!/^(?:https?|wss?):$/.test(protocol)) return { problem: `${protocol}// is not served here` };
  const parsed = parseHostname(hostname);
  if (!parsed.ok) return { problem: parsed.detail };
  return { url: full, hostname: parsed.hostname, path: pathname };
}

export function resolve(target: Target, tenant: string, ports: Ports): ResolutionJson {
  const route = ports.table.lookup(target.hostname, target.path);
  const other = ports.table.lookup(target.hostname, liberalPath(target.path));
  const ours = route === null || tenantOf(route.pool.key) === tenant;
  if (other !== route && ours) return ambiguous(target, tenant, route, other);
  if (route === null) return unresolved(target, tenant, ports);
  if (tenantOf(route.pool.key) !== tenant) {
    return { ...nowhere(target), outcome: 'other_tenant', why: ['The hostname and path belong to another tenant.'] };
  }
  return resolved(target, route, tenant, ports);
}

/** A route as the list and the resolution show it. */
export function routeJson({ spec, pool }: Route, sets: Ports['sets']): RouteJson {
  const [, app = '', set = ''] = pool.key.split('/');
  const { hostname, path, strip, port } = spec;
  return { hostname, path, match: matchOf(spec), strip, port, app, set, origin: originOf(sets.get(pool.key)) };
}

/** What the API deploys has shares of revisions; the rest is found by its labels. */
function originOf(set: SetSnapshot | undefined): RouteJson['origin'] {
  return set?.shares === undefined ? 'labels' : 'api';
}

/** Conflicts that a set that is seen has a part in; the other part is named if it is seen, too. */
export function conflictsOf(sees: (key: SetKey) => boolean, table: Ports['table']): ConflictJson[] {
  const named = (key: SetKey): string | null => (sees(key) ? key : null);
  const conflicts: ConflictJson[] = [];
  for (const { hostname, path, holder, claimant } of table.conflicts()) {
    const shown = { hostname, path, holder: named(holder), claimant: named(claimant) };
    if (shown.holder !== null || shown.claimant !== null) conflicts.push(shown);
  }
  return conflicts;
}

function tenantOf(key: SetKey): string {
  return key.slice(0, key.indexOf('/'));
}

/** The gateway refuses a path that means one route to it and might mean another to the app. */
function ambiguous(target: Target, tenant: string, route: Route | null, other: Route | null): ResolutionJson {
  const named = (one: Route | null): string => {
    if (one === null) return 'no route';
    return tenantOf(one.pool.key) === tenant ? `the route ${one.spec.path}` : 'a route of another tenant';
  };
  return {
    ...nowhere(target),
    outcome: 'no_path',
    answer: 'refuse',
    why: [
      `The path ${target.path} as it stands leads to ${named(route)}; decoded, as ${liberalPath(target.path)}, to ${named(other)}.`,
      'A request that could mean two different things is answered 400 bad_request: write the path without needless escapes.',
    ],
  };
}

function resolved(target: Target, route: Route, tenant: string, ports: Ports): ResolutionJson {
  const { spec, pool } = route;
  const shown = routeJson(route, ports.sets);
  const snapshot = ports.sets.get(pool.key);
  const live = ports.sets.live(pool.key);
  const replicas = snapshot?.replicas ?? [];
  const state = snapshot === undefined ? 'absent' : stateOf({ snapshot, live });
  const upstreamPath = spec.strip ? stripped(target.path, spec.path) : target.path;
  const clients = clientCheck(target.hostname, route, ports);
  const answer = clients.refuses ? 'refuse' : answerOf(pool.readyCount, replicas.length, state);
  const why = [
    shown.match === 'exact'
      ? `The hostname ${target.hostname} is claimed as it is.`
      : `No exact route fits ${target.hostname} with this path; the wildcard ${spec.hostname} covers it.`,
    `Of its paths, ${spec.path} is the longest prefix of ${target.path} on a segment boundary.`,
    `That route leads to the set "${shown.set}" of the app "${shown.app}", ${portText(spec.port)}${
      spec.strip ? `, as ${upstreamPath}` : ''
    }.`,
    `The set is ${state}: ${pool.readyCount} of its ${replicas.length} replicas take requests.${clients.refuses ? '' : ` ${ANSWERS[answer]}`}`,
    ...clients.why,
  ];
  return {
    ...nowhere(target),
    outcome: 'routed',
    answer,
    route: shown,
    upstream_path: upstreamPath,
    state,
    ready: pool.readyCount,
    replicas: replicas.map((replica) => ({
      id: replica.id,
      name: replica.name,
      phase: phaseOf(replica, liveReplica(live, replica.id)),
    })),
    conflicts: conflictsOf((key) => tenantOf(key) === tenant, ports.table).filter(
      (one) => one.hostname === spec.hostname && one.path === spec.path,
    ),
    why,
  };
}

function unresolved(target: Target, tenant: string, { table }: Ports): ResolutionJson {
  const paths: string[] = [];
  const hostnames = new Set<string>();
  const wildcard = target.hostname.replace(/^[^.]*/, '*');
  for (const { spec, pool } of table.routes()) {
    if (tenantOf(pool.key) !== tenant) continue;
    if (spec.hostname === target.hostname || spec.hostname === wildcard) paths.push(spec.path);
    const near = Math.abs(spec.hostname.length - target.hostname.length) <= LENGTH_SLACK;
    if (near && hostnames.size < CANDIDATES_MAX) hostnames.add(spec.hostname);
  }
  if (paths.length > 0) {
    return {
      ...nowhere(target),
      outcome: 'no_path',
      nearest: nearest(target.path, paths),
      why: [
        `The hostname ${target.hostname} is known.`,
        `None of its paths (${paths.sort().join(', ')}) is a prefix of ${target.path} on a segment boundary.`,
      ],
    };
  }
  if (table.knows(target.hostname)) {
    return { ...nowhere(target), outcome: 'other_tenant', why: ['The hostname belongs to another tenant.'] };
  }
  return {
    ...nowhere(target),
    outcome: 'no_hostname',
    nearest: nearest(target.hostname, hostnames),
    why: [
      `No route claims the hostname ${target.hostname}, and none claims ${wildcard}.`,
      'Give a container the label tidegate.host with this name, and tidegate.enable if it has no tidegate.app.',
    ],
  };
}

function nowhere(target: Target): ResolutionJson {
  return {
    ...target,
    outcome: 'no_hostname',
    answer: 'none',
    route: null,
    upstream_path: null,
    state: null,
    ready: 0,
    replicas: [],
    conflicts: [],
    nearest: null,
    why: [],
  };
}

const ANSWERS = {
  serve: 'A request is served at once.',
  wake: 'A request is held while it wakes.',
  refuse: 'A request is answered 503.',
  none: '',
} as const;

function answerOf(ready: number, replicas: number, state: string): ResolutionJson['answer'] {
  if (ready > 0) return 'serve';
  // `stopped`: by a person, with min ≥ 1; that is respected.
  return replicas === 0 || state === 'stopped' || state === 'absent' || state === 'wake-failed' ? 'refuse' : 'wake';
}

function portText(port: number | null): string {
  return port === null ? 'at its main port' : `at the container port ${port}`;
}

function stripped(path: string, prefix: string): string {
  const rest = prefix === '/' ? path : path.slice(prefix.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
