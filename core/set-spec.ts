/**
 * What a tenant asks a set to be (SetSpec), and what came of it at one moment: a revision, immutable, with its images
 * pinned. Plain JSON, so that both can be kept as they are. Routes and policy are spelled as labels, as on a container
 * that a person labelled: there is one vocabulary, one reader and one reference for both.
 */
import type { SetClass } from './set.ts';

export interface VolumeMount {
  /** Of the app: `data` is the same volume in every set of it. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly readonly: boolean;
}

/** The container's own HEALTHCHECK, run by the Engine. */
export interface Healthcheck {
  /** A command, or `['CMD-SHELL', text]`. */
  readonly test: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
}

/** Null: as the image says. */
export interface ContainerOptions {
  /** Percent of the set's processor time; null: unlimited but for what the set may take. */
  readonly cpu: number | null;
  /** Percent of the set's memory. */
  readonly mem: number | null;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  readonly user: string | null;
  readonly workdir: string | null;
  readonly volumes: readonly VolumeMount[];
  readonly healthcheck: Healthcheck | null;
  /** A tiny init as process 1, which reaps children and passes signals on. */
  readonly init: boolean;
  readonly readonlyRoot: boolean;
  readonly stopSignal: string | null;
  readonly stopTimeoutS: number | null;
  /** Capabilities added; a tenant's plan has to allow them. */
  readonly capabilities: readonly string[];
  readonly privileged: boolean;
  /** Host paths: a tenant's plan has to allow them. */
  readonly binds: readonly { readonly source: string; readonly path: string; readonly readonly: boolean }[];
  readonly devices: readonly string[];
}

export interface ContainerSpec {
  /** Start order; the lowest is the main container, whose port is dialled. */
  readonly index: number;
  readonly name: string;
  /** As it was given: `registry.example/shop:1.4`. */
  readonly image: string;
  readonly options: ContainerOptions;
}

/** A port of the host that is bound to one of the set (`direct`). */
export interface PublishedPortSpec {
  readonly port: number;
  /** Null: the Engine chooses. */
  readonly hostPort: number | null;
}

export interface SetSpec {
  readonly class: SetClass;
  /** In the order of their indices. */
  readonly containers: readonly ContainerSpec[];
  readonly resources: {
    /** Cores; null: unlimited. */
    readonly cpu: number | null;
    /** Bytes; null: unlimited. */
    readonly memory: number | null;
  };
  /** Shared by all containers of the set. */
  readonly volume: { readonly name: string; readonly path: string } | null;
  readonly sysctls: Readonly<Record<string, string>>;
  /** One process namespace for the whole replica. */
  readonly sharePids: boolean;
  /** `host`: the network (or process ids, or IPC) of the host: an operator's plan has to allow it. */
  readonly hostNamespaces: readonly ('network' | 'pid' | 'ipc')[];
  readonly publish: readonly PublishedPortSpec[];
  /** Apps of the same tenant whose sets may reach this one. Sets of the same app always may. */
  readonly links: readonly string[];
  readonly pull: 'missing' | 'always' | 'never';
  /** Routes and policy: `tidegate.port`, `tidegate.scale.max`, `tidegate.route.r0.host`, …, as in docs/labels.md. */
  readonly labels: Readonly<Record<string, string>>;
}

/** An image that will not change: what was found when a revision was made. */
export interface PinnedImage {
  /** As it was given. */
  readonly reference: string;
  /** `sha256:…`: the Engine's id of it. */
  readonly id: string;
  /** `name@sha256:…` in its registry; null: it is of no registry. */
  readonly digest: string | null;
}

export interface Revision {
  /** `r1`, `r2`, … within the set. */
  readonly name: string;
  readonly number: number;
  /**
   * What its replicas are labelled with: its own name, or that of the revision whose replicas it took over by having some
   * of their members replaced.
   */
  readonly share: string;
  /** Ms since the epoch. */
  readonly createdAt: number;
  /** Id of the token that asked. */
  readonly by: string;
  readonly cause: string;
  readonly spec: SetSpec;
  /** By index of container. */
  readonly images: Readonly<Record<number, PinnedImage>>;
  /** Env of the app when it was made; the containers' own go before it. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of secrets of the app that its containers get. */
  readonly secrets: readonly string[];
  /** Which of their values, so that all its replicas have the same; left out of those that were kept before this was. */
  readonly secretVersions?: Readonly<Record<string, number>>;
  /**
   * When a deployment of it succeeded, ms since the epoch; null: none has. Left out of those that were kept before this
   * was: they count as proved.
   */
  readonly provedAt?: number | null;
  /** Id of the deployment that made it; null: none did. Left out of those that were kept before this was. */
  readonly deployment?: string | null;
}

export const NO_OPTIONS: ContainerOptions = {
  cpu: null,
  mem: null,
  env: {},
  command: null,
  entrypoint: null,
  user: null,
  workdir: null,
  volumes: [],
  healthcheck: null,
  init: true,
  readonlyRoot: false,
  stopSignal: null,
  stopTimeoutS: null,
  capabilities: [],
  privileged: false,
  binds: [],
  devices: [],
};
