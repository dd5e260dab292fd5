/**
 * Containers as a Docker Engine keeps them, without one: created, running, paused, exited, gone; a new `startedAt` and
 * address at every start; a freezer that the Engine does not know of; apps that take their time to listen, to end, or
 * that crash. Everything happens on a clock that the test moves.
 */
import type { Clock, Timer } from '#core/clock';
import type { ContainerStatus, MemberSnapshot, ReplicaSnapshot } from '#core/set';
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
  readonly revision: string | null;
  /** It is a replica that Tidegate made, with these side members; null: a container alone. */
  readonly sides: readonly string[] | null;
}

/** A side member of a replica that Tidegate made. */
export interface FakeSide {
  readonly name: string;
  status: 'created' | 'running' | 'exited';
  startedAt: string | null;
}

export interface FakeContainer extends Omit<ContainerTraits, 'restarts' | 'endsAfterMs' | 'sides'> {
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
  /** Null: it is a container alone. */
  readonly sides: FakeSide[] | null;
  /** The pause container of a replica that Tidegate made runs. */
  pauseRuns: boolean;
  /** It goes on when the members have stopped. */
  keepsPause: boolean;
  oomKilled: boolean;
  /** Its network is gone: it runs on without one. */
  adrift: boolean;
  /** A member of it was taken away. */
  isIncomplete: boolean;
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
  revision: null,
  sides: null,
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
      sides: (traits.sides ?? null)?.map((name) => ({ name, status: 'created', startedAt: null })) ?? null,
      pauseRuns: false,
      keepsPause: false,
      oomKilled: false,
      adrift: false,
      isIncomplete: false,
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
    this.#startSides(container);
    if (isUp(container)) return;
    const now = this.#clock.now();
    container.status = 'running';
    container.startedAt = this.#moment();
    container.oomKilled = false;
    container.exitCode = null;
    container.pid = 1000 + this.#count;
    container.address = container.fixedAddress ?? `10.0.0.${this.#count}`;
    container.listensAt = now + (container.listensAfterMs ?? Number.POSITIVE_INFINITY);
    this.#onEvent('start', container);
    const { crashesAfterMs } = container;
    if (crashesAfterMs !== null) this.#later(container, crashesAfterMs, () => this.die(id, 1));
  }

  /** Sends the stop signal, and SIGKILL when that took too long. A frozen process cannot see the first of them. */
  kill(id: string, onDead: () => void = () => {}, what: 'all' | 'members' = 'all'): void {
    const container = this.get(id);
    container.keepsPause = what === 'members';
    if (!isUp(container)) {
      container.restarts = false;
      this.#stopWhole(container);
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
    const whole = container.stopping;
    this.#down(container, exitCode);
    container.status = restarts ? 'restarting' : 'exited';
    this.#onEvent('die', container);
    if (whole) this.#stopWhole(container);
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
    if ((isUp(container) || container.pauseRuns) && !force) throw new FakeRefusal('engine.refused', `${id} runs`);
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

  /** A side member ends by itself, or is stopped. */
  loseSide(id: string, name: string): void {
    const container = this.get(id);
    const side = container.sides?.find((one) => one.name === name);
    if (side?.status !== 'running') return;
    side.status = 'exited';
    this.#onEvent('change', container);
  }

  /** The pause container of a replica ends, and its main member runs on. */
  losePause(id: string): void {
    const container = this.get(id);
    container.pauseRuns = false;
    container.adrift = isUp(container);
    this.#onEvent('change', container);
  }

  /** Says that a container looks different than before. */
  changed(container: FakeContainer): void {
    this.#onEvent('change', container);
  }

  /** A process of it would answer now. */
  answers(container: FakeContainer): boolean {
    const runs = container.status === 'running' && !container.frozen;
    return runs && !container.sick && !container.adrift && container.listensAt <= this.#clock.now();
  }

  #startSides(container: FakeContainer): void {
    const { sides } = container;
    if (sides === null) return;
    container.pauseRuns = true;
    const down = sides.filter((one) => one.status !== 'running');
    for (const side of down) Object.assign(side, { status: 'running', startedAt: this.#moment() });
    if (down.length > 0 && isUp(container)) this.#onEvent('change', container);
  }

  /** What is left of a replica that Tidegate made is stopped: side members and pause container. */
  #stopWhole(container: FakeContainer): void {
    if (container.sides === null || !container.pauseRuns) return;
    if (!container.keepsPause) container.pauseRuns = false;
    for (const side of container.sides) if (side.status === 'running') side.status = 'exited';
    this.#onEvent('change', container);
  }

  /** As the Engine writes it, to the nanosecond, and no two alike. */
  #moment(): string {
    const nanoseconds = `${++this.#count}`.padStart(6, '0');
    return new Date(this.#clock.wall()).toISOString().replace('Z', `${nanoseconds}Z`);
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
    container.adrift = false;
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
  const up = isUp(container) && (container.sides === null || container.pauseRuns);
  const dialled = up && container.port !== null && container.unroutable === null;
  return {
    id: `local/${container.id}`,
    host: 'local',
    containerId: container.id,
    name: container.name,
    status: container.stopping && up ? 'stopping' : isUp(container) && !up ? 'exited' : container.status,
    createdAt: container.createdAt,
    startedAt: container.startedAt,
    exitCode: up ? null : container.exitCode,
    pid: container.pid,
    hasHealthcheck: container.hasHealthcheck,
    endpoints: dialled ? [{ port: container.port, dialHost: container.address, dialPort: container.port }] : [],
    unroutable: up ? container.unroutable : null,
    revision: container.revision,
    weight: container.weight,
    cloneOf: container.cloneOf,
    stopTimeoutS: container.stopTimeoutS,
    ...(container.sides === null ? {} : { members: membersOf(container, container.sides) }),
    ...(container.isIncomplete ? { isIncomplete: true } : {}),
    ...(isSandbox(container) ? { isSandbox: true } : {}),
  };
}

function isSandbox({ status, sides, pauseRuns }: FakeContainer): boolean {
  const isDown = status === 'created' || status === 'exited';
  return isDown && pauseRuns && sides?.some((one) => one.status === 'running') === false;
}

function membersOf(container: FakeContainer, sides: readonly FakeSide[]): MemberSnapshot[] {
  const { status, stopping, startedAt, exitCode, oomKilled, pid } = container;
  const main = {
    ...{ index: 1, name: 'main', containerId: `${container.id}m`, image: 'app', startedAt, oomKilled, pid },
    status: stopping && isUp(container) ? ('stopping' as const) : status,
    exitCode: isUp(container) ? null : exitCode,
  };
  const others = sides.map((side, i) => ({
    ...{ index: i + 2, name: side.name, containerId: `${container.id}s${i}`, image: 'side' },
    ...{ status: side.status, startedAt: side.startedAt, oomKilled: false, pid: 0 },
    exitCode: side.status === 'exited' ? 1 : null,
  }));
  return [main, ...others];
}

export function isUp(container: Pick<FakeContainer, 'status'>): boolean {
  return container.status === 'running' || container.status === 'paused';
}
