/**
 * A scaler with everything around it that it needs, faked where the real thing would take time: a world of containers, an
 * Engine over it, a discovery that delivers pictures (at once, late, or old ones), a probe, and real pools and routes.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '#core/clock';
import type { EventDraft, EventType } from '#core/event';
import type { Log } from '#core/log';
import {
  type ReplicaSnapshot,
  type RevisionShare,
  type SetKey,
  type SetPolicy,
  type SetSnapshot,
  setKey,
} from '#core/set';
import type { Engine } from '#docker/engine';
import type { Admission, AdmissionRequest } from '#router/admission';
import type { Pool } from '#router/pool';
import { RouteTable } from '#router/route-table';
import type { Upstream } from '#router/upstream';
import type { LeaseNote, ScalerPorts, SleepNote } from '#scaler/ports';
import type { Probe } from '#scaler/probe';
import { NO_OVERRIDE, type ScaleOverride } from '#scaler/scale-target';
import { Scaler } from '#scaler/scaler';
import type { SetView } from '#scaler/set-view';
import { policy, route, seeded } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';
import { FakeEngine } from './fake-engine.ts';
import { type ContainerTraits, type FakeContainer, FakeWorld, pictureOf, type WorldEvent } from './fake-world.ts';

/** What a set of the tests has unless it says otherwise: it may sleep, freezes after 10 s and stops after a minute. */
export const SLEEPY: Partial<SetPolicy['scale']> = { min: 0, pauseMs: 10_000, stopMs: 60_000 };
/** How long the routes of a set outlive its last container. */
const LINGER_MS = 10_000;
const LOOK_AGAIN_MS = 50;

export interface SetTraits extends Omit<Partial<SetPolicy>, 'scale' | 'health'> {
  readonly scale?: Partial<SetPolicy['scale']>;
  readonly health?: Partial<SetPolicy['health']>;
}

/** A request that was made and is followed. */
export class Ask {
  outcome: Admission | null = null;
  /** Monotonic ms of the outcome. */
  settledAt: number | null = null;
  onSettled: () => void = () => {};
  readonly #stop = new AbortController();
  readonly #pool: Pool;
  #released = false;

