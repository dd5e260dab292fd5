/**
 * One Docker Engine over dockerode, behind the Engine port. Nothing waits here longer than its deadline, and nothing is
 * done to a container that does not carry our labels.
 */
import type { Clock } from '#core/clock';
import { TidegateError } from '#core/errors';
import type { Log } from '#core/log';
import { Breaker } from './breaker.ts';
import type { Unreadable, UsageEngine, UsageTarget } from './cgroup-stats.ts';
import type { ContainerUsage } from './container-reader.ts';
import { Endpoint, type EngineCerts } from './endpoint.ts';
import type {
  CloneOptions,
  EngineContainer,
  EngineContainerSummary,
  EngineInfo,
  EngineState,
  EventFollower,
  FreezeTarget,
} from './engine.ts';
import { EngineClient } from './engine-client.ts';
import { followEvents } from './engine-events.ts';
import { type EngineParts, engineParts } from './engine-parts.ts';
import { EngineStates } from './engine-states.ts';
import type { ExecEngine, ExecOptions, RunningExec } from './exec.ts';
import { get } from './get.ts';
import { Heartbeat } from './heartbeat.ts';
import type {
  EngineImage,
  EngineThing,
  EnsureImageOptions,
  HostEngine,
  ListeningPort,
  RegistryAuth,
  Removal,
  ThingPlan,
} from './host-engine.ts';
import { containerFrom, infoFrom, summaryFrom } from './inspect.ts';
import type { EngineLogBatch, LogEngine, LogOptions } from './logs.ts';
import { carriesOurLabel } from './ownership.ts';
import type { MemberLimits, MemberPlan, ReplicaPlan } from './replica-plan.ts';
import { wasSpare } from './spare-book.ts';
import type { SpareSettings } from './spares.ts';

const READ_MS = 5000;

export interface EngineOptions {
  /** `unix:///path` or `tcp://host:port`. */
  readonly endpoint: string;
  /** Our own name for the host. */
  readonly host: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For `tcp://`. */
  readonly certs?: EngineCerts;
  /** Left out: no spare sandboxes are kept. */
  readonly spares?: SpareSettings;
  /** Default `/proc`. */
  readonly procRoot?: string;
  /** Default `/sys/fs/cgroup`. */
  readonly cgroupRoot?: string;
}

/**
 * Opens the door to an Engine, whether it answers already or not.
 * @throws TidegateError `config.invalid` for an endpoint that cannot be one
 */
export function openEngine(options: EngineOptions): DockerEngine {
  return new DockerEngine(options);
}

export class DockerEngine implements HostEngine, LogEngine, ExecEngine, UsageEngine {
  readonly host: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #client: EngineClient;
  readonly #heartbeat: Heartbeat;
  readonly #parts: EngineParts;
  readonly #states: EngineStates;
  readonly #closed = new AbortController();
  #keepsSpares = false;

  constructor(options: EngineOptions) {
    const { clock } = options;
    const endpoint = new Endpoint(options.endpoint, options.certs);
    this.host = options.host;
    this.#clock = clock;
    this.#log = options.log.with({ host: options.host });
    const states = new EngineStates(this.#log);
    this.#states = states;
    const breaker = new Breaker(clock, (state, cause) => states.onBreaker(state, cause));
    const client = new EngineClient({ endpoint, clock, breaker });
    this.#client = client;
    this.#parts = engineParts({ ...options, client, local: endpoint.local, log: this.#log });
    this.#heartbeat = new Heartbeat({ clock, breaker, ping: () => client.ping() });
  }

  get state(): EngineState {
    return this.#states.state;
  }

  onState(listener: (state: EngineState, cause: string) => void): () => void {
    return this.#states.onState(listener);
  }

  async info(): Promise<EngineInfo> {
    const answer: unknown = await this.#client.call({ name: 'info', deadlineMs: READ_MS }, (docker, signal) =>
      get(docker, '/info', signal),
    );
    return infoFrom(answer, await this.#client.apiVersion());
  }

  async list(): Promise<readonly EngineContainerSummary[]> {
    const { taken } = this.#parts.ownership;
    const lines: unknown = await this.#client.call({ name: 'list', deadlineMs: READ_MS }, (docker, abortSignal) =>
      docker.listContainers({ all: true, abortSignal }),
    );
    if (!Array.isArray(lines)) throw new TidegateError('engine.refused', 'list: the Engine answered with no list');
    const all = lines.map(summaryFrom).filter((one) => one !== null);
    // A spare is nobody's, and nothing to see.
    return this.#parts.ownership
      .sawAll(all, taken)
      .filter(({ labels }) => carriesOurLabel(labels) && !wasSpare(labels));
  }

