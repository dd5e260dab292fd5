/**
 * From a plan to the requests that create its containers. Everything that keeps tenants apart is decided here: who owns
 * which namespace, what a container may do, and that nothing restarts or grows without us.
 */
import { MEMBER_LABEL, MEMBERS_LABEL, memberLabel, REPLICA_LABEL, ROLE_LABEL } from '#core/replica-labels';
import type { Healthcheck } from '#core/set-spec';
import type { MemberPlan, ReplicaPlan } from './replica-plan.ts';

export interface CreateBody {
  readonly Image: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** What of a replica its members depend on. */
export interface Pod {
  readonly pauseId: string;
  readonly replica: string;
  /** Where its members' processes and IPC live, as the Engine takes it; empty: each for itself. */
  readonly pidMode: string;
  readonly ipcMode: string;
  /** Of the host. */
  readonly cores: number;
}

type Labels = Readonly<Record<string, string>>;

const NS_PER_MS = 1e6;
const NANOS = 1e9;
const CPU_PERIOD_US = 100_000;
/** Enough for any app, and not for a fork bomb. */
const MOST_PIDS = 4096;
/** Where the host itself runs out of memory, apps go before the gateway and the Engine (0). */
const OOM_SCORE = 300;
/** Restarts are ours: the Engine's would come up behind our back, and in any order. */
const NO_RESTART = { Name: 'no' };
/** Files of our own choice, whatever the daemon's default: they are read, and must not fill the disk. */
const LOG_CONFIG = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } };

/** Of every pause container. */
const PAUSE_HOST_CONFIG = {
  RestartPolicy: NO_RESTART,
  LogConfig: LOG_CONFIG,
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges'],
};

/** @param image id of the pause image */
export function pauseBody(plan: ReplicaPlan, image: string): CreateBody {
  const { network, hostNamespaces } = plan;
  const onHostNetwork = hostNamespaces.includes('network');
  const ports = plan.publish.map(({ port }) => port).concat(plan.exposedPort ?? []);
  const bindings = plan.publish.map(({ port, hostPort }) => [`${port}/tcp`, [{ HostPort: String(hostPort ?? '') }]]);
  return {
    Image: image,
    Labels: {
      ...plan.pauseLabels,
      ...plan.labels,
      [REPLICA_LABEL]: plan.id,
      [ROLE_LABEL]: 'pause',
      [MEMBERS_LABEL]: String(plan.members.length),
    },
    ...(onHostNetwork ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])) }),
    StopSignal: 'SIGTERM',
    HostConfig: {
      NetworkMode: onHostNetwork ? 'host' : network.name,
      IpcMode: hostNamespaces.includes('ipc') ? 'host' : 'shareable',
      PidMode: hostNamespaces.includes('pid') ? 'host' : '',
      Sysctls: { ...plan.sysctls },
      ...(onHostNetwork ? {} : { PortBindings: mergeBindings(bindings as [string, Binding[]][]) }),
      ...PAUSE_HOST_CONFIG,
    },
    ...(onHostNetwork
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [network.name]: { Aliases: [...network.aliases] } } } }),
  };
}

/** A pause container that is nobody's yet, in a network where it waits. */
export function spareBody({ labels, network, image }: { labels: Labels; network: string; image: string }): CreateBody {
  return {
    Image: image,
    Labels: labels,
    StopSignal: 'SIGTERM',
    HostConfig: { NetworkMode: network, IpcMode: 'shareable', ...PAUSE_HOST_CONFIG },
  };
}

