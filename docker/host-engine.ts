/**
 * Everything that may be asked of the Engine of a host: beside what is done to containers that are there (Engine), how
 * replicas are made and changed, and what they need: images, networks, volumes. `start`, `stop`, `pause`, `unpause`,
 * `remove`, `freeze`, `thaw` and `isFrozen`, given the pause container of a replica, act on the whole replica:
 *
 * - `start`: pause, then members by index, equal indices at a time; what runs is left, so it mends a dead member too;
 * - `stop`: members in reverse order, then pause; `pause`, `unpause`, `freeze`, `thaw`: members alone;
 * - `remove`: all of it, refused while the pause container runs.
 */
import type { Healthcheck } from '#core/set-spec';
import type { Engine } from './engine.ts';
import type { MemberLimits, MemberPlan, ReplicaPlan } from './replica-plan.ts';

/** An image that the Engine has. */
export interface EngineImage {
  /** `sha256:…` */
  readonly id: string;
  /** `name@sha256:…` in its registry; null: it is of none. */
  readonly digest: string | null;
  /** TCP, ascending. */
  readonly exposedPorts: readonly number[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** Empty: root. */
  readonly user: string;
  readonly healthcheck: Healthcheck | null;
  /** Paths for which it wants volumes. */
  readonly volumes: readonly string[];
}

export interface PullProgress {
  readonly layers: { readonly done: number; readonly total: number };
  /** Of the layers whose size is known by now. */
  readonly bytes: { readonly done: number; readonly total: number };
}

/** What a registry is shown. Goes to the Engine with one call, and nowhere else. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
}

export interface EnsureImageOptions {
  readonly pull: 'missing' | 'always' | 'never';
  /** Null or left out: the registry is asked without credentials. */
  readonly auth?: RegistryAuth | null;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Ends this caller's wait; the pull itself ends with its last caller. */
  readonly signal?: AbortSignal;
}

/** A network or volume that carries labels of ours. */
export interface EngineThing {
  /** A volume's is its name. */
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ThingPlan {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a network: nobody in it reaches anybody. Left out: it is open. */
  readonly isClosed?: boolean;
}

/** What came of a wish to remove something; `in-use`: it is still there. */
export type Removal = 'removed' | 'gone' | 'in-use';

/** A TCP port that something listens on. */
export interface ListeningPort {
  readonly port: number;
  /** Nobody outside of the replica reaches it. */
  readonly loopbackOnly: boolean;
}

export interface HostEngine extends Engine {
  /**
   * Creates a replica whole and starts nothing of it. Fails whole: nothing is left behind.
   * @returns id of its pause container
   * @throws TidegateError `image.not_found` for a member's image, `engine.refused`, …
   */
  makeReplica(plan: ReplicaPlan, signal?: AbortSignal): Promise<string>;
  /**
   * Puts others in the place of the members with the same indices (in a replica that runs: starts them in the order of
   * their indices), and leaves all others alone. Where one cannot be created or started, the old ones run on.
   * @param labels of every container, as in a plan (`tidegate.revision`); identity is taken from the pause container
   */
  replaceMembers(
    pauseId: string,
    members: readonly MemberPlan[],
    labels: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Changes limits online. Where one is refused, those of the others are put back. */
  resize(pauseId: string, limits: readonly MemberLimits[]): Promise<void>;
  /**
   * Tidies what a process that died left in the middle. A change of members is brought to an end. Removed is what nobody can
   * use any more: replicas that lack members and are down, or have none, and members without a pause container; who of them
   * runs is asked to end first. Only those of the given instance (`tidegate.instance`), and none that is being made or changed.
   * @returns ids of the replicas
   */
  sweepReplicas(instance: string): Promise<readonly string[]>;

  /**
   * Makes sure that an image is there. Callers at the same time for the same reference with the same credentials share
   * one pull.
   * @param reference name with tag or digest, or `sha256:…`; a name alone means `:latest`
   * @throws TidegateError `image.not_found`, `image.auth`, `image.unreachable`, `image.tls`, `image.pull_failed`
   */
  ensureImage(reference: string, options: EnsureImageOptions): Promise<EngineImage>;
  /**
   * Asks the registry of an image whether it may be had with these credentials; nothing is pulled.
   * @throws TidegateError as {@link ensureImage} does, when it may not or nobody can tell
   */
  proveAccess(
    reference: string,
    options: { readonly auth: RegistryAuth | null; readonly signal?: AbortSignal },
  ): Promise<void>;
  /**
   * Whether a registry takes credentials.
   * @throws TidegateError when it cannot be asked
   */
  tryLogin(registry: string, auth: RegistryAuth): Promise<'accepted' | 'refused'>;
  /** Keeps an image from being pruned, by a tag of ours. The text names the reason; the same again is no error. */
  keepImage(imageId: string, reason: string): Promise<void>;
  /** Takes a reason back. An image without another tag goes with its last one, unless a container has it (`in-use`). */
  releaseImage(reason: string): Promise<Removal>;
  /** Builds the image of pause containers on first need. @returns its id */
  ensurePauseImage(): Promise<string>;

  /**
   * Makes a bridge network, with a subnet of its own, unless it is there.
   * @returns its id
   * @throws TidegateError `engine.not_ours` when one of that name is somebody else's, or another app's
   */
  ensureNetwork(plan: ThingPlan): Promise<string>;
  /** @throws TidegateError `engine.not_ours` */
  removeNetwork(name: string): Promise<Removal>;
  /** Those that carry labels of ours. */
  networks(): Promise<readonly EngineThing[]>;
  /** @throws TidegateError `engine.not_ours` when one of that name is somebody else's, or another app's */
  ensureVolume(plan: ThingPlan): Promise<void>;
  /** @throws TidegateError `engine.not_ours` */
  removeVolume(name: string): Promise<Removal>;
  volumes(): Promise<readonly EngineThing[]>;

  /** What listens in the network of a container; null: it does not run, or its processes cannot be seen from here. */
  listeningPorts(containerId: string): Promise<readonly ListeningPort[] | null>;
  /** The last lines of both its outputs (of the main member for a pause container), each cut at 2 KiB. */
  lastLogs(containerId: string, lines: number): Promise<readonly string[]>;
}
