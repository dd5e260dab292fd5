/**
 * Containers as a Docker Engine keeps them, without one: created, running, paused, exited, gone; a new `startedAt` and
 * address at every start; a freezer that the Engine does not know of; apps that take their time to listen, to end, or
 * that crash. Everything happens on a clock that the test moves.
 */
import type { Clock, Timer } from '#core/clock';
import type { ContainerStatus, ReplicaSnapshot } from '#core/set';
import { FakeRefusal } from './fake-refusal.ts';

/** What a test may say of a container and of the app in it. */
export interface ContainerTraits {
  readonly name: string;
  readonly createdAt: number;
  readonly hasHealthcheck: boolean;
  readonly stopTimeoutS: number;
  readonly weight: number;
  readonly cloneOf: string | null;
  /** The one that it gets at every start; null: another one each time. */
  readonly fixedAddress: string | null;
  /** Null: it has no port that could be dialled. */
  readonly port: number | null;
  readonly unroutable: string | null;
  /** From its start until it listens; null: it never does. */
  readonly listensAfterMs: number | null;
  /** From its start until it ends by itself; null: it does not. */
  readonly crashesAfterMs: number | null;
  /** From the stop signal until it ends; null: it ignores the signal. */
  readonly endsAfterMs: number | null;
  /** The Engine starts it again when it ends by itself. */
  readonly restarts: boolean;
}

export interface FakeContainer extends Omit<ContainerTraits, 'restarts' | 'endsAfterMs'> {
  readonly id: string;
  readonly set: string;
  status: Exclude<ContainerStatus, 'stopping'>;
  stopping: boolean;
  restarts: boolean;
  endsAfterMs: number | null;
  /** By the cgroup freezer, behind the Engine's back. */
  frozen: boolean;
  startedAt: string | null;
  exitCode: number | null;
  pid: number;
  address: string;
  /** It answers requests; a test may take that from it while it runs. */
  sick: boolean;
  listensAt: number;
  timers: Timer[];
  onDead: (() => void)[];
}

export type WorldEvent = 'create' | 'start' | 'kill' | 'die' | 'pause' | 'unpause' | 'destroy' | 'change';

const TRAITS: Omit<ContainerTraits, 'name' | 'createdAt'> = {
  hasHealthcheck: false,
  stopTimeoutS: 10,
  weight: 100,
  cloneOf: null,
  fixedAddress: null,
  port: 8080,
  unroutable: null,
  listensAfterMs: 20,
  crashesAfterMs: null,
  endsAfterMs: 50,
  restarts: false,
};
const RESTART_MS = 100;

export class FakeWorld {
  readonly containers = new Map<string, FakeContainer>();
  readonly #clock: Clock;
  readonly #onEvent: (event: WorldEvent, container: FakeContainer) => void;
  #count = 0;

  constructor(clock: Clock, onEvent: (event: WorldEvent, container: FakeContainer) => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  /** Makes a container that was not started yet. */
  create(set: string, traits: Partial<ContainerTraits> = {}): FakeContainer {
    const number = ++this.#count;
    const container: FakeContainer = {
      ...TRAITS,
      name: `c${number}`,
      createdAt: number,
      ...traits,
      id: `${number}`.padStart(4, 'c'),
      set,
      status: 'created',
      stopping: false,
      frozen: false,
      startedAt: null,
      exitCode: null,
      pid: 0,
      address: '',
      sick: false,
      listensAt: Number.POSITIVE_INFINITY,
      timers: [],
      onDead: [],
    };
    this.containers.set(container.id, container);
    this.#onEvent('create', container);
    return container;
  }

  get(id: string): FakeContainer {
    const container = this.containers.get(id);
    if (container === undefined) throw new FakeRefusal('engine.not_found', `no such container: ${id}`);
    return container;
  }

  start(id: string): void {
    const container = this.get(id);
    if (isUp(container)) return;
    const now = this.#clock.now();
    container.status = 'running';
    // As the Engine writes it, to the nanosecond, and no two alike.
    const nanoseconds = `${++this.#count}`.padStart(6, '0');
    container.startedAt = new Date(this.#clock.wall()).toISOString().replace('Z', `${nanoseconds}Z`);
    container.exitCode = null;
    container.pid = 1000 + this.#count;
    container.address = container.fixedAddress ?? `10.0.0.${this.#count}`;
    container.listensAt = now + (container.listensAfterMs ?? Number.POSITIVE_INFINITY);
    this.#onEvent('start', container);
    const { crashesAfterMs } = container;
    if (crashesAfterMs !== null) this.#later(container, crashesAfterMs, () => this.die(id, 1));
  }

  /** Sends the stop signal, and SIGKILL when that took too long. A frozen process cannot see the first of them. */
  kill(id: string, onDead: () => void = () => {}): void {
    const container = this.get(id);
    if (!isUp(container)) {
      container.restarts = false;
      onDead();
      return;
    }
    container.onDead.push(onDead);
    container.stopping = true;
    this.#onEvent('kill', container);
    if (container.status === 'paused') {
      container.status = 'running';
      this.#onEvent('unpause', container);
    }
    if (!container.frozen) this.#seeSignal(container);
    this.#later(container, container.stopTimeoutS * 1000, () => this.die(id, 137));
  }

  die(id: string, exitCode: number): void {
    const container = this.containers.get(id);
    if (container === undefined || !isUp(container)) return;
    const restarts = container.restarts && !container.stopping;
    this.#down(container, exitCode);
    container.status = restarts ? 'restarting' : 'exited';
    this.#onEvent('die', container);
    for (const onDead of container.onDead.splice(0)) onDead();
    if (restarts) {
      this.#later(container, RESTART_MS, () => {
        if (container.status === 'restarting') this.start(id);
      });
    }
  }

