/**
 * One Docker Engine over dockerode, behind the Engine port. Nothing waits here longer than its deadline, and nothing is
 * done to a container that does not carry our labels.
 */
import type { Clock } from '#core/clock';
import { TidegateError } from '#core/errors';
import type { Log } from '#core/log';
import { Breaker, type BreakerState } from './breaker.ts';
import { Cloner } from './clone.ts';
import { Containers } from './containers.ts';
import { Endpoint, type EngineCerts } from './endpoint.ts';
import {
  type CloneOptions,
  ENGINE_ACTIONS,
  type Engine,
  type EngineContainer,
  type EngineContainerSummary,
  type EngineInfo,
  type EngineState,
  type EventFollower,
  type FreezeTarget,
} from './engine.ts';
import { EngineClient } from './engine-client.ts';
import { EventStream } from './event-stream.ts';
import { Freezer } from './freezer.ts';
import { get } from './get.ts';
import { Heartbeat } from './heartbeat.ts';
import { containerFrom, summaryFrom } from './inspect.ts';
import { type EngineLogBatch, type LogEngine, type LogOptions, Logs } from './logs.ts';
import { carriesOurLabel, Ownership } from './ownership.ts';

const READ_MS = 5000;

/** What the Engine is asked to tell of: network events are named without the word. */
const FOLLOWED = {
  type: ['container' as const, 'network' as const],
  event: [...ENGINE_ACTIONS.filter((action) => !action.startsWith('network_')), 'connect', 'disconnect'],
};

export interface EngineOptions {
  /** `unix:///path` or `tcp://host:port`. */
  readonly endpoint: string;
  /** Our own name for the host. */
  readonly host: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For `tcp://`. */
  readonly certs?: EngineCerts;
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

export class DockerEngine implements Engine, LogEngine {
  readonly host: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #client: EngineClient;
  readonly #heartbeat: Heartbeat;
  readonly #ownership = new Ownership();
  readonly #containers: Containers;
  readonly #cloner: Cloner;
  readonly #logs: Logs;
  /** Null: the Engine is on another machine. */
  readonly #freezer: Freezer | null;
  readonly #listeners = new Set<(state: EngineState, cause: string) => void>();
  readonly #closed = new AbortController();
  #state: EngineState = 'reachable';