  async inspect(id: string): Promise<EngineContainer> {
    return containerFrom(await this.#parts.containers.inspect(id));
  }

  follow(follower: EventFollower, signal: AbortSignal): void {
    const { ownership, spares } = this.#parts;
    followEvents({
      ...{ client: this.#client, clock: this.#clock, log: this.#log, ownership },
      onState: (listener) => this.onState(listener),
      follower: {
        ...{ onEvent: (event) => follower.onEvent(event), onLost: (error) => follower.onLost(error) },
        onConnected: () => {
          if (this.#keepsSpares) spares?.keep();
          follower.onConnected();
        },
      },
      onSpareLost: (id) => spares?.lost(id),
      signal: AbortSignal.any([signal, this.#closed.signal]),
    });
  }

  start(id: string): Promise<void> {
    return this.#parts.replicas.start(id);
  }

  stop(id: string, timeoutS: number): Promise<void> {
    return this.#parts.replicas.stop(id, timeoutS);
  }

  rest(id: string, timeoutS: number): Promise<void> {
    return this.#parts.replicas.rest(id, timeoutS);
  }

  pause(id: string): Promise<void> {
    return this.#parts.replicas.pause(id);
  }

  unpause(id: string): Promise<void> {
    return this.#parts.replicas.unpause(id);
  }

  remove(id: string): Promise<void> {
    return this.#parts.replicas.remove(id);
  }

  clone(id: string, options: CloneOptions): Promise<string> {
    return this.#parts.cloner.clone(id, options);
  }

  logs(id: string, options: LogOptions): Promise<AsyncIterable<EngineLogBatch>> {
    return this.#parts.logs.open(id, options);
  }

  exec(containerId: string, options: ExecOptions): Promise<RunningExec> {
    return this.#parts.execs.start(containerId, options);
  }

  usage(target: UsageTarget): ContainerUsage | Unreadable {
    return this.#parts.usages.usage(target);
  }

  forgetUsage(containerId: string): void {
    this.#parts.usages.forgetUsage(containerId);
  }

  freeze(target: FreezeTarget): Promise<boolean> {
    return this.#parts.replicas.freeze(target);
  }

  thaw(target: FreezeTarget): Promise<boolean> {
    return this.#parts.replicas.thaw(target);
  }

  isFrozen(target: FreezeTarget): Promise<boolean> {
    return this.#parts.replicas.isFrozen(target);
  }

  makeReplica(plan: ReplicaPlan, signal?: AbortSignal): Promise<string> {
    return this.#parts.maker.make(plan, signal);
  }

  replaceMembers(
    pauseId: string,
    members: readonly MemberPlan[],
    labels: Readonly<Record<string, string>>,
  ): Promise<void> {
    return this.#parts.changes.replace(pauseId, members, labels);
  }

  resize(pauseId: string, limits: readonly MemberLimits[]): Promise<void> {
    return this.#parts.limits.resize(pauseId, limits);
  }

  /** Spare sandboxes are kept from now on, if any are to be. */
  keepSpares(): void {
    this.#keepsSpares = true;
    this.#parts.spares?.keep();
  }

  /** Spare sandboxes that may be taken. */
  get spares(): number {
    return this.#parts.spares?.ready ?? 0;
  }

  async sweepReplicas(instance: string): Promise<readonly string[]> {
    const { maker, changes } = this.#parts;
    const ended = await changes.sweep(instance);
    return [...ended, ...(await maker.sweep(instance, (replica) => changes.isChanging(replica)))];
  }

  ensureImage(reference: string, options: EnsureImageOptions): Promise<EngineImage> {
    return this.#parts.images.ensure(reference, options);
  }

  proveAccess(reference: string, options: Parameters<HostEngine['proveAccess']>[1]): Promise<void> {
    return this.#parts.images.prove(reference, options);
  }

  tryLogin(registry: string, auth: RegistryAuth): Promise<'accepted' | 'refused'> {
    return this.#parts.images.tryLogin(registry, auth);
  }

  keepImage(imageId: string, reason: string): Promise<void> {
    return this.#parts.images.keep(imageId, reason);
  }

  releaseImage(reason: string): Promise<Removal> {
    return this.#parts.images.release(reason);
  }

  ensurePauseImage(): Promise<string> {
    return this.#parts.images.ensurePause();
  }

  ensureNetwork(plan: ThingPlan): Promise<string> {
    return this.#parts.networks.ensure(plan);
  }

  removeNetwork(name: string): Promise<Removal> {
    return this.#parts.networks.remove(name);
  }

  networks(): Promise<readonly EngineThing[]> {
    return this.#parts.networks.list();
  }

  ensureVolume(plan: ThingPlan): Promise<void> {
    return this.#parts.volumes.ensure(plan);
  }

  removeVolume(name: string): Promise<Removal> {
    return this.#parts.volumes.remove(name);
  }

  volumes(): Promise<readonly EngineThing[]> {
    return this.#parts.volumes.list();
  }

  listeningPorts(containerId: string): Promise<readonly ListeningPort[] | null> {
    return this.#parts.sight.listeningPorts(containerId);
  }

  lastLogs(containerId: string, lines: number): Promise<readonly string[]> {
    return this.#parts.sight.lastLogs(containerId, lines);
  }

  close(): void {
    this.#heartbeat.close();
    this.#closed.abort();
    this.#parts.spares?.close();
    this.#parts.usages.close();
    this.#states.close();
    this.#client.close();
  }
}
