/**
 * From the Engine's words to ours: a container as inspected, a line of the list. Odd or missing parts of an answer become
 * their empty value; only an answer that is no container at all is an error.
 */
import { constants } from 'node:os';
import { TidegateError } from '#core/errors';
import {
  ENGINE_STATUSES,
  type EngineContainer,
  type EngineContainerSummary,
  type EngineInfo,
  type EngineNetwork,
  type EngineStatus,
  type PublishedPort,
} from './engine.ts';

const DEFAULT_STOP_TIMEOUT_S = 10;
const DEFAULT_STOP_SIGNAL = 'SIGTERM';
/** How the Engine writes "never". */
const NEVER = '0001-01-01T00:00:00Z';

type Maybe<T> = T | null | undefined;

/** The answer to an inspect, as far as we read it. Go sends null for an empty list or map. */
export interface InspectAnswer {
  readonly Id: string;
  readonly Name?: Maybe<string>;
  readonly Created?: Maybe<string>;
  /** Id of the image. */
  readonly Image?: Maybe<string>;
  readonly State: {
    readonly Status?: Maybe<string>;
    readonly StartedAt?: Maybe<string>;
    readonly ExitCode?: Maybe<number>;
    readonly OOMKilled?: Maybe<boolean>;
    readonly Pid?: Maybe<number>;
  };
  readonly Config: {
    /** Name of the image as it was given. */
    readonly Image?: Maybe<string>;
    readonly Labels?: Maybe<Readonly<Record<string, string>>>;
    readonly Tty?: Maybe<boolean>;
    readonly Entrypoint?: Maybe<readonly string[]>;
    readonly ExposedPorts?: Maybe<Readonly<Record<string, unknown>>>;
    readonly Healthcheck?: Maybe<{ readonly Test?: Maybe<readonly string[]> }>;
    readonly StopTimeout?: Maybe<number>;
    readonly StopSignal?: Maybe<string>;
  };
  readonly HostConfig: {
    readonly NetworkMode?: Maybe<string>;
    readonly PidMode?: Maybe<string>;
    readonly IpcMode?: Maybe<string>;
    readonly NanoCpus?: Maybe<number>;
    readonly CpuPeriod?: Maybe<number>;
    readonly CpuQuota?: Maybe<number>;
    readonly Memory?: Maybe<number>;
    readonly MemorySwap?: Maybe<number>;
  };
  readonly NetworkSettings?: Maybe<{
    readonly Ports?: Maybe<Readonly<Record<string, Maybe<readonly PortBinding[]>>>>;
    readonly Networks?: Maybe<Readonly<Record<string, Maybe<NetworkEndpoint>>>>;
  }>;
}

interface PortBinding {
  readonly HostIp?: Maybe<string>;
  readonly HostPort?: Maybe<string>;
}

export interface NetworkEndpoint {
  readonly NetworkID?: Maybe<string>;
  readonly IPAddress?: Maybe<string>;
  readonly Aliases?: Maybe<readonly string[]>;
  readonly Links?: Maybe<readonly string[]>;
  readonly DriverOpts?: Maybe<Readonly<Record<string, string>>>;
  readonly GwPriority?: Maybe<number>;
}

/** @throws TidegateError `engine.refused` when the answer describes no container */
export function inspectAnswer(answer: unknown): InspectAnswer {
  const { Id, State, Config, HostConfig } = isObject(answer) ? answer : {};
  if (typeof Id !== 'string' || !isObject(State) || !isObject(Config) || !isObject(HostConfig)) {
    throw new TidegateError('engine.refused', 'inspect: the Engine answered with something that is no container');
  }
  return answer as InspectAnswer;
}