  pause(id: string): void {
    const container = this.get(id);
    if (container.status !== 'running') throw new FakeRefusal('engine.refused', `${id} does not run`);
    if (container.frozen) throw new FakeRefusal('engine.refused', `${id} is frozen`);
    container.status = 'paused';
    this.#onEvent('pause', container);
  }

  unpause(id: string): void {
    const container = this.get(id);
    if (container.status !== 'paused') throw new FakeRefusal('engine.refused', `${id} is not paused`);
    container.status = 'running';
    this.#onEvent('unpause', container);
  }

  remove(id: string, force = false): void {
    const container = this.get(id);
    if (isUp(container) && !force) throw new FakeRefusal('engine.refused', `${id} runs`);
    if (isUp(container)) {
      this.#down(container, 137);
      container.status = 'exited';
      this.#onEvent('die', container);
    }
    for (const timer of container.timers) timer.cancel();
    for (const onDead of container.onDead.splice(0)) onDead();
    this.containers.delete(id);
    this.#onEvent('destroy', container);
  }

  freeze(id: string, pid: number): boolean {
    const container = this.containers.get(id);
    if (
      container === undefined ||
      container.pid !== pid ||
      container.status !== 'running' ||
      container.hasHealthcheck
    ) {
      return false;
    }
    container.frozen = true;
    return true;
  }

  thaw(id: string, pid: number): boolean {
    const container = this.containers.get(id);
    if (container === undefined || container.pid !== pid || !isUp(container)) return false;
    container.frozen = false;
    // A signal that came while it was frozen is seen now.
    if (container.stopping) this.#seeSignal(container);
    return true;
  }

  /** Says that a container looks different than before. */
  changed(container: FakeContainer): void {
    this.#onEvent('change', container);
  }

  /** A process of it would answer now. */
  answers(container: FakeContainer): boolean {
    const runs = container.status === 'running' && !container.frozen;
    return runs && !container.sick && container.listensAt <= this.#clock.now();
  }

  #seeSignal(container: FakeContainer): void {
    const { endsAfterMs, id } = container;
    if (endsAfterMs !== null) this.#later(container, endsAfterMs, () => container.frozen || this.die(id, 0));
  }

  #down(container: FakeContainer, exitCode: number): void {
    for (const timer of container.timers) timer.cancel();
    container.timers = [];
    container.stopping = false;
    container.frozen = false;
    container.exitCode = exitCode;
    container.pid = 0;
    container.address = '';
    container.listensAt = Number.POSITIVE_INFINITY;
  }

  #later(container: FakeContainer, ms: number, run: () => void): void {
    container.timers.push(this.#clock.after(ms, run));
  }
}

/** What discovery would make of a container at this moment. */
export function pictureOf(container: FakeContainer): ReplicaSnapshot {
  const up = isUp(container);
  const dialled = up && container.port !== null && container.unroutable === null;
  return {
    id: `local/${container.id}`,
    host: 'local',
    containerId: container.id,
    name: container.name,
    status: container.stopping && up ? 'stopping' : container.status,
    createdAt: container.createdAt,
    startedAt: container.startedAt,
    exitCode: up ? null : container.exitCode,
    pid: container.pid,
    hasHealthcheck: container.hasHealthcheck,
    endpoints: dialled ? [{ port: container.port, dialHost: container.address, dialPort: container.port }] : [],
    unroutable: up ? container.unroutable : null,
    revision: null,
    weight: container.weight,
    cloneOf: container.cloneOf,
    stopTimeoutS: container.stopTimeoutS,
  };
}

export function isUp(container: Pick<FakeContainer, 'status'>): boolean {
  return container.status === 'running' || container.status === 'paused';
}
