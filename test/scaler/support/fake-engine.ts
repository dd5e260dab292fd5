/**
 * An Engine over a FakeWorld: every call takes time, and can be made to fail, to refuse at once, or to hang until its
 * deadline. What was asked of an Engine that hung is done when it recovers, as a stopped dockerd does.
 */
import type { Clock } from '#core/clock';
import type {
  CloneOptions,
  Engine,
  EngineContainer,
  EngineContainerSummary,
  EngineInfo,
  EngineState,
  FreezeTarget,
} from '#docker/engine';
import { FakeRefusal } from './fake-refusal.ts';
import type { FakeContainer, FakeWorld } from './fake-world.ts';

export const FAKE_CALLS = [
  'start',
  'stop',
  'rest',
  'pause',
  'unpause',
  'remove',
  'clone',
  'freeze',
  'thaw',
  'isFrozen',
  'inspect',
] as const;
export type FakeCall = (typeof FAKE_CALLS)[number];

/** `away`: refuses connections. `hung`: takes calls and does not answer. */
export type FakeMood = 'well' | 'away' | 'hung';

export interface CallRecord {
  readonly call: FakeCall;
  readonly id: string;
  readonly at: number;
}

/** Written to the files of the kernel: no Engine is asked. */
const DIRECT: readonly FakeCall[] = ['freeze', 'thaw', 'isFrozen'];
const DEADLINE_MS: Readonly<Partial<Record<FakeCall, number>>> = {
  start: 60_000,
  stop: 20_000,
  rest: 20_000,
  pause: 10_000,
  unpause: 10_000,
};
const OTHER_DEADLINE_MS = 5000;
const RUNAWAY_CALLS = 500;
const LATENCY_MS: Readonly<Record<FakeCall, number>> = {
  start: 30,
  stop: 1,
  rest: 1,
  pause: 18,
  unpause: 20,
  remove: 10,
  clone: 15,
  freeze: 1,
  thaw: 0,
  isFrozen: 0,
  inspect: 3,
};

export class FakeEngine implements Engine {
  readonly host = 'local';
  readonly state: EngineState = 'reachable';
  readonly calls: CallRecord[] = [];
  /** The freezer of the kernel can be written. */
  direct = true;
  mood: FakeMood = 'well';
  /** Of every call, in ms; null: as real ones. */
  latency: (call: FakeCall) => number = (call) => LATENCY_MS[call];
  onCall: (call: FakeCall, id: string) => void = () => {};
  /** Called right before a call takes effect. */
  onAct: (call: FakeCall, container: FakeContainer) => void = () => {};
  /** So many calls came in one moment that they would never have ended. */
  ranAway = false;
  #thisMoment = { at: 0, calls: 0 };
  readonly #clock: Clock;
  readonly #world: FakeWorld;
  readonly #faults: { readonly call: FakeCall; error: unknown; left: number; atOnce: boolean }[] = [];
  /** What waits for the Engine to recover. */
  readonly #asked: (() => void)[] = [];

  constructor(clock: Clock, world: FakeWorld) {
    this.#clock = clock;
    this.#world = world;
  }

  count(call: FakeCall): number {
    return this.calls.filter((one) => one.call === call).length;
  }

  /** Lets the next calls of a kind fail; infinitely many unless `times` says how many. */
  fail(
    call: FakeCall,
    error: unknown = new FakeRefusal('engine.refused', `${call}: no`),
    times = Number.POSITIVE_INFINITY,
  ): void {
    this.#faults.push({ call, error, left: times, atOnce: false });
  }

  /** As `fail`, without any time passing and without a promise: thrown into the face of the caller. */
  throwAtOnce(
    call: FakeCall,
    error: unknown = new FakeRefusal('engine.refused', `${call}: no`),
    times = Number.POSITIVE_INFINITY,
  ): void {
    this.#faults.push({ call, error, left: times, atOnce: true });
  }

