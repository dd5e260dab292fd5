/**
 * What the rest of Tidegate may ask of one Docker Engine. Every call has a deadline and fails with a TidegateError; an
 * Engine that hangs costs its own calls and nothing else. Actions are taken on containers that carry our labels only.
 */

/** What the Engine says of a container's life. */
export const ENGINE_STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;
export type EngineStatus = (typeof ENGINE_STATUSES)[number];

export interface EngineNetwork {
  readonly name: string;
  /** IPv4 address of the container in it; empty while it does not run. */
  readonly ip: string;
}

export interface PublishedPort {
  readonly containerPort: number;
  /** As the Engine says: often `0.0.0.0`. */
  readonly hostIp: string;
  readonly hostPort: number;
}

/** A container as inspected. */
export interface EngineContainer {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  /** As it was given: a name, or an id. */
  readonly image: string;
  /** `sha256:…` */
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: EngineStatus;
  /** Ms since the epoch. */
  readonly createdAt: number;
  /** The Engine's own text; null before the first start. */
  readonly startedAt: string | null;
  /** Null while it runs or before the first start. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** Process id on the host; 0 when not running. */
  readonly pid: number;
  readonly hasHealthcheck: boolean;
  /** TCP ports the image or the container EXPOSEs, ascending. */
  readonly exposedPorts: readonly number[];
  readonly published: readonly PublishedPort[];
  /** `bridge`, `host`, `none`, `container:<id>`, or the name of a network. */
  readonly networkMode: string;
  readonly networks: readonly EngineNetwork[];
  /** Seconds between the stop signal and SIGKILL. */
  readonly stopTimeoutS: number;
  /** Name of the signal that asks it to stop, such as SIGTERM. */
  readonly stopSignal: string;
}

/** One line of the list: enough to know whether it is ours and whether it changed. */
export interface EngineContainerSummary {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: EngineStatus;
}

export const ENGINE_ACTIONS = [
  'create',
  'start',
  'kill',
  'stop',
  'die',
  'oom',
  'pause',
  'unpause',
  'rename',
  'update',
  'destroy',
  'health_status',
  'exec_create',
  'network_connect',
  'network_disconnect',
] as const;
export type EngineAction = (typeof ENGINE_ACTIONS)[number];

export interface EngineEvent {
  readonly action: EngineAction;
  readonly containerId: string;
  /**
   * Labels and attributes as the Engine sends them (for `kill`: `signal`; for `die`: `exitCode`), and what it says behind
   * the action under the action's name (`health_status`: `healthy`). Empty for network events.
   */
  readonly attributes: Readonly<Record<string, string>>;
  /** Ms since the epoch, with a fraction. */
  readonly at: number;
}

export interface EventFollower {
  /** The stream stands (first time or again); whatever was missed has to be listed. */
  onConnected(): void;
  onEvent(event: EngineEvent): void;
  /** The stream broke; it is being opened again. */
  onLost(error: unknown): void;
}

/** `reachable`: calls succeed. `degraded`: the breaker holds calls back after failures or timeouts. */
export type EngineState = 'reachable' | 'degraded';

export interface EngineInfo {
  readonly version: string;
  readonly apiVersion: string;
  readonly storageDriver: string;
  readonly cgroupVersion: '1' | '2';
  readonly liveRestore: boolean;
  /** Of the host; null: it does not say. */
  readonly cores: number | null;
  readonly memoryBytes: number | null;
}

export interface CloneOptions {
  readonly name: string;
  /** Added to (or, when null, taken from) the labels of the original. */
  readonly labels: Readonly<Record<string, string | null>>;
}

export interface Engine {
  /** Our own name for the host; the Engine's id is not unique. */
  readonly host: string;
  readonly state: EngineState;
  /** Calls back on every change of `state`; returns how to stop that. */
  onState(listener: (state: EngineState, cause: string) => void): () => void;

  info(): Promise<EngineInfo>;
  /** Containers in any state that carry a label of ours. */
  list(): Promise<readonly EngineContainerSummary[]>;
  /** @throws TidegateError `engine.not_found` */
  inspect(id: string): Promise<EngineContainer>;
  /** Follows container and network events until the signal aborts, opening the stream again when it breaks. */
  follow(follower: EventFollower, signal: AbortSignal): void;

  /** Starting one that runs is no error. */
  start(id: string): Promise<void>;
  /**
   * Asks to stop, kills after `timeoutS`; resolves when it is down. Stopping one that is down is no error; one that was
   * frozen directly is thawed first.
   */
  stop(id: string, timeoutS: number): Promise<void>;
  /**
   * Stops the members of a replica, given its pause container, which goes on and keeps network and address. Any other
   * container is stopped.
   */
  rest(id: string, timeoutS: number): Promise<void>;
  /** Pausing one that is paused is no error; one that was frozen directly is thawed first. */
  pause(id: string): Promise<void>;
  /** Unpausing one that runs is no error; a direct freeze stays: that is undone by `thaw`. */
  unpause(id: string): Promise<void>;
  /** Takes its anonymous volumes with it. One that runs is refused; removing one that is gone is no error. */
  remove(id: string): Promise<void>;
  /** Makes (and does not start) a container with the configuration of another. Resolves to its id. */
  clone(id: string, options: CloneOptions): Promise<string>;

  /**
   * Freezes by writing the cgroup freezer, behind the Engine's back, or resolves to false where that cannot be done
   * (another machine, no access, a container with a HEALTHCHECK).
   */
  freeze(container: FreezeTarget): Promise<boolean>;
  /** Undoes `freeze`. Resolves to false when the freezer cannot be written. */
  thaw(container: FreezeTarget): Promise<boolean>;
  /** True when the cgroup freezer of the container says frozen. */
  isFrozen(container: FreezeTarget): Promise<boolean>;

  close(): void;
}

export interface FreezeTarget {
  readonly containerId: string;
  readonly pid: number;
  readonly hasHealthcheck: boolean;
}
