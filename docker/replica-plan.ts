/**
 * What a replica is to be made of: a pause container that owns network, IPC and published ports, and members that live
 * in them. Everything is decided here already (images present, limits in absolute numbers, volumes by the Engine's name),
 * so that making it needs no further question.
 */
import type { Healthcheck, PublishedPortSpec } from '#core/set-spec';

/** One member, as it is to be created. Null: as the image says. */
export interface MemberPlan {
  /** Start order within the replica; members with the same index start together. */
  readonly index: number;
  readonly name: string;
  /** Id or reference of an image that the Engine has. */
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  readonly user: string | null;
  readonly workdir: string | null;
  /** Billionths of a core; null: unlimited. */
  readonly nanoCpus: number | null;
  /** Without swap; null: unlimited. */
  readonly memoryBytes: number | null;
  readonly volumes: readonly PlannedVolume[];
  readonly binds: readonly { readonly source: string; readonly path: string; readonly readonly: boolean }[];
  /** As for `docker run --device`: `/dev/fuse`, `/dev/sda:/dev/xvda:r`. */
  readonly devices: readonly string[];
  /** Added to the Engine's own choice. */
  readonly capabilities: readonly string[];
  readonly privileged: boolean;
  readonly healthcheck: Healthcheck | null;
  /** The Engine's tiny init as process 1. */
  readonly init: boolean;
  readonly readonlyRoot: boolean;
  readonly stopSignal: string | null;
  readonly stopTimeoutS: number | null;
}

export interface PlannedVolume {
  /** The Engine's name of it. */
  readonly volume: string;
  /** Absolute, in the container. */
  readonly path: string;
  readonly readonly: boolean;
}

/** A network, and the names that a replica is reached by in it. */
export interface NetworkPlace {
  readonly name: string;
  readonly aliases: readonly string[];
}

export interface ReplicaPlan {
  /** `rep_…` */
  readonly id: string;
  /** Name of the pause container; members are called `<name>-<name of the member>`. */
  readonly name: string;
  /** Of every container of it. Role, member and id of the replica are added. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of the pause container alone: routes and policy. */
  readonly pauseLabels: Readonly<Record<string, string>>;
  /** The app's own network, which has to be there. */
  readonly network: NetworkPlace;
  /** Networks of other apps whose sets may reach it; they have to be there, too. Left out: none. */
  readonly joins?: readonly NetworkPlace[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** One process namespace for pause and members. */
  readonly sharePids: boolean;
  readonly hostNamespaces: readonly ('network' | 'pid' | 'ipc')[];
  readonly publish: readonly PublishedPortSpec[];
  /** The main port, as if the image EXPOSEd it; null: none is known. */
  readonly exposedPort: number | null;
  /** At least one. */
  readonly members: readonly MemberPlan[];
}

/** New limits of one member. */
export interface MemberLimits {
  readonly index: number;
  /** Billionths of a core; null: all that the host has. */
  readonly nanoCpus: number | null;
  /** Null: all that the host has. */
  readonly memoryBytes: number | null;
}