/** @param labels of every container of the replica */
export function memberBody(plan: MemberPlan, pod: Pod, labels: Labels): CreateBody {
  return {
    Image: plan.image,
    Labels: {
      ...labels,
      [REPLICA_LABEL]: pod.replica,
      [ROLE_LABEL]: 'member',
      [MEMBER_LABEL]: memberLabel(plan),
    },
    Env: Object.entries(plan.env).map(([name, value]) => `${name}=${value}`),
    ...(plan.command === null ? {} : { Cmd: [...plan.command] }),
    ...(plan.entrypoint === null ? {} : { Entrypoint: [...plan.entrypoint] }),
    ...(plan.user === null ? {} : { User: plan.user }),
    ...(plan.workdir === null ? {} : { WorkingDir: plan.workdir }),
    ...(plan.healthcheck === null ? {} : { Healthcheck: healthcheckBody(plan.healthcheck) }),
    ...(plan.stopSignal === null ? {} : { StopSignal: plan.stopSignal }),
    ...(plan.stopTimeoutS === null ? {} : { StopTimeout: plan.stopTimeoutS }),
    HostConfig: {
      NetworkMode: `container:${pod.pauseId}`,
      IpcMode: pod.ipcMode,
      PidMode: pod.pidMode,
      ...cpuBody(plan.nanoCpus, pod.cores),
      ...memoryBody(plan.memoryBytes),
      PidsLimit: MOST_PIDS,
      OomScoreAdj: OOM_SCORE,
      Mounts: mounts(plan),
      Devices: plan.devices.map(device),
      CapAdd: [...plan.capabilities],
      Privileged: plan.privileged,
      // Process 1 of a shared namespace is another container's, and reaps for all.
      Init: plan.init && pod.pidMode === '',
      ReadonlyRootfs: plan.readonlyRoot,
      RestartPolicy: NO_RESTART,
      LogConfig: LOG_CONFIG,
    },
  };
}

/** @param pauseId of the replica that the plan is of */
export function podOf(plan: ReplicaPlan, pauseId: string, cores: number): Pod {
  const { hostNamespaces, sharePids, id: replica } = plan;
  const shared = `container:${pauseId}`;
  const pidMode = hostNamespaces.includes('pid') ? 'host' : sharePids ? shared : '';
  return { pauseId, replica, cores, pidMode, ipcMode: hostNamespaces.includes('ipc') ? 'host' : shared };
}

/**
 * The Engine takes no more cores than the host has, though a set may be meant for larger hosts: then the kernel's own
 * words for it.
 */
function cpuBody(nanoCpus: number | null, cores: number): object {
  if (nanoCpus === null) return {};
  if (nanoCpus <= cores * NANOS) return { NanoCpus: nanoCpus };
  return quotaBody(nanoCpus);
}

/** The same in microseconds of each tenth of a second. */
export function quotaBody(nanoCpus: number): { readonly CpuPeriod: number; readonly CpuQuota: number } {
  return { CpuPeriod: CPU_PERIOD_US, CpuQuota: Math.round((nanoCpus * CPU_PERIOD_US) / NANOS) };
}

/** Without swap: memory and swap together are what memory may be. */
export function memoryBody(bytes: number | null): { readonly Memory?: number; readonly MemorySwap?: number } {
  return bytes === null ? {} : { Memory: bytes, MemorySwap: bytes };
}

interface Binding {
  readonly HostPort: string;
}

/** One port of the replica may be bound to several of the host. */
function mergeBindings(bindings: readonly [string, Binding[]][]): Record<string, Binding[]> {
  const merged: Record<string, Binding[]> = {};
  for (const [port, binding] of bindings) merged[port] = [...(merged[port] ?? []), ...binding];
  return merged;
}

function mounts({ volumes, binds }: MemberPlan): object[] {
  return [
    ...volumes.map(({ volume, path, readonly }) => ({
      Type: 'volume',
      Source: volume,
      Target: path,
      ReadOnly: readonly,
    })),
    ...binds.map(({ source, path, readonly }) => ({ Type: 'bind', Source: source, Target: path, ReadOnly: readonly })),
  ];
}

/** `host[:container[:permissions]]`, as for `docker run --device`. */
function device(text: string): object {
  const [onHost = '', second, third] = text.split(':');
  const permissions = third ?? (second !== undefined && /^[rwm]+$/.test(second) ? second : 'rwm');
  return {
    PathOnHost: onHost,
    PathInContainer: second?.startsWith('/') ? second : onHost,
    CgroupPermissions: permissions,
  };
}

function healthcheckBody({ test, intervalMs, timeoutMs, retries, startPeriodMs }: Healthcheck): object {
  const isSpelled = test[0] === 'CMD-SHELL' || test[0] === 'CMD' || test[0] === 'NONE';
  return {
    Test: isSpelled ? [...test] : ['CMD', ...test],
    Interval: intervalMs * NS_PER_MS,
    Timeout: timeoutMs * NS_PER_MS,
    Retries: retries,
    StartPeriod: startPeriodMs * NS_PER_MS,
  };
}
