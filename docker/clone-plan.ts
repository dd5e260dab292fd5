/**
 * How a replica is made from another container: the request to create it, and the networks to join afterwards. What can
 * exist only once (host name, addresses, published host ports, anonymous volumes) is left to the Engine to hand out anew.
 */
import type { CloneOptions } from './engine.ts';
import { type InspectAnswer, type NetworkEndpoint, nameFrom, networkModeFrom } from './inspect.ts';

/** Endpoint of a network as the Engine takes it. */
export interface EndpointConfig {
  readonly Aliases: string[];
  readonly Links?: string[];
  readonly DriverOpts?: Record<string, string>;
  readonly GwPriority?: number;
}

export interface ClonePlan {
  readonly name: string;
  /** Body of the create request. */
  readonly body: Readonly<Record<string, unknown>> & { readonly Labels: Readonly<Record<string, string>> };
  /** Networks to join before the first start: older Engines take only one when creating. */
  readonly joins: readonly { readonly network: string; readonly endpoint: EndpointConfig }[];
}

/** Length of the short id, which the Engine gives every container as an alias. */
const SHORT_ID_LENGTH = 12;
/** Networks that know no aliases. */
const BUILT_IN_NETWORKS: readonly string[] = ['bridge', 'host', 'none'];

/**
 * @param original as inspected
 * @param image name or id of the very image the original runs, which its name may no longer point to
 */
export function planClone(original: InspectAnswer, image: string, options: CloneOptions): ClonePlan {
  const { Hostname, Domainname, MacAddress, ExposedPorts, ...config } = original.Config as Record<string, unknown>;
  const networkMode = networkModeFrom(original);
  // Who lives in another container's network may not expose ports: what its image exposes is added by the Engine.
  const exposed = networkMode.startsWith('container:') ? {} : { ExposedPorts };
  const networks = Object.entries(original.NetworkSettings?.Networks ?? {}).map(([network, endpoint]) => ({
    network,
    endpoint: BUILT_IN_NETWORKS.includes(network) ? { Aliases: [] } : endpointFrom(endpoint ?? {}, original),
  }));
  const first = networks.find((one) => one.network === networkMode && !BUILT_IN_NETWORKS.includes(networkMode));
  return {
    name: options.name,
    body: {
      ...config,
      ...exposed,
      Image: image,
      Labels: mergeLabels(original.Config.Labels ?? {}, options.labels),
      // None would mean the image's own; [''] means none.
      Entrypoint: original.Config.Entrypoint?.length ? original.Config.Entrypoint : [''],
      HostConfig: {
        ...original.HostConfig,
        NetworkMode: networkMode,
        PortBindings: {},
        PublishAllPorts: false,
        // Who makes a replica removes it; and one that sleeps must still be there to be woken.
        AutoRemove: false,
        ContainerIDFile: '',
      },
      ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first.network]: first.endpoint } } }),
    },
    joins: networks.filter((one) => one.network !== networkMode),
  };
}

/** What the network gave the original itself (addresses, its name and id as aliases) is left out. */
function endpointFrom(endpoint: NetworkEndpoint, original: InspectAnswer): EndpointConfig {
  const own = [nameFrom(original), original.Id.slice(0, SHORT_ID_LENGTH)];
  return {
    Aliases: (endpoint.Aliases ?? []).filter((alias) => !own.includes(alias)),
    ...(endpoint.Links?.length ? { Links: [...endpoint.Links] } : {}),
    ...(endpoint.DriverOpts ? { DriverOpts: { ...endpoint.DriverOpts } } : {}),
    ...(endpoint.GwPriority ? { GwPriority: endpoint.GwPriority } : {}),
  };
}

function mergeLabels(
  labels: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged = { ...labels };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete merged[name];
    else merged[name] = value;
  }
  return merged;
}