  /** Everything goes well again; what was asked meanwhile is done. */
  recover(): void {
    this.mood = 'well';
    this.#faults.length = 0;
    for (const run of this.#asked.splice(0)) run();
  }

  start(id: string): Promise<void> {
    return this.#call('start', id, () => this.#world.start(id));
  }

  stop(id: string): Promise<void> {
    return this.#call('stop', id, () => new Promise<void>((resolve) => this.#world.kill(id, resolve)));
  }

  rest(id: string): Promise<void> {
    return this.#call('rest', id, () => new Promise<void>((resolve) => this.#world.kill(id, resolve, 'members')));
  }

  pause(id: string): Promise<void> {
    return this.#call('pause', id, () => this.#world.pause(id));
  }

  unpause(id: string): Promise<void> {
    return this.#call('unpause', id, () => this.#world.unpause(id));
  }

  remove(id: string): Promise<void> {
    return this.#call('remove', id, () => this.#world.remove(id));
  }

  clone(id: string, options: CloneOptions): Promise<string> {
    return this.#call('clone', id, () => {
      const original = this.#world.get(id);
      for (const { name } of this.#world.containers.values()) {
        if (name === options.name) throw new FakeRefusal('engine.refused', `the name ${name} is in use`, 409);
      }
      const { set, stopTimeoutS, hasHealthcheck, listensAfterMs, endsAfterMs, crashesAfterMs, port } = original;
      const traits = { stopTimeoutS, hasHealthcheck, listensAfterMs, endsAfterMs, crashesAfterMs, port };
      const cloneOf = options.labels['tidegate.clone.of'] ?? null;
      return this.#world.create(set, { ...traits, name: options.name, cloneOf }).id;
    });
  }

  freeze({ containerId, pid }: FreezeTarget): Promise<boolean> {
    return this.#call('freeze', containerId, () => this.direct && this.#world.freeze(containerId, pid));
  }

  thaw({ containerId, pid }: FreezeTarget): Promise<boolean> {
    return this.#call('thaw', containerId, () => this.direct && this.#world.thaw(containerId, pid));
  }

  isFrozen({ containerId, pid }: FreezeTarget): Promise<boolean> {
    return this.#call('isFrozen', containerId, () => {
      const container = this.#world.containers.get(containerId);
      return this.direct && container?.pid === pid && container.frozen;
    });
  }

  inspect(id: string): Promise<EngineContainer> {
    return this.#call('inspect', id, () => {
      const { name, status, createdAt, startedAt, exitCode, pid, hasHealthcheck, stopTimeoutS } = this.#world.get(id);
      return {
        ...{ id, name, status, createdAt, startedAt, exitCode, pid, hasHealthcheck, stopTimeoutS },
        ...{ image: 'app', imageId: 'sha256:app', labels: {}, oomKilled: false, exposedPorts: [8080], published: [] },
        ...{ networkMode: 'bridge', networks: [], stopSignal: 'SIGTERM' },
      };
    });
  }

  info(): Promise<EngineInfo> {
    throw new Error('the scaler does not ask for that');
  }

  list(): Promise<readonly EngineContainerSummary[]> {
    throw new Error('the scaler does not ask for that');
  }

  follow(): void {
    throw new Error('the scaler does not ask for that');
  }

  onState(): () => void {
    return () => {};
  }

  close(): void {}

  #call<T>(call: FakeCall, id: string, act: () => T | Promise<T>): Promise<T> {
    const now = this.#clock.now();
    this.calls.push({ call, id, at: now });
    this.#thisMoment = { at: now, calls: this.#thisMoment.at === now ? this.#thisMoment.calls + 1 : 1 };
    if (this.#thisMoment.calls > RUNAWAY_CALLS) {
      this.ranAway = true;
      return new Promise(() => {});
    }
    this.onCall(call, id);
    const fault = this.#faults.find((one) => one.call === call && one.left > 0);
    if (fault !== undefined) {
      fault.left--;
      if (fault.atOnce) throw fault.error;
      return this.#failIn(this.latency(call), fault.error);
    }
    const isDirect = DIRECT.includes(call);
    if (this.mood === 'away' && !isDirect) {
      return this.#failIn(0, new FakeRefusal('engine.unreachable', `${call}: connection refused`));
    }
    if (this.mood === 'hung' && !isDirect) return this.#hang(call, id, act);
    return new Promise((resolve, reject) => {
      this.#clock.after(this.latency(call), () => this.#act(call, id, act).then(resolve, reject));
    });
  }

  async #act<T>(call: FakeCall, id: string, act: () => T | Promise<T>): Promise<T> {
    const container = this.#world.containers.get(id);
    if (container !== undefined) this.onAct(call, container);
    return act();
  }

  #hang<T>(call: FakeCall, id: string, act: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const error = new FakeRefusal('engine.timeout', `${call}: no answer`);
      const timer = this.#clock.after(DEADLINE_MS[call] ?? OTHER_DEADLINE_MS, () => reject(error));
      this.#asked.push(() => {
        timer.cancel();
        this.#act(call, id, act).then(resolve, reject);
      });
    });
  }

  #failIn(ms: number, error: unknown): Promise<never> {
    if (ms === 0) return Promise.reject(error);
    return new Promise((_, reject) => {
      this.#clock.after(ms, () => reject(error));
    });
  }
}
