/**
 * An Engine that tests script: containers are put and changed by hand, its events are sent by hand, and its answers can
 * be held back or made to fail. It counts what it is asked.
 */
import { TidegateError } from '#core/errors';
import type {
  Engine,
  EngineAction,
  EngineContainer,
  EngineContainerSummary,
  EngineInfo,
  EngineState,
  EventFollower,
} from '#docker/engine';
import { goldenContainer } from './golden.ts';

export class FakeEngine implements Engine {
  readonly host: string;
  state: EngineState = 'reachable';
  readonly containers = new Map<string, EngineContainer>();
  lists = 0;
  /** Ids in the order in which they were inspected. */
  readonly inspected: string[] = [];
  /** Answers wait until `release`. */
  holdsInspects = false;
  holdsLists = false;
  /** Thrown by every list or inspect, as long as it is set. */
  failure: TidegateError | null = null;
  /** Thrown by every inspect of that container. */
  readonly failures = new Map<string, TidegateError>();
  /** What a list says instead of the truth; null: the truth. */
  listSays: readonly EngineContainerSummary[] | null = null;
  #waiting: (() => void)[] = [];
  #followers: EventFollower[] = [];
  readonly #listeners = new Set<(state: EngineState, cause: string) => void>();

  constructor(host = 'local') {
    this.host = host;
  }

  /** Makes a container, or replaces it, without a word to anybody. */
  put(id: string, overrides: Partial<EngineContainer> = {}): EngineContainer {
    const container = goldenContainer({ id, name: id, labels: { 'tidegate.app': 'shop' }, ...overrides });
    this.containers.set(id, container);
    return container;
  }

  change(id: string, overrides: Partial<EngineContainer>): void {
    const container = this.containers.get(id);
    if (container === undefined) throw new Error(`there is no container ${id}`);
    this.containers.set(id, { ...container, ...overrides });
  }

  /** Sends an event, with the labels of the container as the Engine does. */
  send(action: EngineAction, containerId: string, attributes: Readonly<Record<string, string>> = {}): void {
    const isNetwork = action === 'network_connect' || action === 'network_disconnect';
    const labels = isNetwork ? {} : (this.containers.get(containerId)?.labels ?? {});
    for (const follower of this.#followers) {
      follower.onEvent({ action, containerId, attributes: { ...labels, ...attributes }, at: 0 });
    }
  }

  connect(): void {
    for (const follower of this.#followers) follower.onConnected();
  }

  lose(): void {
    for (const follower of this.#followers) follower.onLost(new Error('the stream broke'));
  }

  turn(state: EngineState, cause = 'it does not answer'): void {
    this.state = state;
    for (const listener of this.#listeners) listener(state, cause);
  }

  /** Lets every answer that is held back go. */
  release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  onState(listener: (state: EngineState, cause: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async list(): Promise<readonly EngineContainerSummary[]> {
    this.lists++;
    const says =
      this.listSays ?? [...this.containers.values()].map(({ id, labels, status }) => ({ id, labels, status }));
    if (this.holdsLists) await this.#held();
    if (this.failure !== null) throw this.failure;
    return says.filter((one) => Object.keys(one.labels).some((label) => label.startsWith('tidegate.')));
  }

  async inspect(id: string): Promise<EngineContainer> {
    this.inspected.push(id);
    const container = this.containers.get(id) ?? [...this.containers.values()].find((one) => one.name === id);
    if (this.holdsInspects) await this.#held();
    const failure = this.failure ?? this.failures.get(id);
    if (failure != null) throw failure;
    if (container === undefined) throw new TidegateError('engine.not_found', `no such container: ${id}`);
    return container;
  }

  follow(follower: EventFollower, signal: AbortSignal): void {
    this.#followers.push(follower);
    signal.addEventListener('abort', () => {
      this.#followers = this.#followers.filter((one) => one !== follower);
    });
  }

  info(): Promise<EngineInfo> {
    return unused();
  }
  start(): Promise<void> {
    return unused();
  }
  rest(): Promise<void> {
    return unused();
  }

  stop(): Promise<void> {
    return unused();
  }
  pause(): Promise<void> {
    return unused();
  }
  unpause(): Promise<void> {
    return unused();
  }
  remove(): Promise<void> {
    return unused();
  }
  clone(): Promise<string> {
    return unused();
  }
  freeze(): Promise<boolean> {
    return unused();
  }
  thaw(): Promise<boolean> {
    return unused();
  }
  isFrozen(): Promise<boolean> {
    return unused();
  }
  close(): void {}

  #held(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function unused(): never {
  throw new Error('discovery only looks; it never acts');
}