export function containerFrom(answer: InspectAnswer): EngineContainer {
  const { State: state, Config: config } = answer;
  const status = statusFrom(state.Status);
  const startedAt = state.StartedAt && state.StartedAt !== NEVER ? state.StartedAt : null;
  const isUp = status === 'running' || status === 'paused';
  const networks = Object.entries(answer.NetworkSettings?.Networks ?? {});
  return {
    id: answer.Id,
    name: nameFrom(answer),
    image: config.Image ?? '',
    imageId: answer.Image ?? '',
    labels: config.Labels ?? {},
    status,
    createdAt: Date.parse(answer.Created ?? '') || 0,
    startedAt,
    exitCode: isUp || startedAt === null ? null : (state.ExitCode ?? null),
    oomKilled: state.OOMKilled ?? false,
    pid: state.Pid ?? 0,
    hasHealthcheck: hasHealthcheck(config.Healthcheck?.Test),
    exposedPorts: Object.keys(config.ExposedPorts ?? {})
      .flatMap(tcpPort)
      .sort((a, b) => a - b),
    published: Object.entries(answer.NetworkSettings?.Ports ?? {}).flatMap(publishedPorts),
    networkMode: networkModeFrom(answer),
    networks: networks.map(([name, endpoint]): EngineNetwork => ({ name, ip: endpoint?.IPAddress ?? '' })),
    stopTimeoutS: config.StopTimeout ?? DEFAULT_STOP_TIMEOUT_S,
    stopSignal: signalName(config.StopSignal),
  };
}

/** A line of the container list, or null when it is none. */
export function summaryFrom(line: unknown): EngineContainerSummary | null {
  if (!isObject(line) || typeof line.Id !== 'string') return null;
  const labels = isObject(line.Labels) ? (line.Labels as Record<string, string>) : {};
  return { id: line.Id, labels, status: statusFrom(line.State) };
}

export function infoFrom(answer: unknown, apiVersion: string): EngineInfo {
  const info = (typeof answer === 'object' ? answer : null) as Readonly<Record<string, unknown>> | null;
  return {
    version: String(info?.ServerVersion ?? ''),
    apiVersion,
    storageDriver: String(info?.Driver ?? ''),
    cgroupVersion: info?.CgroupVersion === '2' ? '2' : '1',
    liveRestore: info?.LiveRestoreEnabled === true,
    cores: typeof info?.NCPU === 'number' ? info.NCPU : null,
    memoryBytes: typeof info?.MemTotal === 'number' ? info.MemTotal : null,
  };
}

/** Without the leading slash. */
export function nameFrom(answer: InspectAnswer): string {
  return (answer.Name ?? '').replace(/^\//, '');
}

/** As in {@link EngineContainer.networkMode}: a network that was given by its id is called by its name. */
export function networkModeFrom(answer: InspectAnswer): string {
  const mode = answer.HostConfig.NetworkMode || 'default';
  if (mode === 'default') return 'bridge';
  const networks = Object.entries(answer.NetworkSettings?.Networks ?? {});
  return networks.find(([, endpoint]) => endpoint?.NetworkID === mode)?.[0] ?? mode;
}

function statusFrom(text: unknown): EngineStatus {
  // What a future Engine may say more is at least not running.
  return ENGINE_STATUSES.find((status) => status === text) ?? 'dead';
}

function hasHealthcheck(test: Maybe<readonly string[]>): boolean {
  return test !== null && test !== undefined && test.length > 0 && test[0] !== '' && test[0] !== 'NONE';
}

/** `8080/tcp` → [8080]; other protocols → []. */
function tcpPort(text: string): number[] {
  const match = /^(\d{1,5})(?:\/tcp)?$/.exec(text);
  return match === null ? [] : [Number(match[1])];
}

function publishedPorts([port, bindings]: readonly [string, Maybe<readonly PortBinding[]>]): PublishedPort[] {
  return tcpPort(port).flatMap((containerPort) =>
    (bindings ?? []).map((binding) => ({
      containerPort,
      hostIp: binding.HostIp ?? '',
      hostPort: Number(binding.HostPort ?? 0),
    })),
  );
}

/** `TERM`, `SIGTERM` and `15` are one signal. */
function signalName(text: Maybe<string>): string {
  if (!text) return DEFAULT_STOP_SIGNAL;
  if (!/^\d+$/.test(text)) return text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  const known = Object.entries(constants.signals).find(([, number]) => number === Number(text));
  return known?.[0] ?? text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
}
