/**
 * From a revision to the replica that the Engine is to make: names, labels, limits, environment. Pure: whoever has the
 * same revision makes the same replica, but for its id and its secrets.
 */
import { INSTANCE_LABEL, REPLICA_LABEL } from '#core/replica-labels';
import type { ContainerSpec, Revision, SetSpec } from '#core/set-spec';
import type { MemberPlan, ReplicaPlan } from '#docker/replica-plan';

const NANO = 1e9;
/** What the Engine takes at least. */
const MEMORY_MIN_BYTES = 6 * 1024 * 1024;
const ID_TAIL = 8;

export interface PlanFacts {
  readonly tenant: string;
  readonly app: string;
  readonly set: string;
  readonly revision: Revision;
  /** `rep_…`. */
  readonly id: string;
  readonly instance: string;
  /** By name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Apps of the tenant, as far as they are there, whose sets may reach this one. */
  readonly links: readonly string[];
}

export function planReplica(facts: PlanFacts): ReplicaPlan {
  const { tenant, app, set, revision, id } = facts;
  const { spec } = revision;
  return {
    id,
    name: `${tenant}-${app}-${set}-${id.slice(-ID_TAIL).toLowerCase()}`,
    labels: {
      'tidegate.tenant': tenant,
      'tidegate.app': app,
      'tidegate.set': set,
      'tidegate.revision': revision.share,
      [REPLICA_LABEL]: id,
      [INSTANCE_LABEL]: facts.instance,
    },
    pauseLabels: spec.labels,
    network: { name: networkName(tenant, app), aliases: [set, `${set}.${app}.internal`] },
    joins: facts.links.map((link) => ({ name: networkName(tenant, link), aliases: [`${set}.${app}.internal`] })),
    sysctls: spec.sysctls,
    sharePids: spec.sharePids,
    hostNamespaces: spec.hostNamespaces,
    publish: spec.publish,
    exposedPort: portOf(spec),
    members: spec.containers.map((container) => planMember(container, facts)),
  };
}

/** One member of a replica. */
export function planMember(container: ContainerSpec, facts: Omit<PlanFacts, 'id' | 'instance' | 'links'>): MemberPlan {
  const { tenant, app, revision, secrets } = facts;
  const { spec } = revision;
  const { options } = container;
  const limits = limitsOf(spec, container);
  const shared = spec.volume === null ? [] : [{ ...spec.volume, readonly: false }];
  return {
    index: container.index,
    name: container.name,
    image: revision.images[container.index]?.id ?? container.image,
    // What is said closer to the container goes before what is said farther off.
    env: { ...revision.env, ...secrets, ...options.env },
    command: options.command,
    entrypoint: options.entrypoint,
    user: options.user,
    workdir: options.workdir,
    nanoCpus: limits.nanoCpus,
    memoryBytes: limits.memoryBytes,
    volumes: [...shared, ...options.volumes].map(({ name, path, readonly }) => ({
      volume: volumeName(tenant, app, name),
      path,
      readonly,
    })),
    binds: options.binds,
    devices: options.devices,
    capabilities: options.capabilities,
    privileged: options.privileged,
    healthcheck: options.healthcheck,
    init: options.init,
    readonlyRoot: options.readonlyRoot,
    stopSignal: options.stopSignal,
    stopTimeoutS: options.stopTimeoutS,
  };
}

/** What one container may take of what its set has: its percentage, or an equal part of what the others leave. */
export function limitsOf(
  spec: Pick<SetSpec, 'containers' | 'resources'>,
  container: ContainerSpec,
): { readonly nanoCpus: number | null; readonly memoryBytes: number | null } {
  const { cpu, memory } = spec.resources;
  const cores = cpu === null ? null : (cpu * percentOf(spec, container, 'cpu')) / 100;
  const bytes = memory === null ? null : (memory * percentOf(spec, container, 'mem')) / 100;
  return {
    nanoCpus: cores === null ? null : Math.max(1, Math.round(cores * NANO)),
    memoryBytes: bytes === null ? null : Math.max(MEMORY_MIN_BYTES, Math.floor(bytes)),
  };
}

/** Percent of what its set has that a container may take. */
export function percentOf(spec: Pick<SetSpec, 'containers'>, { options }: ContainerSpec, kind: 'cpu' | 'mem'): number {
  const own = options[kind];
  if (own !== null) return own;
  const given = spec.containers.reduce((sum, one) => sum + (one.options[kind] ?? 0), 0);
  const without = spec.containers.filter((one) => one.options[kind] === null).length;
  // Percentages may add up to all there is: whoever said nothing then shares with the others.
  return given >= 100 ? 100 : (100 - given) / without;
}

/** Bridge network of an app. No name has a dot, so two of them never come to the same. */
export function networkName(tenant: string, app: string): string {
  return `tidegate-${tenant}.${app}`;
}

/** The Engine's name of a volume of an app. */
export function volumeName(tenant: string, app: string, volume: string): string {
  return `tidegate-${tenant}.${app}.${volume}`;
}

/** The Engine's names of all volumes a set uses. */
export function volumesOf(tenant: string, app: string, spec: SetSpec): readonly string[] {
  const names = spec.containers.flatMap(({ options }) => options.volumes.map((one) => one.name));
  if (spec.volume !== null) names.push(spec.volume.name);
  return [...new Set(names)].map((name) => volumeName(tenant, app, name));
}

function portOf(spec: SetSpec): number | null {
  const port = Number(spec.labels['tidegate.port']);
  return Number.isInteger(port) && port > 0 ? port : null;
}
