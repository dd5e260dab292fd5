/**
 * The routes of one container: the main one and those with a name. Each stands alone: what is wrong with one is its own
 * loss.
 */
import { parseHostname } from '#core/hostname';
import type { RouteSpec } from '#core/set';
import { type Identity, MAIN_SET } from './identity.ts';
import type { LabelReader } from './label-reader.ts';
import { LABELS } from './labels.ts';
import { rejectMissingPort } from './ports.ts';

/** A route as labelled: one spec per hostname. */
export interface NamedRoute {
  /** Empty: the main route. */
  readonly name: string;
  /** Null: a label of it was rejected; its last good form stays. */
  readonly specs: readonly RouteSpec[] | null;
}

export interface RouteFacts {
  readonly identity: Identity;
  readonly baseDomain: string;
  readonly mainPort: number | null;
  /** Ports the container EXPOSEs. */
  readonly exposed: readonly number[];
}

/** `<app>.<base>` for the main set, `<set>--<app>.<base>` for another. */
export function defaultHostname(identity: Identity, baseDomain: string): string {
  const label = identity.set === MAIN_SET ? identity.app : `${identity.set}--${identity.app}`;
  return `${label}.${baseDomain}`;
}

/** All routes the labels ask for, the main one first. */
export function readRoutes(reader: LabelReader, facts: RouteFacts): readonly NamedRoute[] {
  const main = readMainRoute(reader, facts);
  const routes: NamedRoute[] = main.wanted ? [{ name: '', specs: main.specs }] : [];
  const claimed = new Set((main.specs ?? []).map(claimOf));
  for (const name of reader.routeNames()) {
    const specs = readNamedRoute(reader, name, main, facts);
    const twice = specs?.find((spec) => claimed.has(claimOf(spec)));
    if (twice !== undefined) {
      reader.reject(LABELS.routePath, {
        route: name,
        value: twice.path,
        expected: `a path of its own, as another route of the container has ${claimOf(twice)}`,
      });
    }
    for (const spec of specs ?? []) claimed.add(claimOf(spec));
    routes.push({ name, specs: twice === undefined ? specs : null });
  }
  return routes;
}

interface MainRoute {
  readonly wanted: boolean;
  /** Null: bad, or no default. */
  readonly hostnames: readonly string[] | null;
  readonly specs: readonly RouteSpec[] | null;
}

function readMainRoute(reader: LabelReader, facts: RouteFacts): MainRoute {
  const setClass = reader.read(LABELS.class);
  const hasHost = reader.given(LABELS.host) !== null;
  // With a bad class nobody knows whether there is a default hostname: the last good form stays.
  const wanted = hasHost || setClass === 'app' || setClass === null;
  if (!wanted) return { wanted, hostnames: null, specs: null };
  let hostnames = reader.read(LABELS.host);
  if (!hasHost && setClass === 'app') hostnames = readDefaultHostname(reader, facts);
  const path = reader.read(LABELS.path);
  const strip = reader.read(LABELS.pathStrip);
  if (facts.mainPort === null) rejectMissingPort(reader, facts.exposed);
  if (hostnames === null || path === null || strip === null || facts.mainPort === null) {
    return { wanted, hostnames, specs: null };
  }
  return { wanted, hostnames, specs: hostnames.map((hostname) => ({ hostname, path, strip, port: null })) };
}

function readDefaultHostname(reader: LabelReader, facts: RouteFacts): readonly string[] | null {
  const hostname = defaultHostname(facts.identity, facts.baseDomain);
  const parsed = parseHostname(hostname);
  if (parsed.ok) return [parsed.hostname];
  reader.reject(LABELS.host, {
    value: null,
    expected: `hostnames, as the default ${hostname} is longer than DNS allows`,
  });
  return null;
}

function readNamedRoute(
  reader: LabelReader,
  name: string,
  main: MainRoute,
  facts: RouteFacts,
): readonly RouteSpec[] | null {
  const hasHost = reader.given(LABELS.routeHost, name) !== null;
  const hostnames = hasHost ? reader.read(LABELS.routeHost, name) : main.hostnames;
  const path = reader.read(LABELS.routePath, name);
  const strip = reader.read(LABELS.routePathStrip, name);
  const hasPort = reader.given(LABELS.routePort, name) !== null;
  const port = reader.read(LABELS.routePort, name);
  if (!hasHost && !main.wanted) {
    const setClass = reader.read(LABELS.class);
    const expected = `${LABELS.routeHost.shape.expected}, as class ${setClass} has no default`;
    reader.reject(LABELS.routeHost, { route: name, value: null, expected });
  }
  if (!hasPort && facts.mainPort === null) rejectMissingPort(reader, facts.exposed);
  const noPort = hasPort ? port === null : facts.mainPort === null;
  if (hostnames === null || path === null || strip === null || noPort) return null;
  return hostnames.map((hostname) => ({ hostname, path, strip, port }));
}

function claimOf(spec: RouteSpec): string {
  return spec.hostname + spec.path;
}