  constructor(options: EngineOptions) {
    const { clock } = options;
    const endpoint = new Endpoint(options.endpoint, options.certs);
    this.host = options.host;
    this.#clock = clock;
    this.#log = options.log.with({ host: options.host });
    const breaker = new Breaker(clock, (state, cause) => this.#onBreaker(state, cause));
    const client = new EngineClient({ endpoint, clock, breaker });
    const ownership = this.#ownership;
    const freezer = endpoint.local ? new Freezer(options) : null;
    const containers = new Containers({ client, ownership, freezer });
    this.#client = client;
    this.#containers = containers;
    this.#cloner = new Cloner({ client, containers, ownership, log: this.#log });
    this.#logs = new Logs({ client, containers });
    this.#freezer = freezer;
    this.#heartbeat = new Heartbeat({ clock, breaker, ping: () => client.ping() });
  }

  get state(): EngineState {
    return this.#state;
  }

  onState(listener: (state: EngineState, cause: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async info(): Promise<EngineInfo> {
    const answer: unknown = await this.#client.call({ name: 'info', deadlineMs: READ_MS }, (docker, signal) =>
      get(docker, '/info', signal),
    );
    return infoFrom(answer, await this.#client.apiVersion());
  }

  async list(): Promise<readonly EngineContainerSummary[]> {
    const lines: unknown = await this.#client.call({ name: 'list', deadlineMs: READ_MS }, (docker, abortSignal) =>
      docker.listContainers({ all: true, abortSignal }),
    );
    if (!Array.isArray(lines)) throw new TidegateError('engine.refused', 'list: the Engine answered with no list');
    const all = lines.map(summaryFrom).filter((one) => one !== null);
    this.#ownership.sawAll(all);
    return all.filter((one) => carriesOurLabel(one.labels));
  }

  async inspect(id: string): Promise<EngineContainer> {
    return containerFrom(await this.#containers.inspect(id));
  }

  follow(follower: EventFollower, signal: AbortSignal): void {
    const stream = new EventStream(
      {
        open: (since, ended) => this.#openEvents(since, ended),
        onState: (listener) => this.onState(listener),
        clock: this.#clock,
        log: this.#log,
      },
      {
        onConnected: () => follower.onConnected(),
        onEvent: (event) => {
          if (event.action === 'create') this.#ownership.saw(event.containerId, event.attributes);
          if (event.action === 'destroy') this.#ownership.forget(event.containerId);
          follower.onEvent(event);
        },
        onLost: (error) => follower.onLost(error),
      },
      AbortSignal.any([signal, this.#closed.signal]),
    );
    void stream.run();
  }

  start(id: string): Promise<void> {
    return this.#containers.start(id);
  }

  stop(id: string, timeoutS: number): Promise<void> {
    return this.#containers.stop(id, timeoutS);
  }

  pause(id: string): Promise<void> {
    return this.#containers.pause(id);
  }

  unpause(id: string): Promise<void> {
    return this.#containers.unpause(id);
  }

  remove(id: string): Promise<void> {
    return this.#containers.remove(id);
  }

  clone(id: string, options: CloneOptions): Promise<string> {
    return this.#cloner.clone(id, options);
  }

  logs(id: string, options: LogOptions): Promise<AsyncIterable<EngineLogBatch>> {
    return this.#logs.open(id, options);
  }

  async freeze(target: FreezeTarget): Promise<boolean> {
    await this.#containers.requireOurs(target.containerId);
    if (this.#freezer === null || target.hasHealthcheck) return false;
    return this.#freezer.freeze(target);
  }

  async thaw(target: FreezeTarget): Promise<boolean> {
    await this.#containers.requireOurs(target.containerId);
    return this.#freezer?.thaw(target) ?? false;
  }

  isFrozen(target: FreezeTarget): Promise<boolean> {
    return Promise.resolve(this.#freezer?.isFrozen(target) ?? false);
  }

  close(): void {
    this.#heartbeat.close();
    this.#closed.abort();
    this.#listeners.clear();
    this.#client.close();
  }

  async #openEvents(since: number | null, signal: AbortSignal): Promise<AsyncIterable<Uint8Array | string>> {
    // Whatever broke the last stream, the daemon behind the endpoint may be another one now.
    this.#client.forgetVersion();
    const call = { name: 'events', deadlineMs: READ_MS, signal };
    const stream = await this.#client.call(call, (docker, abortSignal) =>
      docker.getEvents({ filters: FOLLOWED, ...(since === null ? {} : { since }), abortSignal }),
    );
    return stream;
  }

  #onBreaker(breaker: BreakerState, cause: string): void {
    const state: EngineState = breaker === 'closed' ? 'reachable' : 'degraded';
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'degraded') this.#log.warn('the Engine does not answer', { cause });
    else this.#log.info('the Engine answers again');
    for (const listener of [...this.#listeners]) {
      try {
        listener(state, cause);
      } catch (error) {
        // The call that moved the state went its way; it must not look as if it had failed.
        this.#log.error('a listener to the state of the Engine failed', { error });
      }
    }
  }
}

function infoFrom(answer: unknown, apiVersion: string): EngineInfo {
  const info = (typeof answer === 'object' ? answer : null) as Readonly<Record<string, unknown>> | null;
  return {
    version: String(info?.ServerVersion ?? ''),
    apiVersion,
    storageDriver: String(info?.Driver ?? ''),
    cgroupVersion: info?.CgroupVersion === '2' ? '2' : '1',
    liveRestore: info?.LiveRestoreEnabled === true,
  };
}