  constructor(pool: Pool, clock: Clock, admit: (signal: AbortSignal) => Promise<Admission>) {
    this.#pool = pool;
    void admit(this.#stop.signal).then((admission) => {
      if (this.outcome !== null) throw new Error('a request got two outcomes');
      this.outcome = admission;
      this.settledAt = clock.now();
      this.onSettled();
    });
  }

  /** The word that says what became of it, or `held`. */
  get became(): string {
    if (this.outcome === null) return 'held';
    return this.outcome.outcome === 'stopped' ? this.outcome.code : this.outcome.outcome;
  }

  get upstream(): Upstream | null {
    return this.outcome?.outcome === 'admitted' ? this.outcome.upstream : null;
  }

  /** Whatever it had in flight has ended. */
  get isOver(): boolean {
    return this.outcome !== null && (this.upstream === null || this.#released);
  }

  abort(): void {
    this.#stop.abort();
  }

  /** Ends a request that was admitted. */
  finish(): void {
    if (this.upstream === null || this.#released) return;
    this.#released = true;
    this.#pool.release(this.upstream);
  }
}

export interface RigOptions {
  readonly seed?: number;
  readonly overrides?: ReadonlyMap<SetKey, ScaleOverride>;
  readonly notes?: Map<string, SleepNote>;
  /** Default 64. */
  readonly sandboxesMax?: number;
  readonly wakesOf?: ScalerPorts['wakesOf'];
  readonly usage?: ScalerPorts['usage'];
  readonly memoryRoom?: ScalerPorts['memoryRoom'];
  /** What other processes take to let go of a replica, in ms. Not given: there are none. */
  readonly clearMs?: number;
}

export class Rig {
  readonly clock = new FakeClock();
  readonly world: FakeWorld;
  readonly engine: FakeEngine;
  table: RouteTable;
  readonly events: EventDraft[] = [];
  readonly warnings: string[] = [];
  /** What must never be logged. */
  readonly errors: string[] = [];
  readonly notes: Map<string, SleepNote>;
  readonly leases = new Map<SetKey, LeaseNote>();
  /** Of the world's events to their delivery, in ms; null: at once. A test may also hold them back for good. */
  delay: (event: WorldEvent) => number | null | 'never' = () => null;
  /** Refreshes resolve without having delivered anything. */
  blind = false;
  probes = 0;
  /** What the containers of a revision are like that is made for a set which the API deploys. */
  readonly revisions = new Map<string, Partial<ContainerTraits>>();
  /** Thrown by the making of a replica of a revision. */
  readonly unmakeable = new Map<string, Error>();
  /** From the call to make a replica until its containers are there, in ms. */
  makingMs: (revision: string) => number = () => 15;
  /** Replicas that are being made, by revision. */
  readonly making: string[] = [];
  /** Sets whose views were said to have changed. */
  readonly viewsChanged: SetKey[] = [];
  onMake: (key: SetKey, revision: string) => void = () => {};
  scaler: Scaler;
  #life = 0;
  readonly #options: RigOptions;
  readonly #policies = new Map<SetKey, SetPolicy>();
  readonly #shares = new Map<SetKey, { readonly shares: readonly RevisionShare[]; readonly stopped: boolean }>();
  /** Not all hosts were looked at. */
  isPartial = false;
  /** What discovery showed last. */
  readonly #shown = new Map<string, { readonly set: string; readonly picture: ReplicaSnapshot }>();
  readonly #emptySince = new Map<SetKey, number>();
  /** Whose a set is, by its name, where it is not the default tenant's. */
  readonly tenants = new Map<string, string>();

  constructor(options: RigOptions = {}) {
    this.#options = options;
    this.notes = options.notes ?? new Map();
    this.world = new FakeWorld(this.clock, (event, container) => this.#happened(event, container));
    this.engine = new FakeEngine(this.clock, this.world);
    this.table = this.#makeTable();
    this.scaler = this.#makeScaler();
  }

  /** Another Tidegate over the same world. The one before was killed, unless it was closed: nobody listens to it. */
  restart(): void {
    this.table = this.#makeTable();
    this.scaler = this.#makeScaler();
    for (const key of this.#policies.keys()) this.deliver(key);
  }

  #makeTable(): RouteTable {
    return new RouteTable({ clock: this.clock, random: seeded(this.#options.seed ?? 1) });
  }

  #makeScaler(): Scaler {
    let ids = 0;
    const life = ++this.#life;
    const { table } = this;
    // One that was killed does nothing any more.
    const clock: Clock = {
      wall: () => this.clock.wall(),
      now: () => this.clock.now(),
      after: (ms, run) => this.clock.after(ms, () => void (life === this.#life && run())),
    };
    const engine = mortal(this.engine, () => life === this.#life);
    return new Scaler({
      clock,
      log: this.#log(),
      emit: (draft) => void (life === this.#life && this.events.push(draft)),
      probe: this.#probe,
      notes: {
        get: (replica) => this.notes.get(replica) ?? null,
        put: (replica, note) => {
          if (life !== this.#life) return;
          if (note === null) this.notes.delete(replica);
          else this.notes.set(replica, note);
        },
      },
      leases: {
        get: (key) => this.leases.get(key) ?? null,
        put: (key, note) => {
          if (life !== this.#life) return;
          if (note === null) this.leases.delete(key);
          else this.leases.set(key, note);
        },
      },
      engine: (host) => (host === 'local' && life === this.#life ? engine : null),
      refresh: (_host, id) => this.#refresh(id),
      newId: (prefix) => `${prefix}_${++ids}`,
      pool: (key) => table.pool(key),
      makeReplica: (key, revision) => this.#make(key, revision),
      onViewChanged: (key) => void (life === this.#life && this.viewsChanged.push(key)),
      sandboxesMax: this.#options.sandboxesMax ?? 64,
      override: (key) => this.#options.overrides?.get(key) ?? null,
      ...portsOf(this.#options, clock),
    });
  }

  /** Says how a set is to be kept; its containers come with `add`. */
  set(name: string, traits: SetTraits = {}): SetKey {
    const key = this.#keyOf(name);
    const base = policy();
    const { scale, health, ...others } = traits;
    this.#policies.set(key, {
      ...base,
      ...others,
      scale: { ...base.scale, ...SLEEPY, ...scale },
      health: { ...base.health, ...health },
    });
    if (this.table.pool(key) !== undefined) this.deliver(key);
    return key;
  }

  /** Puts a set in force that the API deploys: it is there with or without containers. */
  declare(key: SetKey, shares: readonly RevisionShare[], stopped = false): void {
    this.#shares.set(key, { shares, stopped });
    this.deliver(key);
  }

  /** Containers of a set as the world has them. */
  containersOf(key: SetKey): FakeContainer[] {
    const set = key.split('/')[2];
    return [...this.world.containers.values()].filter((one) => one.set === set);
  }

  /** A container in the state it has when Tidegate first sees it. */
  add(
    name: string,
    state: 'created' | 'running' | 'paused' | 'exited' | 'frozen',
    traits: Partial<ContainerTraits> = {},
  ): FakeContainer {
    const delay = this.delay;
    this.delay = () => 'never';
    const container = this.world.create(name, traits);
    if (state !== 'created') this.world.start(container.id);
    if (state === 'paused') this.world.pause(container.id);
    if (state === 'frozen') this.world.freeze(container.id, container.pid);
    if (state === 'exited') this.world.die(container.id, 0);
    this.delay = delay;
    this.show(container);
    return container;
  }

  pool(key: SetKey): Pool {
    const pool = this.table.pool(key);
    if (pool === undefined) throw new Error(`there is no pool of ${key}`);
    return pool;
  }

  view(key: SetKey): SetView {
    const view = this.scaler.view(key);
    if (view === null) throw new Error(`there is no set ${key}`);
    return view;
  }

  /** Asks as the gateway does: the pool first, the scaler when the pool has nothing to give. */
  ask(key: SetKey, request: Partial<AdmissionRequest> = {}): Ask {
    const pool = this.pool(key);
    const full: AdmissionRequest = { client: '192.0.2.1', bytes: 100, hash: 0, tried: null, ...request };
    return new Ask(pool, this.clock, async (signal) => {
      const upstream = pool.claim(full.hash, full.tried);
      return upstream === null
        ? this.scaler.admit(pool, full, signal)
        : { outcome: 'admitted', upstream, wakeMs: null };
    });
  }

  asks(key: SetKey, count: number, request: Partial<AdmissionRequest> = {}): Ask[] {
    return Array.from({ length: count }, () => this.ask(key, request));
  }

  /** Lets discovery show a container as it is now, or as it was. */
  show(container: FakeContainer, picture: ReplicaSnapshot | null = pictureOf(container)): void {
    if (picture === null) this.#shown.delete(container.id);
    else this.#shown.set(container.id, { set: container.set, picture });
    this.deliver(this.#keyOf(container.set));
  }

  /** Lets discovery find out what it does not know yet. */
  showTruth(container: FakeContainer): void {
    const picture = this.world.containers.has(container.id) ? pictureOf(container) : null;
    const shown = this.#shown.get(container.id)?.picture ?? null;
    if (!isDeepStrictEqual(shown, picture)) this.show(container, picture);
  }

  /** Delivers the picture of a set that discovery has. */
  deliver(key: SetKey): void {
    const [tenant = '', app = '', set = ''] = key.split('/');
    const setPolicy = this.#policies.get(key);
    if (setPolicy === undefined) return;
    const declared = this.#shares.get(key);
    const weightOf = (one: ReplicaSnapshot): number =>
      declared === undefined
        ? one.weight
        : (declared.shares.find((share) => share.revision === one.revision)?.weight ?? 0);
    const replicas = [...this.#shown.values()]
      .filter((one) => one.set === set)
      .map(({ picture }) => ({ ...picture, weight: weightOf(picture) }));
    replicas.sort((a, b) => a.createdAt - b.createdAt);
    const snapshot: SetSnapshot = {
      key,
      tenant,
      app,
      set,
      policy: setPolicy,
      routes: [route(`${set}.localhost`)],
      replicas,
      ...(declared === undefined ? {} : { shares: declared.shares }),
      ...(declared?.stopped === true ? { stopped: true } : {}),
      ...(declared !== undefined && this.isPartial ? { isPartial: true } : {}),
    };
    this.table.apply(snapshot);
    this.scaler.observe(snapshot);
    if (replicas.length > 0 || declared !== undefined) this.#emptySince.delete(key);
    else this.#linger(key);
  }

  /** Everything of a type that was reported. */
  told(type: EventType): EventDraft[] {
    return this.events.filter((one) => one.type === type);
  }

  /** What discovery would make of a container now. */
  picture(container: FakeContainer): ReplicaSnapshot {
    return pictureOf(container);
  }

  state(container: FakeContainer): string {
    if (!this.world.containers.has(container.id)) return 'gone';
    return container.frozen ? 'frozen' : container.status;
  }

  async #make(key: SetKey, revision: string): Promise<{ host: string; containerId: string }> {
    this.making.push(revision);
    this.onMake(key, revision);
    await new Promise<void>((resolve) => void this.clock.after(this.makingMs(revision), resolve));
    this.making.splice(this.making.indexOf(revision), 1);
    const error = this.unmakeable.get(revision);
    if (error !== undefined) throw error;
    const traits = { sides: [], ...this.revisions.get(revision), revision };
    return { host: 'local', containerId: this.world.create(key.split('/')[2] ?? '', traits).id };
  }

  #keyOf(set: string): SetKey {
    return setKey(this.tenants.get(set) ?? 'default', 'shop', set);
  }

  #linger(key: SetKey): void {
    const since = this.clock.now();
    this.#emptySince.set(key, since);
    this.clock.after(LINGER_MS, () => {
      if (this.#emptySince.get(key) === since) this.vanish(key);
    });
  }

  /** The set is gone for good. */
  vanish(key: SetKey): void {
    this.table.remove(key);
    this.scaler.forget(key);
  }

  #happened(event: WorldEvent, container: FakeContainer): void {
    const delay = this.delay(event);
    if (delay === 'never') return;
    const picture = event === 'destroy' ? null : pictureOf(container);
    if (delay === null) {
      this.show(container, picture);
      return;
    }
    this.clock.after(delay, () => this.show(container, picture));
    // Events that overtook each other leave a wrong picture behind; discovery looks again.
    this.clock.after(delay + LOOK_AGAIN_MS, () => this.showTruth(container));
  }

  async #refresh(id: string): Promise<void> {
    if (this.engine.mood === 'hung') {
      await new Promise<void>((resolve) => void this.clock.after(5000, resolve));
      return;
    }
    if (this.blind || this.engine.mood === 'away') return;
    await new Promise<void>((resolve) => void this.clock.after(2, resolve));
    const container = this.world.containers.get(id);
    if (container !== undefined) this.show(container);
    else {
      const shown = this.#shown.get(id);
      this.#shown.delete(id);
      if (shown !== undefined) this.deliver(this.#keyOf(shown.set));
    }
  }

  readonly #probe: Probe = async (endpoint, { health }, signal) => {
    this.probes++;
    await new Promise<void>((resolve) => void this.clock.after(1, resolve));
    const container = [...this.world.containers.values()].find((one) => one.address === endpoint.dialHost);
    if (container === undefined) return { passed: false, reason: 'connection refused' };
    if (this.world.answers(container)) return { passed: true };
    const stands = container.frozen || container.status === 'paused';
    // The kernel takes connections for a frozen process; nothing answers them.
    if (stands && health.path === null) return { passed: true };
    if (stands && !signal.aborted)
      await new Promise<void>((resolve) => void this.clock.after(health.timeoutMs, resolve));
    return { passed: false, reason: 'no answer' };
  };

  #log(): Log {
    const log: Log = {
      debug: () => {},
      info: () => {},
      warn: (message) => void this.warnings.push(message),
      error: (message, fields) => void this.errors.push(`${message}: ${String(fields?.error)}`),
      with: () => log,
    };
    return log;
  }
}

export function noOverride(changes: Partial<ScaleOverride> = {}): ScaleOverride {
  return { ...NO_OVERRIDE, ...changes };
}

/** The Engine as one Tidegate sees it: answers that come after its end are heard by nobody. */
function mortal(engine: FakeEngine, isAlive: () => boolean): Engine {
  return new Proxy(engine, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...facts: unknown[]): unknown => {
        const answer: unknown = member.apply(target, facts);
        if (!(answer instanceof Promise)) return answer;
        return new Promise((resolve, reject) => {
          answer.then(
            (value) => isAlive() && resolve(value),
            (error: unknown) => isAlive() && reject(error),
          );
        });
      };
    },
  });
}

function portsOf({ wakesOf, usage, memoryRoom, clearMs }: RigOptions, clock: Clock): Partial<ScalerPorts> {
  const clear = (): Promise<void> => new Promise((resolve) => clock.after(clearMs ?? 0, resolve));
  return {
    ...(clearMs === undefined ? {} : { clear }),
    ...(wakesOf === undefined ? {} : { wakesOf }),
    ...(usage === undefined ? {} : { usage }),
    ...(memoryRoom === undefined ? {} : { memoryRoom }),
  };
}
