/**
 * Where the ports of a running container can be dialled from the gateway, or why they cannot. Deterministic: the same
 * networks give the same address, in whatever order the Engine names them.
 */
import { nearest } from '#core/nearest';
import type { Endpoint } from '#core/set';
import type { EngineContainer, PublishedPort } from '#docker/engine';
import { orList } from './shape.ts';

/** How the gateway reaches the containers of one host. */
export interface Reach {
  /** False where the addresses of containers lead nowhere (Docker Desktop, another machine): published ports are dialled. */
  readonly bridgeReachable: boolean;
  /** Networks the gateway's own container is connected to; null: the gateway runs on the host and reaches all of them. */
  readonly gatewayNetworks: readonly string[] | null;
  /** Where published ports and host-network containers are dialled: `127.0.0.1` for the machine's own Engine. */
  readonly publishedHost: string;
}

export interface AddressQuery {
  readonly container: EngineContainer;
  /** Container ports, the main one first. */
  readonly ports: readonly number[];
  /** Name of the network asked for; null: any. */
  readonly network: string | null;
  /** The network it was made for: dialled before others that reach it as well; null: none of them comes first. */
  readonly home: string | null;
  readonly reach: Reach;
  /** A container by id or name, for those that share its network. */
  readonly lookup: (reference: string) => EngineContainer | null;
}

export type Addresses =
  | { readonly endpoints: readonly Endpoint[]; readonly unroutable: null }
  | { readonly endpoints: readonly []; readonly unroutable: string };

const SHARED = 'container:';
/** A network may be borrowed from a container that borrowed it. */
export const MOST_HOPS = 2;

/** The reference in a network mode of `container:<reference>`, or null for every other mode. */
export function networkOwner(networkMode: string): string | null {
  return networkMode.startsWith(SHARED) ? networkMode.slice(SHARED.length) : null;
}

/** The endpoints of a container that runs. Further ports that cannot be reached are left out. */
export function findAddresses(query: AddressQuery): Addresses {
  const holder = holderOfNetwork(query);
  if (typeof holder === 'string') return unroutable(holder);
  const { reach, ports } = query;
  if (holder.networkMode === 'host') return { endpoints: at(reach.publishedHost, ports), unroutable: null };
  if (holder.networkMode === 'none') return unroutable('it has no network (network mode none)');
  const address = addressOf(holder, query);
  if ('ip' in address && reach.bridgeReachable) return { endpoints: at(address.ip, ports), unroutable: null };
  if ('problem' in address && query.network !== null) return unroutable(address.problem);
  return publishedAddresses(holder, query, 'problem' in address ? address.problem : null);
}

/** The container whose network is used, or why there is none. */
function holderOfNetwork(query: AddressQuery): EngineContainer | string {
  let holder = query.container;
  const seen = new Set([holder.id]);
  for (let hop = 0; ; hop++) {
    const reference = networkOwner(holder.networkMode);
    if (reference === null) return holder;
    if (hop === MOST_HOPS) return 'its network is borrowed through too many containers';
    const owner = query.lookup(reference);
    if (owner === null) return `it shares the network of container ${short(reference)}, which is not there`;
    if (seen.has(owner.id)) return 'it shares its network in a circle';
    if (!hasProcesses(owner)) return `it shares the network of container ${owner.name}, which does not run`;
    seen.add(owner.id);
    holder = owner;
  }
}

function addressOf(holder: EngineContainer, query: AddressQuery): { ip: string } | { problem: string } {
  const networks = holder.networks.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const names = networks.map((one) => one.name);
  if (query.network !== null) {
    const wanted = networks.find((one) => one.name === query.network);
    if (wanted !== undefined && wanted.ip !== '') return { ip: wanted.ip };
    if (wanted !== undefined) return { problem: `it has no address on the network "${query.network}"` };
    const meant = nearest(query.network, names);
    const connected = names.length === 0 ? 'none' : orList(names).replace(' or ', ' and ');
    return {
      problem: `tidegate.network=${JSON.stringify(query.network)}: it is not connected to that network but to ${connected}${meant === null ? '' : `; did you mean "${meant}"?`}`,
    };
  }
  const withAddress = networks.filter((one) => one.ip !== '');
  const { gatewayNetworks } = query.reach;
  const home = withAddress.find((one) => one.name === query.home && (gatewayNetworks?.includes(one.name) ?? true));
  const shared = home ?? withAddress.find((one) => gatewayNetworks?.includes(one.name));
  const bridge = withAddress.find((one) => one.name === 'bridge');
  const chosen = shared ?? bridge ?? (gatewayNetworks === null ? withAddress[0] : undefined);
  if (chosen !== undefined) return { ip: chosen.ip };
  if (withAddress.length === 0) return { problem: 'it has no address on any network' };
  return { problem: `it shares no network with the gateway (its own: ${names.join(', ')})` };
}

function publishedAddresses(holder: EngineContainer, query: AddressQuery, problem: string | null): Addresses {
  const endpoints: Endpoint[] = [];
  for (const port of query.ports) {
    const endpoint = publishedEndpoint(holder.published, port, query.reach.publishedHost);
    if (endpoint !== null) endpoints.push(endpoint);
  }
  const [main] = query.ports;
  if (main === undefined || endpoints[0]?.port === main) return { endpoints, unroutable: null };
  const why = problem ?? 'the addresses of containers cannot be reached from here';
  return unroutable(`${why}, and port ${main} is not published where the gateway could dial it`);
}

function publishedEndpoint(published: readonly PublishedPort[], port: number, publishedHost: string): Endpoint | null {
  let loopback: Endpoint | null = null;
  for (const one of published) {
    if (one.containerPort !== port) continue;
    const everywhere = one.hostIp === '' || one.hostIp === '0.0.0.0' || one.hostIp === '::';
    const dialHost = everywhere ? publishedHost : one.hostIp;
    const endpoint = { port, dialHost, dialPort: one.hostPort };
    if (!isLoopback(dialHost) || everywhere) return endpoint;
    if (isLoopback(publishedHost)) loopback ??= endpoint;
  }
  return loopback;
}

function at(dialHost: string, ports: readonly number[]): readonly Endpoint[] {
  return ports.map((port) => ({ port, dialHost, dialPort: port }));
}

function hasProcesses(container: EngineContainer): boolean {
  return container.status === 'running' || container.status === 'paused';
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address === 'localhost';
}

function short(reference: string): string {
  return /^[0-9a-f]{64}$/.test(reference) ? reference.slice(0, 12) : reference;
}

function unroutable(why: string): Addresses {
  return { endpoints: [], unroutable: why };
}
